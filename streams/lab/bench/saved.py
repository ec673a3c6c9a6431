"""A report that was saved as JSON, to be rendered again without measuring."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streams.errors import Expected
from streams.lab.bench.measured import Measured
from streams.lab.bench.report import FIGURES, ArmResult, Report

#: what `Report.as_json` adds to a run, or takes from fields of its own; the rest is `Measured.extra`
_NOT_EXTRA = {*FIGURES, "events", "seconds", "cpu_s"} - {"rows_per_event"}


def read_report(path: Path) -> Report:
    """The report in a file that `hightide bench --json` wrote. Raises `Expected` if it is none."""
    try:
        return report_of(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise Expected(f"{path} can not be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Expected(f"{path} is not what `hightide bench --json` writes ({error!r})") from error


def report_of(document: Mapping[str, Any]) -> Report:
    """The inverse of `Report.as_json`. Raises what looking into something else raises."""
    profile = dict(document["profile"])
    seed, event_bytes = profile.pop("seed"), profile.pop("event_bytes")
    return Report(
        machine=document["machine"],
        measured_at=document["measured_at"],
        profile=profile,
        seed=seed,
        events=document["events"],
        event_bytes=event_bytes,
        partitions=document["partitions"],
        chunk_records=document["chunk_records"],
        arms=[ArmResult(arm["name"], [_run(run) for run in arm["runs"]]) for arm in document["arms"]],
    )


def _run(run: Mapping[str, Any]) -> Measured:
    extra = {name: value for name, value in run.items() if name not in _NOT_EXTRA and value is not None}
    return Measured(run["events"], run["seconds"], run["cpu_s"], run["peak_rss_mb"], extra)
