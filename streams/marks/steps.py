"""Step 5, changed: a pass knows that Redis did not go back under it.

Redis may lose its last writes at any moment (a failover, a restored backup), each shard by itself, and a pass has many
steps, in several shards. What a pass read may be gone when it raises, and what it raised may be gone when it removes
the marks: a ranking would then lack for ever what no mark tells of. So each step writes a name that was never used
before into its shard, and the next one there goes on only if it finds it (`step.lua`). What is found elsewhere at the
beginning of the next pass is compared with what was left there (`begin.lua`): a ranking's shard that went back since
then has an older name, and what was raised there later is marked again.

A name is `<ticket>/<worker>/<number>`. Tickets grow with each pass of a source shard; they are milliseconds of the
clock, so that a shard that went back does not give the same again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streams.keys import Keys


class WentBack(Exception):
    """Redis lost something that this pass has read or written, or another pass has begun: begin anew."""


class Step(NamedTuple):
    """What a script is given: the source shard, what the step before left in this shard, and what this one leaves."""

    source: str
    before: str
    now: str


#: of whoever is no pass
NO_STEP = Step("", "", "")


class Steps:
    """The steps of one pass over the marks of one source shard; `found` is what it found in each shard (by prefix)."""

    def __init__(self, source: int, name: str, found: Mapping[str, str]) -> None:
        self._source = str(source)
        self._name = name
        self._found = dict(found)
        self._number = 0
        #: prefix of a shard -> what this pass left there
        self.left: dict[str, str] = {}

    @property
    def ticket(self) -> str:
        """The number of the pass."""
        return self._name.partition("/")[0]

    def last(self, keys: Keys) -> str:
        """What stands in a shard of this pass now, as far as it knows."""
        return self.left.get(keys.prefix, self._found.get(keys.prefix, ""))

    def next(self, keys: Keys) -> Step:
        """The next step in a shard."""
        self._number += 1
        return Step(self._source, self.last(keys), f"{self._name}/{self._number}")

    def took(self, keys: Keys, step: Step, *, may_go_on: bool) -> None:
        """Note how it went. Raises `WentBack` if the pass may not go on."""
        if not may_go_on:
            raise WentBack
        self.left[keys.prefix] = step.now
