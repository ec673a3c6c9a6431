"""What goes out, when, and as what: the queue of one target, on a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from schemas.alerts import NET, Alert
from schemas.deliveries import Message, offsets_of
from streams.notify.bucket import WINDOW_MS, Bucket
from streams.notify.events import CORRECTION, RECORD, priority
from streams.notify.outcome import Outcome, Verdict, pause_ms
from streams.notify.queue import DIGEST_MOST, Outgoing, Queue
from tests.streams.notify.alerts import NOW_MS, alert

DONE = Outcome(Verdict.DELIVERED, "200")
AWAY = Outcome(Verdict.AGAIN, "503")
MINUTE_MS = 60_000


class Target:
    """Sends whatever the queue says, on a clock that only jumps; `answers` decides what comes of it."""

    def __init__(
        self,
        per_minute: int = 20,
        held: Callable[[Alert, int], int] | None = None,
        answers: Callable[[int], Outcome] = lambda now_ms: DONE,
    ) -> None:
        self.queue = Queue("ops", per_minute, lambda now_ms: held and (lambda alert: held(alert, now_ms)))
        self.now_ms = 1_000_000
        self.sent: list[tuple[int, Outgoing, Message]] = []
        self._answers = answers
        self._offset = 0

    def owe(self, *alerts: Alert) -> None:
        for each in alerts:
            self.queue.owe(self._offset, each, self.now_ms, self.now_ms)
            self._offset += 1

    def run(self, until_ms: int) -> None:
        """Let time go by."""
        while True:
            step = self.queue.next(self.now_ms)
            if step.outgoing is not None:
                record = self.queue.settle(self._answers(self.now_ms), self.now_ms, 0.5)
                self.sent.append((self.now_ms, step.outgoing, record))
            elif step.wake_ms is None or step.wake_ms > until_ms:
                self.now_ms = until_ms
                return
            else:
                assert step.wake_ms > self.now_ms, "it would turn for ever"
                self.now_ms = step.wake_ms

    def rest(self, pause_ms: int = 5 * MINUTE_MS) -> list[tuple[int, Outgoing, Message]]:
        self.run(self.now_ms + pause_ms)
        return self.sent

    def told(self) -> list[list[str]]:
        return [[f"{each.scope.dimension}:{each.scope.id}" for each in out.alerts] for _, out, _ in self.sent]


# -- one event, one message --------------------------------------------------------------------
def test_one_event_at_several_scopes_is_one_message_at_the_widest() -> None:
    target = Target()
    target.owe(alert("anchor:a1"), alert("cluster:fur"), alert("platform:all"), alert("category:womens-wear"))
    target.owe(alert("platform:all", metric=NET))
    began_ms = target.now_ms
    [(sent_ms, outgoing, record)] = target.rest()
    assert target.told() == [["platform:all", "platform:all", "category:womens-wear", "cluster:fur", "anchor:a1"]]
    assert outgoing.alerts[0].metric != NET
    assert not record.digest and record.state == "delivered" and record.alerts == [(0, 4)]
    assert sent_ms - began_ms == 150


def test_what_trickles_in_is_waited_for_three_tenths_of_a_second_at_most() -> None:
    target = Target()
    began_ms = target.now_ms
    for scope in "abcdefgh":
        target.owe(alert(f"anchor:{scope}"))
        target.run(target.now_ms + 60)
    assert target.sent[0][0] - began_ms == 300
    assert sorted(target.told()[0]) == [f"anchor:{name}" for name in "abcde"]


def test_two_events_and_two_states_are_messages_of_their_own() -> None:
    target = Target()
    target.owe(alert(holder="s1"), alert(holder="s2"), alert("anchor:a", holder="s1", state="retracted"))
    target.rest()
    assert [(out.alerts[0].holder.id, str(out.alerts[0].state)) for _, out, _ in target.sent] == [
        ("s1", "retracted"), ("s1", "confirmed"), ("s2", "confirmed"),
    ]  # fmt: skip


def test_a_narrower_scope_that_comes_too_late_is_no_message_of_the_moment() -> None:
    target = Target()
    target.owe(alert("cluster:fur"))
    target.rest(1_000)
    target.owe(alert("anchor:a1"), alert("cluster:down"))
    late_ms = target.now_ms
    target.rest()
    assert [(sent_ms, record.digest) for sent_ms, _, record in target.sent][1:] == [(late_ms + MINUTE_MS, True)]
    target.owe(alert("platform:all"))
    wide_ms = target.now_ms
    assert target.rest()[-1][0] == wide_ms + 150


def test_what_is_taken_back_at_a_narrower_scope_later_does_not_wait() -> None:
    target = Target()
    target.owe(alert("platform:all", state="retracted"))
    target.rest(1_000)
    target.owe(alert("cluster:fur", state="retracted", as_of_ms=NOW_MS + 60_000))
    late_ms = target.now_ms
    assert target.rest()[-1][0] == late_ms + 150


def test_only_the_last_revision_is_told_and_accounts_for_all() -> None:
    target = Target()
    target.owe(alert(state="provisional"), alert(state="confirmed", revision=2), alert(state="retracted", revision=3))
    [(_, outgoing, record)] = target.rest()
    assert [each.revision for each in outgoing.alerts] == [3]
    assert record.alerts == [(0, 2)]


# -- the rate ----------------------------------------------------------------------------------
def test_a_token_comes_back_a_minute_after_it_was_used() -> None:
    bucket = Bucket(2)
    bucket.use(1_000)
    bucket.use(2_000)
    assert bucket.free(1_000 + WINDOW_MS - 1) == 0
    assert bucket.more_ms(1, 3_000) == 1_000 + WINDOW_MS
    assert bucket.more_ms(2, 3_000) == 2_000 + WINDOW_MS
    assert bucket.free(1_000 + WINDOW_MS) == 1


def most_in_a_minute(target: Target) -> int:
    times = [sent_ms for sent_ms, _, _ in target.sent]
    return max(sum(begin <= each <= begin + MINUTE_MS for each in times) for begin in times)


def storm(target: Target, chance: random.Random, alerts: int) -> list[Alert]:
    """Ten seconds of peaks of the most different scopes, a twentieth of it corrections and records."""
    made = []
    for number in range(alerts):
        kind = chance.random()
        state = "retracted" if kind < 0.02 else "provisional" if kind > 0.5 else "confirmed"
        rule = "record.session" if 0.02 < kind < 0.05 else "peak.hour"
        made.append(alert(f"anchor:a{number}", f"h{number}", state, rule=rule))
    for first in range(0, alerts, 100):
        target.owe(*made[first : first + 100])
        target.run(target.now_ms + 100)
    return made


@pytest.fixture(scope="module", params=[1])
def stormed(request: pytest.FixtureRequest) -> Target:
    """A target that takes twenty a minute, some time after ten thousand alerts came within ten seconds."""
    target = Target()
    storm(target, random.Random(request.param), 10_000)
    target.rest(20 * MINUTE_MS)
    return target


def test_a_storm_of_ten_thousand_keeps_the_rate_and_loses_nothing(stormed: Target) -> None:
    assert most_in_a_minute(stormed) <= 20
    told = [offset for _, _, record in stormed.sent for offset in offsets_of(record.alerts)]
    assert sorted(told) == list(range(10_000)), "each alert is in one message"
    assert stormed.queue.owes == 0
    assert all(len(out.alerts) <= DIGEST_MOST for _, out, _ in stormed.sent)
    assert stormed.sent[-1][0] - stormed.sent[0][0] < 3 * MINUTE_MS


def test_in_a_storm_corrections_and_records_come_first(stormed: Target) -> None:
    urgent_ms = [sent_ms for sent_ms, out, _ in stormed.sent for each in out.alerts if priority(each) <= RECORD]
    other_ms = [sent_ms for sent_ms, out, _ in stormed.sent for each in out.alerts if priority(each) > RECORD]
    assert sum(urgent_ms) / len(urgent_ms) < sum(other_ms) / len(other_ms)
    # a correction waits for the next digest at most, which has it before all others
    assert max(urgent_ms) - stormed.sent[0][0] < 20_000
    for _, out, _ in stormed.sent:
        order = [priority(each) for each in out.alerts]
        assert order == sorted(order)


def test_tokens_are_kept_for_a_retraction_while_peaks_go_on() -> None:
    target = Target()
    for number in range(300):
        target.owe(alert(f"anchor:a{number}", f"h{number}", rule="peak.hour"))
        target.run(target.now_ms + 1_000)
    target.owe(alert(state="retracted"))
    began_ms = target.now_ms
    target.run(target.now_ms + 1_000)
    assert priority(target.sent[-1][1].alerts[0]) == CORRECTION
    assert target.sent[-1][0] - began_ms == 150
    assert most_in_a_minute(target) <= 20


def test_what_was_sent_before_a_restart_counts() -> None:
    target = Target()
    target.queue.tried([target.now_ms - 1_000] * 20)
    target.owe(alert(state="retracted"))
    assert target.rest()[0][0] == 1_000_000 - 1_000 + WINDOW_MS


# -- waiting -----------------------------------------------------------------------------------
def test_what_is_held_back_is_told_as_it_is_then() -> None:
    until_ms = 1_000_000 + 8 * 60 * MINUTE_MS
    target = Target(held=lambda alert, now_ms: until_ms if now_ms < until_ms else 0)
    target.owe(*(alert(holder=f"s{number}") for number in range(200)))
    target.owe(alert(holder="s7", state="retracted", revision=2))
    target.run(until_ms - 1)
    assert target.sent == [] and target.queue.owes == 200
    assert target.queue.waiting == [(0, 200)]
    target.run(until_ms + MINUTE_MS)
    assert str(target.sent[0][1].alerts[0].state) == "retracted"
    assert len(target.sent) <= 20
    told = [offset for _, _, record in target.sent for offset in offsets_of(record.alerts)]
    assert sorted(told) == list(range(201))


def test_only_what_a_silence_names_waits() -> None:
    until_ms = 1_000_000 + MINUTE_MS
    held = lambda it, now_ms: until_ms if it.scope.dimension == "anchor" and now_ms < until_ms else 0  # noqa: E731
    target = Target(held=held)
    target.owe(alert("anchor:a", holder="s1"), alert("cluster:fur", holder="s2"))
    target.run(until_ms - 1)
    assert target.told() == [["cluster:fur"]]
    target.run(until_ms + 1_000)
    assert target.told() == [["cluster:fur"], ["anchor:a"]]


# -- a target that does not take it ------------------------------------------------------------
def test_a_target_that_is_away_gets_the_same_message_until_it_takes_it() -> None:
    back_ms = 1_000_000 + 60 * MINUTE_MS
    target = Target(answers=lambda now_ms: DONE if now_ms >= back_ms else AWAY)
    target.owe(alert(holder="s1"))
    target.rest(1_000)
    target.owe(*(alert(holder=f"later{number}") for number in range(50)))
    target.run(back_ms + 10 * MINUTE_MS)
    first = [record for _, _, record in target.sent if record.message_id == target.sent[0][2].message_id]
    assert [each.state for each in first] == ["sending"] * (len(first) - 1) + ["delivered"]
    assert len(first) < 30, "with growing pauses"
    told = [
        offset for _, _, record in target.sent if record.state == "delivered" for offset in offsets_of(record.alerts)
    ]
    assert sorted(told) == list(range(51))


def test_a_message_that_is_refused_three_times_does_not_hold_up_the_others() -> None:
    answers = iter([Outcome(Verdict.WRONG, "400")] * 3 + [DONE])
    target = Target(answers=lambda now_ms: next(answers))
    target.owe(alert(holder="s1"))
    target.rest()
    target.owe(alert(holder="s2"))
    target.rest()
    assert [record.state for _, _, record in target.sent] == ["sending", "sending", "refused", "delivered"]
    assert target.sent[2][2].answer == "400"


@pytest.mark.parametrize(
    ("failures", "chance", "pause"),
    [(1, 0.0, 500), (1, 1.0, 1_000), (3, 1.0, 4_000), (9, 1.0, 256_000), (10, 1.0, 300_000), (99, 0.0, 150_000)],
)
def test_pauses_double_up_to_five_minutes_half_by_chance(failures: int, chance: float, pause: int) -> None:
    assert pause_ms(AWAY, failures, chance) == pause


def test_what_the_target_asks_for_counts_up_to_an_hour() -> None:
    assert pause_ms(Outcome(Verdict.AGAIN, "429", 30_000), 1, 0.0) == 30_000
    assert pause_ms(Outcome(Verdict.AGAIN, "429", 30_000), 1, 1.0) == 31_000
    assert pause_ms(Outcome(Verdict.AGAIN, "429", 10**9), 1, 0.0) == 3_600_000


def test_a_request_to_send_again_is_a_message_of_its_own_id() -> None:
    target = Target()
    target.owe(alert())
    target.rest()
    target.queue.owe(0, alert(), target.now_ms, target.now_ms, "r1")
    target.rest()
    assert [record.resend for _, _, record in target.sent] == [None, "r1"]
    assert target.sent[0][2].message_id != target.sent[1][2].message_id
    assert target.sent[0][2].alerts == target.sent[1][2].alerts
