"""Step 7 of the path: alerts leave Redis for the `alerts` topic, each revision once."""
