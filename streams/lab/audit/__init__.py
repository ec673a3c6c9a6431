"""The audit: every tally recomputed from Kafka by the truth's slow code, and compared with what Redis holds."""
