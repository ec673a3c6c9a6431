"""`hightide bench latency`: from a record's append to its settled tally, and to its alert."""
