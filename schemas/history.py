"""What an operator brings along: the value of the topic `history`, one earlier holder of a scope's rankings."""

from hashlib import sha256
from typing import Literal

import msgspec

from schemas.alerts import Scope


class Provenance(msgspec.Struct, frozen=True, gc=False):
    """Where a row came from: line `line` of the file `file` with this SHA-256, brought in by `author`."""

    file: str
    sha256: str
    line: int
    author: str
    imported_at_ms: int


class Imported(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An hour or a session from before the log, half-open `[start_ms, end_ms)`; money in fen.

    `id` is a local hour (`2025-12-31T20`) or a session id. `net_fen` is null where it is not known; such a session
    counts in the rankings by gross alone. `origin` says who vouches for it.
    """

    kind: Literal["hour", "session"]
    scope: Scope
    id: str
    start_ms: int
    end_ms: int
    gmv_fen: int
    net_fen: int | None = None
    origin: Provenance

    @property
    def key(self) -> bytes:
        """The record's key: 32 hex digits that name scope and holder."""
        name = "|".join((self.kind, self.scope.dimension, self.scope.id, self.id))
        return sha256(name.encode()).hexdigest()[:32].encode()

    @property
    def says(self) -> tuple[object, ...]:
        """Everything but its origin: two rows that say the same are one."""
        return self.kind, self.scope, self.id, self.start_ms, self.end_ms, self.gmv_fen, self.net_fen


def encode_imported(row: Imported) -> bytes:
    """The value of a row in its topic."""
    return msgspec.json.encode(row)


def decode_imported(value: bytes) -> Imported:
    """Read a row back; raises `msgspec.MsgspecError` on anything else."""
    return msgspec.json.decode(value, type=Imported)
