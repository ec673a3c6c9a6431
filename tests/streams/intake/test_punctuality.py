"""Late, ahead, skewed: what is counted, to the millisecond, and under which names."""

from __future__ import annotations

from typing import Any

import pytest

from streams.intake.measure import Meter
from streams.intake.punctuality import MOST_PRODUCERS, OTHER, Producers, late_orders
from streams.metrics import Metrics
from streams.tally.windows import HOUR_MS, SHANGHAI
from tests.streams.intake.making import MIDNIGHT_MS, Rec, judged, paid, records, refund, sample

LATENESS_MS = 120_000


def named(recs: list[Rec], *names: bytes | None) -> list[Rec]:
    """The records with their producers' names in the header."""
    headers = [() if name is None else (("other", b"x"), ("hightide-producer", name)) for name in names]
    return [each._replace(headers=of_it) for each, of_it in zip(recs, headers, strict=True)]


def delays(producers: Producers, recs: list[Rec]) -> dict[str, int]:
    return dict(producers.least_delays_ms(recs, judged(recs).counted))


# -- late --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "late"),
    [
        ({"pay_time_ms": MIDNIGHT_MS - 1}, 1),
        ({"pay_time_ms": MIDNIGHT_MS}, 0),
        ({"pay_time_ms": MIDNIGHT_MS - 1, "event_time_ms": MIDNIGHT_MS}, 1),
        ({"pay_time_ms": MIDNIGHT_MS, "event_time_ms": MIDNIGHT_MS - 1}, 0),
        ({"event_type": "order.created", "pay_time_ms": None, "event_time_ms": MIDNIGHT_MS - 1}, 1),
        ({"event_type": "order.created", "pay_time_ms": MIDNIGHT_MS - 1}, 0),
    ],
)
def test_late_is_what_counts_in_a_closed_hour(fields: dict[str, Any], late: int) -> None:
    assert late_orders(judged(records([paid("a", **fields)])).counted, MIDNIGHT_MS) == late


def test_a_refund_is_late_by_its_own_time_and_not_by_its_orders() -> None:
    events = [refund("a", 1, pay_time_ms=MIDNIGHT_MS - HOUR_MS), refund("b", 1, event_time_ms=MIDNIGHT_MS - 1)]
    assert late_orders(judged(records(events)).counted, MIDNIGHT_MS) == 1


@pytest.mark.parametrize(("watermark_ms", "late"), [(LATENESS_MS - 1, 0), (LATENESS_MS, 1)])
def test_an_hour_is_closed_once_the_watermark_is_past_its_end_and_the_lateness(watermark_ms: int, late: int) -> None:
    metrics = Metrics()
    meter = Meter(metrics, SHANGHAI, LATENESS_MS)
    meter.watermark(MIDNIGHT_MS + watermark_ms)
    meter.settled(judged(records([paid("a", pay_time_ms=MIDNIGHT_MS - 1), paid("b")])), 0, 2, 0.0)
    assert sample(metrics, "hightide_events_late_total", topic="orders", partition="0") == late


def test_while_no_watermark_is_known_nothing_is_late() -> None:
    metrics = Metrics()
    Meter(metrics).settled(judged(records([paid("a", pay_time_ms=MIDNIGHT_MS - 9 * HOUR_MS)])), 0, 1, 0.0)
    assert sample(metrics, "hightide_events_late_total", topic="orders", partition="0") == 0


def test_what_is_only_read_again_is_neither_late_nor_ahead_again() -> None:
    metrics = Metrics()
    meter = Meter(metrics, SHANGHAI, LATENESS_MS)
    meter.watermark(MIDNIGHT_MS + HOUR_MS)
    late = [paid(f"l-{at}", pay_time_ms=MIDNIGHT_MS - 1) for at in range(2)]
    ahead = [paid(f"a-{at}", event_time_ms=MIDNIGHT_MS + HOUR_MS) for at in range(2)]
    meter.settled(judged(records([late[0], ahead[0], late[1], ahead[1]])), 2, 4, 0.0)
    assert sample(metrics, "hightide_events_late_total", topic="orders", partition="0") == 1
    assert sample(metrics, "hightide_events_untrusted_total", topic="orders", partition="0") == 1


# -- producers ---------------------------------------------------------------------------------
def test_the_promptest_event_of_a_producer_tells_its_clock() -> None:
    events = [paid(f"e-{at}", event_time_ms=MIDNIGHT_MS + ms) for at, ms in enumerate((0, 3_000, 0, 0, -50))]
    recs = named(records(events), b"till-1", b"till-1", b"till-2", None, b"till-2")
    assert delays(Producers(), recs) == {"till-1": -2_000, "till-2": 2_000}


def test_a_resend_or_a_reject_tells_nothing() -> None:
    recs = named(records([paid("a"), paid("a"), b"no json"]), b"one", b"two", b"three")
    assert list(delays(Producers(), recs)) == ["one"]


def test_without_headers_nothing_is_told() -> None:
    assert delays(Producers(), records([paid("a")])) == {}
    other = records([paid("a")])[0]._replace(headers=(("trace", b"x"),))
    assert delays(Producers(), [other]) == {}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"shop-1.eu_2", "shop-1.eu_2"),
        (b'a"} 1\nforged 2', "a___1_forged_2"),
        (b"\x1b[31m", "__31m"),
        ("店".encode(), "_"),
        (b"\xff\xfe", "__"),
        (b"", "_"),
        (b"x" * 500, "x" * 64),
    ],
)
def test_a_name_is_made_safe(value: bytes, name: str) -> None:
    assert list(delays(Producers(), named(records([paid("a")]), value))) == [name]


def test_names_are_bounded_and_the_known_ones_stay() -> None:
    producers = Producers()
    many = records([paid(f"e-{at}") for at in range(MOST_PRODUCERS + 3)])
    found = delays(producers, named(many, *(b"p-%d" % at for at in range(len(many)))))
    assert len(found) == MOST_PRODUCERS + 1
    assert OTHER in found
    assert set(delays(producers, named(records([paid("a"), paid("b")]), b"p-7", b"p-new"))) == {"p-7", OTHER}


def test_the_delay_is_told_in_seconds() -> None:
    metrics = Metrics()
    recs = named(records([paid("a", event_time_ms=MIDNIGHT_MS + 250)]), b"till-1")
    Meter(metrics).settled(judged(recs), 0, 1, 0.0)
    assert sample(metrics, "hightide_producer_delay_seconds", producer="till-1") == -0.25
