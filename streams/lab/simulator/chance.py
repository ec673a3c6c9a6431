"""Random streams by name: one part of a scenario can change without shifting the dice of the others."""

from random import Random


class Chance:
    """The dice of one scenario run. `part("fur/prices")` is always the same stream for the same seed."""

    def __init__(self, scenario: str, seed: int) -> None:
        self._root = f"{scenario}|{seed}"

    def part(self, name: str) -> Random:
        """A fresh generator for one named part, at its beginning."""
        return Random(f"{self._root}|{name}")
