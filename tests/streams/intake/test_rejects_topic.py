"""Rejects leave for their topic under the key of their record, and are awaited."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

import streams.patience
from schemas.rejects import Reason, decode_rejected
from streams.intake.judge import RejectedRecord
from streams.intake.rejects import RejectsTopic
from tests.streams.intake.making import MIDNIGHT_MS, ORDERS, Rec

REJECTS = [
    RejectedRecord(Rec(7, MIDNIGHT_MS, b"order-7", b"no json"), Reason.NOT_JSON, "no JSON"),
    RejectedRecord(Rec(9, MIDNIGHT_MS + 1, None, None), Reason.NOT_JSON, "no value"),
]


class FakeProducer:
    """A broker that acknowledges at once, after it was away for `away` sends."""

    def __init__(self, away: int = 0) -> None:
        self.sent: list[tuple[str, bytes | None, bytes | None]] = []
        self._away = away

    async def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._away:
            self._away -= 1
            answer.set_exception(KafkaConnectionError("no broker"))
        else:
            self.sent.append((topic, value, key))
            answer.set_result(None)
        return answer


async def test_each_reject_is_sent_under_the_key_of_its_record() -> None:
    producer = FakeProducer()
    await RejectsTopic(producer, "sim-rejects").publish(ORDERS, REJECTS)
    assert [(topic, key) for topic, _, key in producer.sent] == [
        ("sim-rejects", b"orders/0/7"),
        ("sim-rejects", b"orders/0/9"),
    ]
    first, second = (decode_rejected(value or b"") for _, value, _ in producer.sent)
    assert (first.topic, first.partition, first.offset, first.arrival_ms) == ("orders", 0, 7, MIDNIGHT_MS)
    assert (first.reason, first.detail, first.key, first.raw) == (
        Reason.NOT_JSON,
        "no JSON",
        "b3JkZXItNw==",
        "bm8ganNvbg==",
    )
    assert (second.offset, second.key, second.raw) == (9, None, None)


async def test_nothing_is_sent_when_there_is_nothing_to_send() -> None:
    await RejectsTopic(None, "rejects").publish(ORDERS, [])  # type: ignore[arg-type]  # it would fail if it were asked


async def test_a_broker_that_is_away_is_waited_for_and_gets_them_all_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(streams.patience, "backoff_s", lambda attempt, chance: 0.0)
    producer = FakeProducer(away=3)
    await RejectsTopic(producer, "rejects").publish(ORDERS, REJECTS)
    # the second try lost one of two: both are sent again, the key makes them the same reject
    assert [key for _, _, key in producer.sent] == [b"orders/0/9", b"orders/0/7", b"orders/0/9"]
    assert [message.split(" (")[0] for message in caplog.messages] == [
        "the topic rejects does not answer",
        "the topic rejects answers now, after 0 s",
    ]


async def test_it_returns_only_when_the_broker_has_them() -> None:
    acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    class SlowProducer:
        async def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> asyncio.Future[Any]:
            return acknowledged

    publishing = asyncio.create_task(RejectsTopic(SlowProducer(), "rejects").publish(ORDERS, REJECTS[:1]))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not publishing.done()
    acknowledged.set_result(None)
    await publishing


class FailingProducer(FakeProducer):
    """A broker that refuses the first record, for one reason."""

    def __init__(self, error: KafkaError) -> None:
        super().__init__()
        self._error: KafkaError | None = error

    async def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> asyncio.Future[Any]:
        error, self._error = self._error, None
        if error is None:
            return await super().send(topic, value, key)
        refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        refused.set_exception(error)
        return refused


async def test_what_waiting_can_not_mend_is_raised() -> None:
    with pytest.raises(MessageSizeTooLargeError):
        await RejectsTopic(FailingProducer(MessageSizeTooLargeError()), "rejects").publish(ORDERS, REJECTS[:1])


async def test_a_send_that_timed_out_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams.patience, "backoff_s", lambda attempt, chance: 0.0)
    producer = FailingProducer(KafkaTimeoutError())
    await RejectsTopic(producer, "rejects").publish(ORDERS, REJECTS[:1])
    assert [key for _, _, key in producer.sent] == [b"orders/0/7"]
