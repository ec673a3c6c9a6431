"""The table that a run ends with. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from tests.chaos.trial import Fault, Result

_HEAD = ("row", "fault", "trials", "events", "lost", "counted twice", "alerts missing", "alerts doubled", "heals in s")


def table(faults: Iterable[Fault], results: Sequence[Result]) -> list[str]:
    """One line a fault, in their order, and one for all; seconds are the median and the worst, once all was sent.

    What was skipped is no trial, and is in no line.
    """
    rows, results = [_HEAD], [result for result in results if not result.skipped]
    for fault in faults:
        of_fault = [result for result in results if result.fault == fault.name]
        if of_fault:
            rows.append((fault.row, fault.name, *_numbers(of_fault)))
    rows.append(("", "all", *_numbers(results)))
    return list(_aligned(rows))


def _numbers(results: Sequence[Result]) -> tuple[str, ...]:
    outcomes = [result.outcome for result in results]
    sums = [sum(getattr(each, name) for each in outcomes) for name in ("events", "lost", "twice", "missing", "doubled")]
    heals = sorted(each.heal_s for each in outcomes) or [0.0]
    return f"{len(results):,}", *(f"{each:,}" for each in sums), f"{median(heals):.1f} ({heals[-1]:.1f})"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = [
            each.ljust(width) if column < 2 else each.rjust(width)
            for column, (each, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def failures(results: Iterable[Result]) -> list[str]:
    """One line for each trial that was not good: the command that repeats it, and what was wrong."""
    return [
        f"python -m tests.chaos --fault {result.fault} --seed {result.seed}: {result.failed}"
        for result in results
        if result.failed
    ]


def skipped(results: Iterable[Result]) -> list[str]:
    """One line for each fault that this machine can not do: why."""
    why = {result.fault: result.skipped for result in results if result.skipped}
    return [f"not tried here: {fault}: {reason}" for fault, reason in why.items()]
