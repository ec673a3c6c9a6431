"""Looks at the store twice a second for all listeners, and at the alerts as soon as one is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

import msgspec
from redis.exceptions import RedisError

from schemas.live import Change, Freshness, Snapshot
from streams.board.hub import SHOWN, Hub
from streams.board.state import StateReader, nothing
from streams.board.told import FIRST, ToldAlerts
from streams.metrics import Metrics

_log = logging.getLogger(__name__)

EVERY_S = 0.5
#: a reading is followed by at least this many times its own duration of rest
_REST = 4.0
#: how fresh everything is, is said at least this often, though nothing else changes
_SAY_EVERY_S = 5.0
_KEEP_ALIVE_S = 15.0
_WAIT_MS = 5_000
_PAUSE_S = 1.0


class Poller:
    """Keeps the hub up to date. `clock_ms` is the clock that freshness is told by."""

    def __init__(
        self, hub: Hub, reader: StateReader, told: ToldAlerts, metrics: Metrics, clock_ms: Callable[[], int]
    ) -> None:
        self._hub = hub
        self._reader = reader
        self._told = told
        self._metrics = metrics
        self._clock_ms = clock_ms
        self._said_at = self._kept_alive_at = 0.0
        self.away: str | None = "the store was not read yet"

    async def run(self) -> None:
        """Until it is cancelled."""
        await asyncio.gather(self._watch_state(), self._watch_alerts())

    # -- alerts --------------------------------------------------------------------------------
    async def _watch_alerts(self) -> None:
        begun = False
        while True:
            try:
                if not begun:
                    self._publish_alerts(await self._told.latest(SHOWN))
                    begun = True
                self._publish_alerts(await self._told.wait(self._hub.entry or FIRST, _WAIT_MS))
            except (RedisError, OSError) as error:
                _log.debug("alerts can not be read: %r", error)  # the state's watch says it
                await asyncio.sleep(_PAUSE_S)

    def _publish_alerts(self, alerts: list[Any]) -> None:
        if alerts:
            self._hub.publish(self._hub.state, None, alerts)

    def _unread(self) -> Snapshot:
        now_ms = self._clock_ms()
        return nothing(Freshness(as_of_ms=None, now_ms=now_ms, behind_ms=None, unread=False, store=False))

    # -- state ---------------------------------------------------------------------------------
    async def _watch_state(self) -> None:
        while True:
            began = monotonic()
            try:
                state = await self._reader.read(self._clock_ms())
                self._came_back()
            except (RedisError, OSError) as error:
                self._went_away(error)
                state = self._stale()
            took_s = monotonic() - began
            self._metrics.board_poll_seconds.observe(took_s)
            self._publish(state, began)
            await asyncio.sleep(max(EVERY_S - took_s, _REST * took_s, 0.05))

    def _publish(self, state: Snapshot, now_s: float) -> None:
        change = changes(self._hub.state, state, say_fresh=now_s - self._said_at >= _SAY_EVERY_S)
        if change is not None and change.freshness is not msgspec.UNSET:
            self._said_at = now_s
        self._hub.publish(state, change, [])
        if change is not None:
            self._kept_alive_at = now_s
        elif now_s - self._kept_alive_at >= _KEEP_ALIVE_S:
            self._kept_alive_at = now_s
            self._hub.keep_alive()

    def _stale(self) -> Snapshot:
        """What was read last, saying that the store does not answer."""
        state = self._hub.state or self._unread()
        now_ms, as_of_ms = self._clock_ms(), state.freshness.as_of_ms
        fresh = msgspec.structs.replace(
            state.freshness, now_ms=now_ms, behind_ms=None if as_of_ms is None else now_ms - as_of_ms, store=False
        )
        return msgspec.structs.replace(state, freshness=fresh)

    def _went_away(self, error: Exception) -> None:
        if self.away is None:
            _log.warning("the store does not answer (%s): showing what was read last", error)
        self.away = f"the store does not answer ({error})"

    def _came_back(self) -> None:
        if self.away is not None:
            _log.info("the store answers")
        self.away = None


def changes(old: Snapshot | None, new: Snapshot, *, say_fresh: bool) -> Change | None:
    """The sections of `new` that are others than in `old`; None if there are none. Pure.

    That time goes on is no change by itself: freshness is told with others, or if `say_fresh`.
    """
    names = [name for name in Change.__struct_fields__ if name not in ("freshness", "alerts")]
    found = {name: getattr(new, name) for name in names if old is None or getattr(old, name) != getattr(new, name)}
    if found or say_fresh or old is None or _worth(old.freshness) != _worth(new.freshness):
        found["freshness"] = new.freshness
    return Change(**found) if found else None


def _worth(fresh: Freshness) -> tuple[int | None, bool, bool]:
    return fresh.as_of_ms, fresh.unread, fresh.store
