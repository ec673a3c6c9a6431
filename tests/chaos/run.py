"""Many trials: handed out to lanes, told as they come, and a table at the end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from tests.chaos.trial import WITHIN_S, Fault, Result

Told = Callable[[Result], None]
#: a lane that says nothing for so long is ended, and its trial has failed
_SILENT_S = WITHIN_S + 60


def plan(faults: Iterable[Fault], trials: int, first_seed: int) -> list[tuple[str, int]]:
    """So many trials, every fault as often as the others (the first ones once more), each with a seed of its own."""
    names = [fault.name for fault in faults]
    rounds, rest = divmod(trials, len(names))
    return [
        (name, first_seed + number)
        for number in range(rounds + 1)
        for name in (names if number < rounds else names[:rest])
    ]


async def run_all(todo: list[tuple[str, int]], jobs: int, folder: Path, keep: Path, told: Told) -> None:
    """Run every (fault, seed) in `jobs` lanes. A lane that dies costs its trial and is replaced."""
    left = iter(todo)
    await asyncio.gather(*(_lane(left, folder / str(number), keep, told) for number in range(min(jobs, len(todo)))))


async def _lane(left: Iterator[tuple[str, int]], folder: Path, keep: Path, done: Told) -> None:
    lane: asyncio.subprocess.Process | None = None
    try:
        for name, seed in left:
            if lane is None or lane.returncode is not None:
                lane = await _started(folder, keep)
            done(await _trial(lane, name, seed))
    finally:
        if lane is not None:
            await _end(lane)


async def _started(folder: Path, keep: Path) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # once
    with (folder / "lane.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos", "--lane", str(folder), "--keep", str(keep)),
            stdin=pipe, stdout=pipe, stderr=log, limit=1 << 24,
        )  # fmt: skip


async def _trial(lane: asyncio.subprocess.Process, name: str, seed: int) -> Result:
    assert lane.stdin is not None and lane.stdout is not None
    try:
        lane.stdin.write(f"{name} {seed}\n".encode())
        async with asyncio.timeout(_SILENT_S):
            line = await lane.stdout.readline()
        return msgspec.json.decode(line, type=Result)
    except (msgspec.MsgspecError, OSError):
        await _end(lane)
        return Result(name, seed, failed=f"the lane died (exit code {lane.returncode}), its log says why")
    except TimeoutError:
        await _end(lane)
        return Result(name, seed, failed=f"the lane said nothing for {_SILENT_S:.0f} s")


async def _end(lane: asyncio.subprocess.Process) -> None:
    """Its servers and workers end with it."""
    assert lane.stdin is not None
    lane.stdin.close()
    try:
        async with asyncio.timeout(20):
            await lane.wait()
    except TimeoutError:
        lane.kill()
        await lane.wait()
