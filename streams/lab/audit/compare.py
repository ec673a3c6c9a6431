"""Two sets of tallies, and how they differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streams.lab.audit.kept import Kept
from streams.lab.audit.store import Stored
from streams.lab.truth import Sketch, Tally, Truth
from streams.tally.windows import Zone

#: what a HyperLogLog may be off: five of its standard errors of 0.81 %
_SKETCH_ERROR = 0.0405
#: and what at small counts, where one register for two ids is all that goes wrong: of n ids n²/32,768 on the mean. Of
#: 20,000 sketches of 64 ids 7 were off by 3; more than 2 + n/32 happens to one sketch in a million
_SKETCH_SMALL, _SKETCH_SMALL_EACH = 2, 1 / 32


def looked_at(stored: Stored, truth: Truth, zone: Zone) -> Kept:
    """What of both is above the floors, and can be compared."""
    return Kept(stored.floors, zone).without(stored.tallies.keys() | truth.tallies.keys())


def differences(stored: Stored, truth: Truth, kept: Kept) -> Iterator[str]:
    """One line for each kept window whose counters differ, and for each sketch that is further off than it may be."""
    yield from tally_differences(stored.tallies, truth.tallies, kept)
    yield from sketch_differences(stored.sketches, truth.sketches, kept)


def tally_differences(
    stored: Mapping[Tally, Mapping[str, int]], true: Mapping[Tally, Mapping[str, int]], kept: Kept
) -> Iterator[str]:
    """One line for each counter of a kept window that differs."""
    for tally in sorted(filter(kept.has, stored.keys() | true.keys())):
        have, should = stored.get(tally, {}), true.get(tally, {})
        for name in sorted(have.keys() | should.keys()):
            if have.get(name, 0) != should.get(name, 0):
                window = f"{tally.dimension} {tally.id} {tally.grain} {tally.start_ms}"
                yield f"{window}: {name} is {have.get(name, 0)}, should be {should.get(name, 0)}"


def sketch_differences(stored: Mapping[Sketch, int], true: Mapping[Sketch, int], kept: Kept) -> Iterator[str]:
    """One line for each kept sketch that is further off than it may be."""
    for sketch in sorted(filter(kept.has, stored.keys() | true.keys())):
        have, should = stored.get(sketch, 0), true.get(sketch, 0)
        if abs(have - should) > max(_SKETCH_SMALL + should * _SKETCH_SMALL_EACH, should * _SKETCH_ERROR):
            window = f"{sketch.dimension} {sketch.id} {sketch.grain} {sketch.start_ms}"
            yield f"{window}: distinct {sketch.of} are estimated as {have}, should be about {should}"


def truth_differences(found: Truth, expected: Truth) -> Iterator[str]:
    """What was sent against what the scenario meant to send: one line for each kind of thing that is not the same."""
    for name in ("watermark_ms", "partitions", "tallies", "sketches", "rankings", "alerts"):
        if getattr(found, name) != getattr(expected, name):
            yield f"the log is not the one of the truth file: its {name} differ"
