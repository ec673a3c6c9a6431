"""The truth of a log: every tally, ranking and confirmed alert that a correct run must end in.

Plain, slow and separate: whole passes over whole lists, dictionaries, one thing after the other, and nothing of the
pipeline imported, so that the two can only agree by both following the contract. Read `compute.py` first.
"""

from streams.lab.truth.compute import compute_truth
from streams.lab.truth.files import read_truth, write_truth
from streams.lab.truth.model import Alert, Leader, PartitionCount, Ranking, Record, Rules, Sketch, Tally, Truth

__all__ = [
    "Alert",
    "Leader",
    "PartitionCount",
    "Ranking",
    "Record",
    "Rules",
    "Sketch",
    "Tally",
    "Truth",
    "compute_truth",
    "read_truth",
    "write_truth",
]
