"""The worker's event loop: uvloop, on which a write to a connection that broke is a connection error, as elsewhere.

Its own answer to that is a RuntimeError. The clients of Kafka and Redis wait out what is an OSError and pass the rest
on, so that a reset which comes between two of their steps would end the worker.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import uvloop


class Loop(uvloop.Loop):
    """uvloop's, but for what writes to a closed transport raise."""

    async def create_connection(self, *arguments: Any, **options: Any) -> Any:
        """See asyncio. Streams write to the transport that this returns; protocols get the one inside it."""
        transport, protocol = await super().create_connection(*arguments, **options)
        return _Breaking(transport), protocol


class _Breaking:
    """A transport on which a write to a closed connection is a ConnectionResetError."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """See asyncio."""
        try:
            self._transport.write(data)
        except RuntimeError as error:
            raise self._closed(error) from error

    def writelines(self, blocks: Iterable[bytes]) -> None:
        """See asyncio."""
        try:
            self._transport.writelines(blocks)
        except RuntimeError as error:
            raise self._closed(error) from error

    def _closed(self, error: RuntimeError) -> Exception:
        # an end of the stream was written, say: a fault of ours, and no connection that broke
        return ConnectionResetError(str(error)) if self._transport.is_closing() else error
