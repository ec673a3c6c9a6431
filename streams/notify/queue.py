"""What one target is owed, and which message goes out next. Pure: time is an argument.

One event is one message. While there are more messages than the target takes in its minute, the rest goes into digests,
what is taken back and records first: half of the tokens may go to such messages alone, a quarter is kept for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, NamedTuple

from msgspec.structs import replace

from schemas.alerts import Alert
from schemas.deliveries import TRIES_KEPT, Message, Ranges, message_id, offsets_of, ranges_of
from streams.notify.bucket import WINDOW_MS, Bucket
from streams.notify.events import LEFTOVER, RECORD, Event, event_of, priority, telling_order, width
from streams.notify.outcome import Outcome, Verdict, pause_ms

#: an event is told once nothing more of it came for this long, but this long after its first alert at the latest
_SETTLES_MS: Final = 150
_LATEST_MS: Final = 300
#: what comes of an event that was told already, no wider, waits this long for company, and goes into a digest
_LEFTOVER_MS: Final = 60_000
#: for so long an event is remembered as told
_REMEMBERED_MS: Final = 3_600_000
#: alerts in one digest
DIGEST_MOST: Final = 1_000
#: a target that calls a message wrong this often does not get it any more
_REFUSALS: Final = 3


@dataclass(slots=True)
class Owed:
    """An alert as it is now, and every revision that telling it accounts for."""

    key: str
    alert: Alert
    offsets: list[int]
    first_ms: int
    last_ms: int
    published_ms: int
    resend: str | None


class _Known:
    """What is owed of one event."""

    __slots__ = ("event", "first_ms", "last_ms", "owed", "priority", "resend", "width")

    def __init__(self, event: Event, resend: str | None, owed: Iterable[Owed] = ()) -> None:
        self.event, self.resend = event, resend
        self.owed: dict[str, Owed] = {}
        self.first_ms, self.last_ms, self.priority, self.width = 1 << 62, 0, LEFTOVER, 99
        for each in owed:
            self.add(each)

    def add(self, owed: Owed) -> None:
        self.owed[owed.key] = owed
        self.first_ms, self.last_ms = min(self.first_ms, owed.first_ms), max(self.last_ms, owed.last_ms)
        self.priority = min(self.priority, priority(owed.alert))
        self.width = min(self.width, width(owed.alert))

    def without(self, keys: Container[str]) -> _Known:
        return _Known(self.event, self.resend, [each for key, each in self.owed.items() if key not in keys])


class Outgoing(NamedTuple):
    """A message and its alerts, as they are told; `published_ms` is when the first of them entered its topic."""

    message: Message
    alerts: list[Alert]
    published_ms: int


class Step(NamedTuple):
    """The message to send now, or when to ask again (epoch ms; None: once there is something new)."""

    outgoing: Outgoing | None
    wake_ms: int | None


class _Group(NamedTuple):
    priority: int
    first_ms: int
    ready_ms: int
    known: _Known


#: says until when one alert is held back; 0: not at all
Held = Callable[[Alert], int]


class Queue:
    """The queue of the target `name`, which takes `per_minute`.

    `holding(now_ms)` says how silences and quiet hours hold alerts back now; None if there are none.
    """

    def __init__(self, name: str, per_minute: int, holding: Callable[[int], Held | None]) -> None:
        self._name = name
        self._holding = holding
        self._bucket = Bucket(per_minute)
        self._digest_gap_ms = 2 * WINDOW_MS // per_minute
        self._next_digest_ms = 0
        self._owed: dict[str, Owed] = {}
        self._known: dict[tuple[Event, str | None], _Known] = {}
        self._sending: Outgoing | None = None
        self._told: dict[Event, tuple[int, int]] = {}

    # -- what comes in -------------------------------------------------------------------------
    def owe(self, offset: int, alert: Alert, now_ms: int, published_ms: int, resend: str | None = None) -> None:
        """This revision has to be told. It takes the place of an earlier one of the alert that still waits."""
        key = f"{resend}/{alert.alert_id}" if resend else alert.alert_id
        waits = self._owed.get(key)
        if waits is None:
            waits = self._owed[key] = Owed(key, alert, [offset], now_ms, now_ms, published_ms, resend)
        elif offset in waits.offsets:
            return
        else:
            self._take_out(waits)
            waits.alert, waits.last_ms = alert, now_ms
            waits.offsets.append(offset)
        event = event_of(alert)
        self._known.setdefault((event, resend), _Known(event, resend)).add(waits)

    def _take_out(self, *owed: Owed) -> None:
        """These are in no event any more."""
        for place in {(event_of(each.alert), each.resend) for each in owed}:
            left = self._known.pop(place).without({each.key for each in owed})
            if left.owed:
                self._known[place] = left

    def tried(self, times_ms: list[int]) -> None:
        """Somebody sent to this target at these times: that counts for its minute."""
        for each in times_ms:
            self._bucket.use(each)

    def resume(self, outgoing: Outgoing) -> None:
        """A message that was being sent when its worker ended goes out again, as it was."""
        self._sending = outgoing

    @property
    def waiting(self) -> Ranges:
        """Everything that is owed; also what is in the message on its way, whose record may not be written yet."""
        owed = [offset for each in self._owed.values() if not each.resend for offset in each.offsets]
        return ranges_of([*owed, *(offsets_of(self._sending.message.alerts) if self._sending else [])])

    @property
    def owes(self) -> int:
        """Alerts not told yet, those of the message on its way included."""
        return len(self._owed) + (len(self._sending.alerts) if self._sending else 0)

    # -- what goes out -------------------------------------------------------------------------
    def next(self, now_ms: int) -> Step:
        """What to do now. A message that is returned stays the next one until `settle`."""
        if self._sending is not None:
            return self._again(self._sending, now_ms)
        if not self._owed:
            return Step(None, None)
        if not self._bucket.free(now_ms):
            return Step(None, self._bucket.more_ms(1, now_ms))
        ready, wake_ms = self._ready(now_ms)
        if not ready:
            return Step(None, wake_ms)
        chosen, digest, later_ms = self._choose(ready, now_ms)
        if not chosen:
            return Step(None, _first(later_ms, wake_ms))
        self._sending = self._message(chosen, digest, now_ms)
        return Step(self._sending, None)

    def settle(self, outcome: Outcome, now_ms: int, chance: float) -> Message:
        """What came of sending the message; `chance` in [0, 1) spreads retries. Returns its new record."""
        assert self._sending is not None, "nothing is being sent"
        message, alerts, published_ms = self._sending
        self._bucket.use(now_ms)
        tried_ms = [*message.tried_ms, now_ms][-TRIES_KEPT:]
        message = replace(message, tried_ms=tried_ms, answer=outcome.answer)
        if outcome.verdict is Verdict.DELIVERED:
            self._sending = None
            return replace(message, state="delivered", next_ms=0)
        message = replace(message, failures=message.failures + 1)
        if outcome.verdict is Verdict.WRONG and message.failures >= _REFUSALS:
            self._sending = None
            return replace(message, state="refused", next_ms=0)
        message = replace(message, next_ms=now_ms + pause_ms(outcome, message.failures, chance))
        self._sending = Outgoing(message, alerts, published_ms)
        return message

    def _again(self, sending: Outgoing, now_ms: int) -> Step:
        held_ms = self._held_ms(sending.alerts[0], now_ms) if sending.message.failures else 0
        due_ms = max(sending.message.next_ms, held_ms, self._bucket.more_ms(1, now_ms))
        return Step(sending, None) if due_ms <= now_ms else Step(None, due_ms)

    def _held_ms(self, alert: Alert, now_ms: int) -> int:
        held = self._holding(now_ms)
        return held(alert) if held else 0

    def _ready(self, now_ms: int) -> tuple[list[_Group], int | None]:
        """The events that may be told now, in the order in which they are; and when the next one may."""
        held, wake_ms, groups = self._holding(now_ms), None, []
        for known in self._known.values():
            known, until_ms = _free(known, held, now_ms) if held and not known.resend else (known, None)
            if known.owed:
                groups.append(self._group(known, now_ms))
            wake_ms = _first(wake_ms, until_ms)
        ready = sorted((each for each in groups if each.ready_ms <= now_ms), key=itemgetter(0, 1))
        later_ms = min((each.ready_ms for each in groups if each.ready_ms > now_ms), default=None)
        return ready, _first(wake_ms, later_ms)

    def _group(self, known: _Known, now_ms: int) -> _Group:
        told = self._told.get(known.event)
        if told and not known.resend and now_ms - told[0] < _REMEMBERED_MS and known.width >= told[1]:
            return _Group(LEFTOVER, known.first_ms, known.first_ms + _LEFTOVER_MS, known)
        ready_ms = min(known.last_ms + _SETTLES_MS, known.first_ms + _LATEST_MS)
        return _Group(known.priority, known.first_ms, ready_ms, known)

    def _choose(self, ready: list[_Group], now_ms: int) -> tuple[list[_Group], bool, int | None]:
        """The groups of the next message, whether it is a digest, and else when there may be one."""
        free, size, urgent = self._bucket.free(now_ms), self._bucket.size, ready[0].priority <= RECORD
        kept = 0 if urgent else size // 4
        if free <= kept:
            return [], False, self._bucket.more_ms(kept + 1, now_ms)
        if ready[0].priority == LEFTOVER:
            return _fitting(ready), True, None
        if len(ready) <= max(1, free // 2) or (urgent and free > size // 2):
            return ready[:1], False, None
        if now_ms < self._next_digest_ms:
            return [], False, self._next_digest_ms
        self._next_digest_ms = now_ms + self._digest_gap_ms
        return _fitting(ready), True, None

    def _message(self, groups: list[_Group], digest: bool, now_ms: int) -> Outgoing:
        owed = [each for group in groups for each in _in_order(group.known)]
        for known in (group.known for group in groups):
            before = self._told.pop(known.event, (0, known.width))
            self._told[known.event] = now_ms, min(before[1], known.width)
        self._forget(owed, now_ms)
        ranges, resend = ranges_of([offset for each in owed for offset in each.offsets]), owed[0].resend
        id = message_id(self._name, ranges, resend)
        message = Message(
            target=self._name, message_id=id, alerts=ranges, digest=digest, state="sending", made_ms=now_ms,
            tried_ms=[], headline=owed[0].alert.text, resend=resend,
        )  # fmt: skip
        return Outgoing(message, [each.alert for each in owed], min(each.published_ms for each in owed))

    def _forget(self, owed: list[Owed], now_ms: int) -> None:
        self._take_out(*owed)
        for each in owed:
            del self._owed[each.key]
        while self._told and now_ms - next(iter(self._told.values()))[0] >= _REMEMBERED_MS:
            del self._told[next(iter(self._told))]


def _free(known: _Known, held: Held, now_ms: int) -> tuple[_Known, int | None]:
    """What of an event is not held back, and when the first of the rest is free."""
    until_ms = {key: until for key, each in known.owed.items() if (until := held(each.alert)) > now_ms}
    return (known.without(until_ms) if until_ms else known), min(until_ms.values(), default=None)


def _first(*times_ms: int | None) -> int | None:
    return min((each for each in times_ms if each is not None), default=None)


def _in_order(known: _Known) -> list[Owed]:
    """The alerts of an event as they are told; of very many, the first: the others follow in a digest."""
    return sorted(known.owed.values(), key=lambda each: telling_order(each.alert))[:DIGEST_MOST]


def _fitting(groups: list[_Group]) -> list[_Group]:
    """As many of the first groups as a digest holds, the first one in any case; no request to send again."""
    chosen, alerts = groups[:1], len(groups[0].known.owed)
    for each in groups[1:]:
        alerts += len(each.known.owed)
        if alerts > DIGEST_MOST or each.known.resend != groups[0].known.resend:
            break
        chosen.append(each)
    return chosen


def told_again(message: Message, contents: dict[int, Alert], published_ms: int) -> Outgoing:
    """A message whose worker ended, with its alerts as they were told: the last revision of each."""
    last: dict[str, Alert] = {}
    for offset in offsets_of(message.alerts):
        if offset in contents:
            last[contents[offset].alert_id] = contents[offset]
    by_event: defaultdict[Event, list[Alert]] = defaultdict(list)
    for alert in last.values():
        by_event[event_of(alert)].append(alert)
    groups = sorted(by_event.values(), key=lambda alerts: min(map(priority, alerts)))
    return Outgoing(message, [each for group in groups for each in sorted(group, key=telling_order)], published_ms)
