"""How far event time has come once everything is read."""

from collections.abc import Iterable

from streams.lab.truth.model import PartitionCount, Rules


def final_watermark_ms(partitions: Iterable[PartitionCount], rules: Rules) -> int | None:
    """The smallest of the partitions' largest trusted event times; None if no event was trusted.

    A partition whose last record arrived `idle_ms` or more before the last of all is idle and has no say.
    """
    known = list(partitions)
    newest_ms = max((each.arrival_ms for each in known), default=0)
    trusted = [
        each.trusted_ms for each in known if each.trusted_ms is not None and newest_ms - each.arrival_ms < rules.idle_ms
    ]
    return min(trusted, default=None)


def told_watermark_ms(partitions: Iterable[PartitionCount], rules: Rules, clock_ms: int) -> int | None:
    """The watermark of the log, or `clock_ms` if a clock has moved it further."""
    watermark_ms = final_watermark_ms(partitions, rules)
    return clock_ms if clock_ms > (watermark_ms or 0) else watermark_ms
