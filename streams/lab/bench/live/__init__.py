"""Live traffic for measuring: paced by the wall clock, watched from processes of their own."""
