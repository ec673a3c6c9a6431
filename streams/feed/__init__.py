"""Beside the path: what changed in the tallies, published to the topic `tallies`, and the curves of recent minutes."""
