"""The simulator: seeded scenarios as plain sequences of records, and the player that sends them to Kafka.

A scenario knows no clock but its own: every event time and every arrival follows from the seed, so the same
seed gives the same bytes on every machine.
"""
