"""`hightide bench catch-up`: a backlog to be worked off while live traffic arrives."""
