"""`hightide bench growth`: what more anchors, partitions, workers and hours cost, and what a whole platform needs."""
