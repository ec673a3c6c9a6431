"""Arms that need no worker run in a process of their own, so that none inherits another's memory or event loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from streams.errors import Expected
from streams.lab.bench.check import check_hourly
from streams.lab.bench.ground import Ground
from streams.lab.bench.hourly import read_rows
from streams.lab.bench.measured import Measured, Task

#: no arm takes this long on any number of events that a bench is run with
_WITHIN_S = 1_800.0
_ENDS_WITHIN_S = 5.0


def in_child(module: str, at_most: int | None = None) -> Callable[[Ground], Awaitable[Measured]]:
    """An arm that is the program `module`; it reads `at_most` events, None: all."""
    return partial(_run, module, at_most)


async def peers_job(ground: Ground) -> Measured:
    """The arm `peers job`, its sums checked. Raises `TalliesWrong`."""
    result = await _run("streams.lab.bench.arms.peers_job", None, ground)
    check_hourly(read_rows(ground.folder), ground.totals)
    return result.with_extra(sums="right")


async def _run(module: str, at_most: int | None, ground: Ground) -> Measured:
    task = _task(ground, at_most)
    log = ground.folder / f"{module.rpartition('.')[2]}.log"
    with log.open("ab") as sink:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, msgspec.json.encode(task).decode(),
            # a group of its own: Ctrl-C reaches us alone, and we end the child
            stdout=asyncio.subprocess.PIPE, stderr=sink, start_new_session=True,
        )  # fmt: skip
    try:
        async with asyncio.timeout(_WITHIN_S):
            answer, _ = await child.communicate()
    except TimeoutError:
        raise Expected(f"{module} did not end within {_WITHIN_S:.0f} s") from None
    finally:
        await _end(child)
    if child.returncode:
        raise Expected(
            f"{module} ended with exit code {child.returncode}: {last_line(log.read_text(errors='replace'))}"
        )
    return msgspec.json.decode(answer.splitlines()[-1], type=Measured)


def _task(ground: Ground, at_most: int | None) -> Task:
    settings, events = ground.settings, ground.totals.events
    return Task(
        kafka=settings.kafka,
        topic_prefix=settings.topic_prefix,
        topic=ground.topic,
        partitions=settings.partitions,
        events=events if at_most is None else min(events, at_most),
        chunk_records=settings.chunk_records,
        dedupe_ms=settings.dedupe_s * 1_000,
        offset_ms=settings.zone.offset_ms,
        processes={name: pid for name, pid in ground.processes.items() if name == "broker"},
        folder=str(ground.folder),
    )


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _ENDS_WITHIN_S)
    except TimeoutError:
        child.kill()
        await child.wait()


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it wrote nothing")
