"""The child processes of a live measurement: told what to do, listened to, asked to end by closing their input."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from streams.errors import Expected
from streams.lab.bench.children import last_line
from streams.lab.bench.live.tasks import DONE

T = TypeVar("T")

_ENDS_WITHIN_S = 20.0
_STARTS_WITHIN_S = 60.0


class Child:
    """One running child."""

    def __init__(self, module: str, process: asyncio.subprocess.Process, log: Path, answer: Path) -> None:
        self._module = module
        self._process = process
        self._log = log
        self._answer = answer
        self._done = False

    async def line(self) -> str:
        """Its next line. Raises `Expected` if it ended, or says nothing for long."""
        stdout = self._process.stdout
        assert stdout is not None, "it was asked for"
        try:
            line = await asyncio.wait_for(stdout.readline(), _STARTS_WITHIN_S)
        except TimeoutError:
            raise Expected(f"{self._module} says nothing for {_STARTS_WITHIN_S:.0f} s") from None
        if not line.endswith(b"\n"):
            raise Expected(f"{self._module} ended: {last_line(self._log.read_text(errors='replace'))}")
        text = line.decode().strip()
        self._done = text == DONE
        return text

    def stop(self) -> None:
        """Ask it to end; its answer comes then."""
        assert self._process.stdin is not None, "it was asked for"
        self._process.stdin.close()

    async def answer(self, type: type[T]) -> T:
        """Ask it to end and return its answer. Raises `Expected` if that does not come."""
        self.stop()
        try:
            async with asyncio.timeout(_ENDS_WITHIN_S):
                while not self._done:
                    await self.line()
        except TimeoutError:
            raise Expected(f"{self._module} did not answer within {_ENDS_WITHIN_S:.0f} s") from None
        return msgspec.json.decode(self._answer.read_bytes(), type=type)

    async def end(self) -> None:
        """By force, if need be."""
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 5.0)
            except TimeoutError:
                self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def child(module: str, task: msgspec.Struct, folder: Path) -> AsyncIterator[Child]:
    """The program `module` for as long as the context lasts; what it complains of goes to a log in `folder`."""
    name = module.rpartition(".")[2]
    log, answer = folder / f"{name}.log", folder / f"{name}.json"
    with log.open("ab") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, msgspec.json.encode(task).decode(), str(answer),
            # a group of its own: Ctrl-C reaches us alone, and we end the child
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=sink, start_new_session=True,
        )  # fmt: skip
    started = Child(module, process, log, answer)
    try:
        yield started
    finally:
        await started.end()
