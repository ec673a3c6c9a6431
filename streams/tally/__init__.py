"""Step 3 and 4 of the path: the fold into windows and the one atomic step into Redis."""
