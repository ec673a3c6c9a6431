"""`python -m tests.chaos`: faults done to real workers, brokers and stores, and the end compared with the truth.

    python -m tests.chaos [--trials N] [--jobs 2] [--json FILE]     all faults, each with other seeds
    python -m tests.chaos --fault NAME --seed N                     one trial, again
    python -m tests.chaos --restart-time N                          how long N kills are felt

Exit 0: nothing was lost, doubled, missing or otherwise different; 1: something was.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.chaos.faults import ALL
from tests.chaos.lane import run_lane
from tests.chaos.restart import render, restarts
from tests.chaos.run import plan, run_all
from tests.chaos.table import failures, skipped, table
from tests.chaos.trial import Result


def main() -> int:
    """Run what was asked for; returns the exit code."""
    arguments = _parser().parse_args()
    if arguments.list:
        for fault in ALL.values():
            print(f"{fault.row:4} {fault.name:24} {fault.says}")
        return 0
    if arguments.lane:
        run_lane(arguments.lane, arguments.keep)
        return 0
    if arguments.restart_time:
        with tempfile.TemporaryDirectory(prefix="hightide-restart-", ignore_cleanup_errors=True) as folder:
            print("\n".join(render(restarts(arguments.restart_time, Path(folder)))))
        return 0
    return _run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, metavar="N", help="so many trials in all (default: one of each fault)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="trials at a time (default 2)")
    parser.add_argument("--fault", action="append", choices=list(ALL), metavar="NAME", help="only this one; repeatable")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the first seed (default 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every result here")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the logs of failed trials here")
    parser.add_argument("--restart-time", type=int, metavar="N", help="measure so many restarts instead")
    parser.add_argument("--list", action="store_true", help="say which faults there are")
    parser.add_argument("--lane", type=Path, help=argparse.SUPPRESS)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    faults = [ALL[name] for name in arguments.fault or ALL]
    todo = plan(faults, arguments.trials or len(faults), arguments.seed)
    keep = arguments.keep or Path(tempfile.mkdtemp(prefix="hightide-chaos-kept-"))
    keep.mkdir(parents=True, exist_ok=True)
    told = _Telling(len(todo))
    with tempfile.TemporaryDirectory(prefix="hightide-chaos-", ignore_cleanup_errors=True) as folder:
        try:
            asyncio.run(run_all(todo, arguments.jobs, Path(folder), keep.absolute(), told))
        except KeyboardInterrupt:  # what is done is worth its table
            print(f"stopped after {len(told.results)} of {len(todo)} trials")
    results = told.results
    if not results:
        return 1
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))
    print("\n".join(["", *table(faults, results), "", *skipped(results), *failures(results)]))
    bad = sum(bool(result.failed) for result in results)
    print(f"{bad} trials failed; their logs: {keep}" if bad else "every trial ended in its truth")
    return 1 if bad or len(results) < len(todo) else 0


class _Telling:
    """A line for each trial on stderr, with how far all of them are."""

    def __init__(self, total: int) -> None:
        self._total = total
        self.results: list[Result] = []
        self._began = time.monotonic()

    def __call__(self, result: Result) -> None:
        self.results.append(result)
        done = len(self.results)
        left_s = (time.monotonic() - self._began) / done * (self._total - done)
        ended = f"FAILED {result.failed}" if result.failed else f"SKIPPED {result.skipped}" if result.skipped else "ok"
        said = "; ".join([ended, *result.notes])
        print(
            f"{done}/{self._total} (about {left_s / 60:.0f} min left) {result.fault} seed {result.seed}, "
            f"{result.took_s:.1f} s: {said}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
