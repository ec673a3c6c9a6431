"""What travels: events, tallies, alerts, rejects, money and their examples. No I/O, no framework."""
