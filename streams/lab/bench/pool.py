"""Things in a state that they may leave: any of them is the next to do so."""

from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Pool(Generic[T]):
    """Holds at most `size` things; beyond that, a new one takes the place of any."""

    def __init__(self, size: int, rnd: Random) -> None:
        self._size = size
        self._rnd = rnd
        self._things: list[T] = []

    def put(self, thing: T) -> None:
        """Put one in."""
        if len(self._things) < self._size:
            self._things.append(thing)
        else:
            self._things[int(self._rnd.random() * self._size)] = thing

    def take(self) -> T | None:
        """Take any one out; None if there is none."""
        if not self._things:
            return None
        at = int(self._rnd.random() * len(self._things))
        self._things[at], self._things[-1] = self._things[-1], self._things[at]
        return self._things.pop()
