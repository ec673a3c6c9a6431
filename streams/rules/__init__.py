"""Rules as data: the file of rules, what it says of alerts, and what it would have said."""
