"""Rows of a file into the topic: what is in already stays as it is, and what contradicts it stops all. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.history import Imported
from streams.errors import Expected


class HistoryWrong(Expected):
    """The file is not imported, nothing of it: mend the lines that it names."""

    exit_code = 1


class Plan(NamedTuple):
    """`add` is what the topic lacks; `known` counts rows that it has, `mistakes` are rows that it has otherwise."""

    add: list[Imported]
    known: int
    mistakes: list[str]


def plan(rows: Iterable[Imported], there: Mapping[bytes, Imported], name: str) -> Plan:
    """What to do about the `rows` of the file `name`; `there` are the rows of the topic by key."""
    add: list[Imported] = []
    known, mistakes = 0, []
    for row in rows:
        before = there.get(row.key)
        if before is None:
            add.append(row)
        elif before.says == row.says:
            known += 1
        else:
            was = f"imported from {before.origin.file}:{before.origin.line} by {before.origin.author}"
            mistakes.append(
                f"{name}:{row.origin.line}: gmv_fen={row.gmv_fen}: {row.kind} {row.id} of {row.scope.dimension} "
                f"{row.scope.id} stands at {before.gmv_fen} already, {was}; history is not changed once it is in"
            )
    return Plan(add, known, mistakes)
