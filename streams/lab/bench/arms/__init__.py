"""The programs that the bench compares, one a file; the table that names them is `streams/lab/bench/table.py`."""
