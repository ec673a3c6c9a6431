"""The truth as a file: JSON Lines, one object a line, its `kind` first. Counters that are 0 are left out."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from streams.lab.truth.counting import COUNTERS
from streams.lab.truth.model import Alert, Leader, PartitionCount, Ranking, Sketch, Tally, Truth

VERSION = 1


def write_truth(path: Path, truth: Truth) -> None:
    """Write `truth` to `path`, whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", encoding="utf-8") as file:
        for line in _lines(truth):
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    unfinished.replace(path)


def read_truth(path: Path) -> Truth:
    """Read what `write_truth` wrote. Raises ValueError if `path` holds something else."""
    truth, number = Truth(), 0
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            try:
                _take(truth, json.loads(text), number)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}, line {number}: this is no line of a truth file ({error})") from error
    if number == 0:
        raise ValueError(f"{path} is empty: write it again with `hightide simulate ... --truth {path}`")
    return truth


def _lines(truth: Truth) -> Iterator[dict[str, Any]]:
    head = {"version": VERSION, "watermark_ms": truth.watermark_ms, "totals": truth.totals()}
    yield {"kind": "meta", **head, **truth.meta}
    for count in truth.partitions:
        yield {"kind": "partition", **asdict(count)}
    for tally, counters in truth.tallies.items():
        touched = {name: value for name, value in counters.items() if value}
        yield {"kind": "tally", **tally._asdict(), "counters": touched}
    for sketch, distinct in truth.sketches.items():
        yield {"kind": "sketch", **sketch._asdict(), "distinct": distinct}
    for ranking, leader in truth.rankings.items():
        yield {"kind": "ranking", **ranking._asdict(), "leader": leader._asdict()}
    for alert in truth.alerts:
        previous = None if alert.previous is None else alert.previous._asdict()
        yield {"kind": "alert", **alert._asdict(), "previous": previous}


def _take(truth: Truth, line: dict[str, Any], number: int) -> None:
    kind = line.pop("kind")
    if (kind == "meta") != (number == 1):
        raise ValueError("the first line, and no other, is of kind meta")
    match kind:
        case "meta":
            _take_meta(truth, line)
        case "partition":
            truth.partitions.append(PartitionCount(**line))
        case "tally":
            counters = {**_NO_COUNTERS, **line.pop("counters")}
            truth.tallies[Tally(**line)] = counters
        case "sketch":
            distinct = line.pop("distinct")
            truth.sketches[Sketch(**line)] = distinct
        case "ranking":
            leader = Leader(**line.pop("leader"))
            truth.rankings[Ranking(**line)] = leader
        case "alert":
            previous = line.pop("previous")
            truth.alerts.append(Alert(**line, previous=None if previous is None else Leader(**previous)))
        case _:
            raise ValueError(f"kind {kind!r}")


def _take_meta(truth: Truth, line: dict[str, Any]) -> None:
    version = line.pop("version")
    if version != VERSION:
        raise ValueError(f"version {version}, this program reads version {VERSION}")
    truth.watermark_ms = line.pop("watermark_ms")
    line.pop("totals")
    truth.meta = line


_NO_COUNTERS = dict.fromkeys((*COUNTERS, "net_gmv_fen", "net_gmv_booked_fen"), 0)
