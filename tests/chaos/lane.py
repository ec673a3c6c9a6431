"""A lane: one process that runs trials one after the other on a broker of its own.

It reads `fault seed` from stdin, a line a trial, and answers each with a line of JSON.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from tests.chaos.faults import ALL
from tests.chaos.ground import ground
from tests.chaos.trial import run_trial


def run_lane(folder: Path, keep: Path) -> None:
    """Run trials until stdin ends."""
    with ground(folder) as on:
        for line in sys.stdin:
            name, seed = line.split()
            result = asyncio.run(run_trial(on, ALL[name], int(seed), keep))
            sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
            sys.stdout.flush()
