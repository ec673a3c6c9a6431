"""`python -m tests.simulation`: many seeds, or one of them with all that happened.

--seed N --show        one run, with its steps
--seeds N [--first M]  that many runs, on every core; exit 1 and the seeds that went wrong, if any
--mutation M1          with a bug put back: the first seed that finds it
"""

from __future__ import annotations

import argparse
import gc
import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

#: how many wrong seeds are worth waiting for
_ENOUGH = 10
#: runs of a process between two collections of garbage: a run makes some MB, looking all the time costs a fifth
_RUNS_A_COLLECTION = 20
_runs = count()


@dataclass(frozen=True)
class Outcome:
    """How the run of a seed ended; `wrong` is empty where all was right."""

    seed: int
    wrong: str = ""


@dataclass(frozen=True)
class Made:
    """What is put into the production code: the `bug` of a mutation, and the loss of what stands behind it."""

    mutation: str | None = None
    bug: bool = True
    peeled: bool = True


def main(words: list[str]) -> int:
    arguments = _parser().parse_args(words)
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets must be the same in every process
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *words])
    logging.disable(logging.CRITICAL)
    made = Made(arguments.mutation, not arguments.only_peeled, not arguments.alone)
    if arguments.seed is not None:
        return _one(arguments.seed, arguments.show, made)
    return _many(range(arguments.first, arguments.first + arguments.seeds), arguments.processes, made)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.simulation", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, help="play this one")
    parser.add_argument("--show", action="store_true", help="and print what happened")
    parser.add_argument("--seeds", type=int, default=1_000, metavar="N", help="how many to play")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="from this one on")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--mutation", metavar="M1", help="put a bug back (tests/simulation/mutations.py)")
    parser.add_argument("--alone", action="store_true", help="leave what stands behind the bug as it is")
    parser.add_argument("--only-peeled", action="store_true", help="take away what stands behind the bug, no more")
    return parser


def outcome(seed: int, show: bool = False, put: Made = Made()) -> Outcome:  # it is frozen
    """Play a seed, with a bug if one is named."""
    from tests.simulation.mutations import MUTATIONS
    from tests.simulation.plan import plan_of
    from tests.simulation.world import Wrong, play

    bug = next((each for each in MUTATIONS if each.name == put.mutation), None)
    gc.disable()
    if next(_runs) % _RUNS_A_COLLECTION == 0:
        gc.collect()
    plan = plan_of(seed)
    made: Any = bug.made(put.bug, put.peeled) if bug else nullcontext(lambda text: text)
    try:
        with made as changed:
            world = play(bug.arranged(plan) if bug else plan, show, changed)
    except Wrong as wrong:
        return Outcome(seed, str(wrong))
    if show:
        print("\n".join(world.steps))
    return Outcome(seed)


def _one(seed: int, show: bool, put: Made) -> int:
    ended = outcome(seed, show, put)
    print(ended.wrong or f"seed={seed}: right")
    return 1 if ended.wrong else 0


def _many(seeds: Sequence[int], processes: int, put: Made) -> int:
    began, played, wrong = time.monotonic(), 0, []
    for ended in _outcomes(seeds, processes, put):
        played += 1
        if ended.wrong:
            wrong.append(ended)
            print("\n".join(ended.wrong.split("\n")[:3]), flush=True)
        if played % 100 == 0 and sys.stderr.isatty():
            print(f"\r{played:,} of {len(seeds):,} seeds, {len(wrong)} wrong", end="", file=sys.stderr, flush=True)
        if len(wrong) >= (1 if put.mutation else _ENOUGH):
            break
    took_s = time.monotonic() - began
    print(f"{played:,} seeds in {took_s:.0f} s, {len(wrong)} wrong")
    return 1 if wrong else 0


def _outcomes(seeds: Iterable[int], processes: int, put: Made) -> Iterator[Outcome]:
    """In the order of the seeds, so that the first wrong one is always the same."""
    import tests.simulation.world  # noqa: F401  # once, not in each process

    play = partial(outcome, put=put)
    gc.freeze()
    if processes == 1:
        yield from map(play, seeds)
        return
    with multiprocessing.get_context("fork").Pool(processes, _quietly) as pool:
        yield from pool.imap(play, seeds, chunksize=10)


def _quietly() -> None:
    """A pool's process leaves Ctrl-C to the one that started it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
