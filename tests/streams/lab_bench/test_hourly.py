"""The sums of the peers' job: what is counted where events are made, and what differs from it."""

from collections import defaultdict
from pathlib import Path

import pytest

from schemas.events import decode_order
from streams.lab.bench.arms.peers_job import Sums, add, rows
from streams.lab.bench.check import TalliesWrong, check_hourly
from streams.lab.bench.hourly import Hourly, HourRow, read_rows, write_rows
from streams.lab.bench.orders import Totals, orders
from streams.lab.bench.profile import PROFILES
from streams.tally.windows import HOUR_MS, SHANGHAI

HOUR = 491_000
AT_MS = HOUR * HOUR_MS - SHANGHAI.offset_ms


@pytest.fixture
def hourly() -> Hourly:
    hourly = Hourly(SHANGHAI.offset_ms)
    hourly.add("cluster", 7, AT_MS, 500, 1)
    hourly.add("cluster", 7, AT_MS + HOUR_MS - 1, 300, 2)
    hourly.add("cluster", 2, AT_MS + HOUR_MS, 100, 1)
    hourly.add("anchor", 1_000_000, AT_MS, 900, 4)
    return hourly


RIGHT = [
    HourRow("cluster", HOUR, "cluster-0007", 2, 800, 3),
    HourRow("cluster", HOUR + 1, "cluster-0002", 1, 100, 1),
    HourRow("anchor", HOUR, "anchor-1000000", 1, 900, 4),
]


def test_right_sums_do_not_differ(hourly: Hourly) -> None:
    assert list(hourly.differences(RIGHT)) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (RIGHT[:2], "2 sums instead of 3"),
        ([*RIGHT, HourRow("anchor", HOUR, "anchor-0000", 1, 1, 1)], "should have [0, 0, 0]"),
        ([*RIGHT[:2], RIGHT[2]._replace(amount_fen=901)], "should have [1, 900, 4]"),
        ([*RIGHT[:2], RIGHT[2]._replace(hour=HOUR + 1)], "should have []"),
        ([RIGHT[0]._replace(units=4), *RIGHT[1:]], "should have [2, 800, 3]"),
    ],
)
def test_a_wrong_sum_is_named(hourly: Hourly, found: list[HourRow], told: str) -> None:
    assert told in "\n".join(hourly.differences(found))
    with pytest.raises(TalliesWrong, match="the sums of the peers' job are wrong"):
        check_hourly(found, Totals(hourly=hourly))


def test_sums_survive_their_file(tmp_path: Path) -> None:
    write_rows(str(tmp_path), RIGHT)
    assert list(read_rows(tmp_path)) == RIGHT


def test_the_peers_job_adds_up_to_what_is_counted_where_events_are_made() -> None:
    class Fetched:
        def __init__(self, value: bytes) -> None:
            self.value, self.offset, self.timestamp, self.key, self.headers = value, 0, 0, None, ()

    totals, sums = Totals(), Sums()
    add(sums, [Fetched(each.value) for each in orders(PROFILES["stated"], 3, 5_000, totals)], SHANGHAI.offset_ms)
    found = rows(sums)
    check_hourly(found, totals)
    assert sum(row.orders for row in found if row.dimension == "anchor") == totals.counters["orders_paid"]


def test_the_sums_of_the_generator_are_those_of_its_events() -> None:
    totals, paid = Totals(), defaultdict[tuple[str, int, str], list[int]](lambda: [0, 0, 0])
    for record in orders(PROFILES["stated"], 1, 3_000, totals):
        event = decode_order(record.value)
        if event.event_type == "order.paid":
            for dimension, id in (("cluster", event.cluster_id), ("anchor", event.anchor_id)):
                sums = paid[dimension, SHANGHAI.hour(event.pay_time_ms or 0), str(id)]
                for at, value in enumerate((1, event.amount_fen or 0, event.quantity or 0)):
                    sums[at] += value
    assert list(totals.hourly.differences(HourRow(*key, *sums) for key, sums in paid.items())) == []
