"""Worker and board processes for the demo, the tests and the bench: started, watched, ended or killed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Final

from redis.asyncio import Redis

from streams.errors import Expected
from streams.keys import shard_keys
from streams.lab.servers.spawn import leash
from streams.settings import Settings
from streams.tally.fence import read_fences

#: a worker that settles nothing more for this long has stopped
SETTLED_WITHIN_S = 60.0
_STOPS_WITHIN_S = 25.0
#: the module that is a worker, and its arguments
WORKER: Final = ("streams.cli.main", "worker")
#: the module that is a board, and its arguments
BOARD: Final = ("streams.cli.main", "board")
_BOARD_WITHIN_S = 30.0
_BOARD_AT = re.compile(r"^board at (http://\S+)$", re.MULTILINE)

Process = subprocess.Popen[bytes]


def start_worker(
    settings: Settings,
    log: Path,
    more: Mapping[str, str] = MappingProxyType({}),
    program: Sequence[str] = WORKER,
) -> Process:
    """Start `hightide worker` with these settings; its log is appended to `log`.

    It ends with this process. `more` is added to its environment; `program` is a module and its arguments.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HIGHTIDE_")}
    with log.open("ab") as sink:
        # a group of its own: Ctrl-C reaches us alone, and we end the worker
        return subprocess.Popen(
            [*leash(), sys.executable, "-m", *program],
            env={**environment, **as_environment(settings), **more}, stdout=sink, stderr=sink, start_new_session=True,
        )  # fmt: skip


def as_environment(settings: Settings) -> dict[str, str]:
    """Settings as the variables that a process would read them from."""
    values = {field.metadata["key"]: getattr(settings, field.name) for field in fields(settings)}
    return {key: _as_text(value) for key, value in values.items()}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(getattr(value, "name", value))


async def end_worker(worker: Process) -> int:
    """SIGTERM, and SIGKILL if that does not end it; returns its exit code. Does nothing to one that has ended."""
    if worker.poll() is None:
        worker.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(worker.wait, _STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            worker.kill()
    return await asyncio.to_thread(worker.wait)


@asynccontextmanager
async def worker_process(settings: Settings, log: Path, program: Sequence[str] = WORKER) -> AsyncIterator[Process]:
    """A worker for as long as the context lasts. `program` as in `start_worker`."""
    worker = start_worker(settings, log, program=program)
    try:
        yield worker
    finally:
        await end_worker(worker)


@asynccontextmanager
async def board_process(settings: Settings, log: Path) -> AsyncIterator[str]:
    """A board for as long as the context lasts; gives its address, "http://host:port".

    Raises `Expected` if it ends, or has no address for long.
    """
    async with worker_process(settings, log, BOARD) as board:
        async with asyncio.timeout(_BOARD_WITHIN_S):
            while not (said := _BOARD_AT.search(_text(log))):
                if board.poll() is not None:
                    raise Expected(f"the board ended with exit code {board.returncode}: its log says why")
                await asyncio.sleep(0.05)
        yield said[1]


def _text(log: Path) -> str:
    return log.read_text("utf-8", "replace")


async def until_settled(redis: Redis, settings: Settings, records: int, worker: Process) -> None:
    """Return once `records` lie below the fences. Raises `Expected` if the worker ends, or settles nothing for long."""
    loop = asyncio.get_running_loop()
    settled, moved_at = -1, loop.time()
    while settled < records:
        if worker.poll() is not None:
            raise Expected(f"the worker ended with exit code {worker.returncode}: its log says why")
        now = await settled_records(redis, settings)
        if now != settled:
            settled, moved_at = now, loop.time()
        elif loop.time() - moved_at > SETTLED_WITHIN_S:
            raise Expected(f"the worker settled {settled:,} of {records:,} records and nothing more: its log says why")
        await asyncio.sleep(0.05)


async def settled_records(redis: Redis, settings: Settings) -> int:
    """How many records lie below the fences of all partitions, in the shard that is furthest behind."""
    shards = [shard_keys(settings.group, shard) for shard in range(settings.shards)]
    fences = [(await read_fences(redis, keys)).values() for keys in shards]
    return min(sum(fence.next - fence.origin for fence in each) for each in fences)
