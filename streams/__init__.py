"""What happens to the events, room by room; the README's path of one order is the reading order."""
