"""Step 5 and 6 of the path: changed totals become rankings, peaks and records."""
