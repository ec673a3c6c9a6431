"""Who is told an alert: each record of the topic goes into the queues of the targets that want it, once. Pure.

What a target was told, and what it waits for, says the ledger. An alert of which the ledger knows nothing is told if it
is not old: what a replay says of the past is as old as the past, and a new target does not get years of history.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from schemas.alerts import Alert
from schemas.deliveries import Message, Record, Resend, Silence, Waiting, offsets_of
from streams.notify.events import newest_ms
from streams.notify.holding import is_on, quiet_until_ms, silenced_until_ms
from streams.notify.ledger import Ledger
from streams.notify.queue import Held, Queue, told_again
from streams.notify.targets import Target, Targets

#: a request to send something again that nobody answered for so long is not answered any more
_RESEND_WITHIN_MS: Final = 3_600_000


class Desk:
    """One target: its queue, and what of the past it was told or waits for."""

    def __init__(self, target: Target, ledger: Ledger, holding: Callable[[int], Held | None]) -> None:
        self.target = target
        self.queue = Queue(target.name, target.per_minute, holding)
        self.told = ledger.told(target.name)
        self.sending = ledger.sending(target.name)
        waiting = ledger.waiting(target.name)
        self.decided_to, self.waits = waiting.decided_to, set(offsets_of(waiting.alerts)) - self.told
        self.written = waiting
        self.queue.tried([each for message in ledger.messages(target.name) for each in message.tried_ms])


class Deciding:
    """The desks of all targets. `offset_ms`: what local clocks are ahead of UTC; `old` is told of what is too old.

    `chosen` says whether the rules tell people of an alert at all.
    """

    def __init__(
        self,
        targets: Targets,
        ledger: Ledger,
        offset_ms: int,
        old: Callable[[], object],
        chosen: Callable[[Alert], bool] = lambda alert: True,
    ) -> None:
        self._old_after_ms = targets.old_after_ms
        self._offset_ms = offset_ms
        self._old = old
        self._chosen = chosen
        self._silences: dict[str, Silence] = dict(ledger.silences)
        self._contents: dict[int, Alert] = {}
        self.desks = [Desk(each, ledger, self._held_by(each)) for each in targets.targets]
        self._resends = [each for desk in self.desks for each in ledger.unanswered(desk.target.name)]
        self._sending = {each for desk in self.desks if desk.sending for each in offsets_of(desk.sending.alerts)}
        #: the offset behind the last alert that was decided
        self.decided_to = self.begins_at

    @property
    def begins_at(self) -> int:
        """The first offset in the topic of alerts that has to be looked at."""
        firsts = [min([desk.decided_to, *desk.waits]) for desk in self.desks]
        return min([*firsts, *self._sending], default=0)

    def alert(self, offset: int, alert: Alert, now_ms: int, published_ms: int) -> None:
        """The next alert of the topic, which entered it at `published_ms`."""
        if offset in self._sending:
            self._contents[offset] = alert
        for desk in self.desks:
            if self._is_for(desk, offset, alert, now_ms):
                desk.queue.owe(offset, alert, now_ms, published_ms)
        self.decided_to = offset + 1

    def is_read(self, now_ms: int) -> None:
        """All alerts that there were at the start are decided: what was on its way then goes on."""
        for desk in self.desks:
            if desk.sending is not None:
                self._resume(desk.queue, desk.sending)
        for resend in self._resends:
            self.record(resend, now_ms)

    def record(self, record: Record, now_ms: int) -> None:
        """A record of the ledger that somebody has written now: silences and requests count."""
        match record:
            case Silence():
                self._silences[record.id] = record
            case Resend() if now_ms - record.at_ms < _RESEND_WITHIN_MS:
                self._send_again(record, now_ms)

    def waiting(self, now_ms: int) -> list[Waiting]:
        """What the ledger has to be told of what waits, since it was told last."""
        found = []
        for desk in self.desks:
            ranges = desk.queue.waiting
            if (desk.written.decided_to, desk.written.alerts) != (self.decided_to, ranges):
                desk.written = Waiting(target=desk.target.name, decided_to=self.decided_to, alerts=ranges, at_ms=now_ms)
                found.append(desk.written)
        return found

    def _resume(self, queue: Queue, message: Message) -> None:
        outgoing = told_again(message, self._known(message.resend), message.made_ms)
        if outgoing.alerts:
            queue.resume(outgoing)

    def _is_for(self, desk: Desk, offset: int, alert: Alert, now_ms: int) -> bool:
        if offset in desk.told or offset < desk.decided_to:
            return offset in desk.waits
        if not desk.target.wants(alert) or not self._chosen(alert):
            return False
        if newest_ms(alert) < now_ms - self._old_after_ms:
            self._old()
            return False
        return True

    def _send_again(self, resend: Resend, now_ms: int) -> None:
        for desk in self.desks:
            named = resend.target == desk.target.name
            if named or (resend.target is None and desk.target.wants(resend.alert)):
                desk.queue.owe(resend.offset, resend.alert, now_ms, now_ms, resend.id)

    def _known(self, resend: str | None) -> dict[int, Alert]:
        return {**self._contents, **{each.offset: each.alert for each in self._resends if each.id == resend}}

    def _held_by(self, target: Target) -> Callable[[int], Held | None]:
        def holding(now_ms: int) -> Held | None:
            quiet_ms = quiet_until_ms(target.quiet, self._offset_ms, now_ms)
            silences = [each for each in self._silences.values() if is_on(each, target.name, now_ms)]
            if not quiet_ms and not silences:
                return None
            return lambda alert: max(quiet_ms, silenced_until_ms(alert, silences))

        return holding
