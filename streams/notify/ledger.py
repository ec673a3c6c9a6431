"""The topic `deliveries` as it stands: what every target was told, what it waits for, silences and requests. Pure."""

from __future__ import annotations

from collections import defaultdict

from schemas.deliveries import Message, Record, Resend, Silence, Waiting, offsets_of


class Ledger:
    """Records in the order of the topic go in by `note`."""

    def __init__(self) -> None:
        self._messages: defaultdict[str, dict[str, Message]] = defaultdict(dict)
        self._waiting: dict[str, Waiting] = {}
        self._resends: dict[str, Resend] = {}
        self.silences: dict[str, Silence] = {}

    def note(self, record: Record) -> None:
        """This record is the newest of its key."""
        match record:
            case Message():
                self._messages[record.target][record.message_id] = record
            case Waiting():
                self._waiting[record.target] = record
            case Silence():
                self.silences[record.id] = record
            case Resend():
                self._resends[record.id] = record

    def messages(self, target: str | None = None) -> list[Message]:
        """Every message to a target, or to all."""
        names = list(self._messages) if target is None else [target]
        return [each for name in names for each in self._messages.get(name, {}).values()]

    def told(self, target: str) -> set[int]:
        """Offsets of the alerts that are in a message to this target."""
        messages = self.messages(target)
        return {offset for each in messages if not each.resend for offset in offsets_of(each.alerts)}

    def sending(self, target: str) -> Message | None:
        """The message that was on its way to this target, if there is one."""
        return next((each for each in self.messages(target) if each.state == "sending"), None)

    def waiting(self, target: str) -> Waiting:
        """What the target waits for."""
        return self._waiting.get(target) or Waiting(target=target, decided_to=0, alerts=[], at_ms=0)

    def unanswered(self, target: str) -> list[Resend]:
        """Requests to send something to this target again that no message answers yet."""
        answered = {each.resend for each in self.messages(target)}
        return [each for each in self._resends.values() if each.target in (None, target) and each.id not in answered]
