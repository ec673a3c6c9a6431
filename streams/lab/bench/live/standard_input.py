"""How a child is told to end: its standard input ends, which it also does when the parent is gone."""

from __future__ import annotations

import asyncio
import sys


async def ended() -> None:
    """Returns when standard input has ended."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
