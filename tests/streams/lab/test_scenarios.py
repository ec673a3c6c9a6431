"""What holds for every scenario, and what the other two are about."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice

import pytest

from streams.lab.simulator.catalogue import SCENARIOS
from streams.lab.simulator.clusters import Size, clusters
from streams.lab.simulator.concetery import FIRST_SESSION, MERCHANT, NIGHT, concetery
from streams.lab.simulator.dates import at
from streams.lab.simulator.partitions import place
from streams.lab.simulator.planned import ORDERS, SESSIONS, Planned
from streams.lab.truth import Rules, Truth, compute_truth
from tests.streams.lab.reading import Arrived, first_copies, of_type, sold_by_session

FOUR = {ORDERS: 4, SESSIONS: 4}
SMALL = Size(rate=1.5, hours=4)
SIZES = {"chensmchen": None, "concetery": None, "clusters": SMALL}


def plan(name: str, seed: int) -> Iterator[Planned]:
    return SCENARIOS[name].plan(seed, SIZES[name])


# -- all of them ----------------------------------------------------------------------------------
@pytest.fixture(params=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def records(scenario: str, evening: list[Planned], shows: list[Planned], market: list[Planned]) -> list[Planned]:
    """The scenario with seed 1."""
    return {"chensmchen": evening, "concetery": shows, "clusters": market}[scenario]


def test_the_same_seed_gives_the_same_bytes(scenario: str, records: list[Planned]) -> None:
    assert list(plan(scenario, 1)) == records


def test_another_seed_gives_other_bytes(scenario: str, records: list[Planned]) -> None:
    other = list(islice(plan(scenario, 8), 2_000))
    assert [each.value for each in records[:2_000]] != [each.value for each in other]


def test_another_process_gives_the_same_bytes(shows: list[Planned]) -> None:
    program = (
        "import hashlib; from streams.lab.simulator.concetery import concetery\n"
        "print(hashlib.sha256(repr(list(concetery(1))).encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sha256(repr(shows).encode()).hexdigest()


def test_the_number_of_records_is_known_beforehand_roughly(scenario: str, records: list[Planned]) -> None:
    assert len(records) == pytest.approx(SCENARIOS[scenario].records(SIZES[scenario]), rel=0.15)


# -- concetery ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def shows() -> list[Planned]:
    return list(concetery(1))


@pytest.fixture(scope="module")
def shows_events(shows: list[Planned]) -> list[Arrived]:
    return first_copies(shows)


def test_the_first_show_ever_sold_200_pieces_in_under_two_hours(shows_events: list[Arrived]) -> None:
    first = [event for event in of_type(shows_events, "order.paid") if event["session_id"] == FIRST_SESSION]
    assert sum(event["quantity"] for event in first) == 200
    assert sum(event["amount_fen"] for event in first) > 500_000
    bounds = {
        event["event_type"]: event["event_time_ms"]
        for _, event in shows_events
        if event["event_type"] in ("session.started", "session.ended") and event["session_id"] == FIRST_SESSION
    }
    assert bounds["session.ended"] - bounds["session.started"] < 2 * 3_600_000
    started = of_type(shows_events, "session.started")
    assert min(started, key=lambda event: event["event_time_ms"])["session_id"] == FIRST_SESSION


def test_three_shows_before_and_then_a_night_above_a_million_yuan(shows_events: list[Arrived]) -> None:
    sold = sold_by_session(shows_events)
    night = {session for session in sold if session.endswith(NIGHT.replace("-", ""))}
    assert len(night) == 6
    assert len(sold) - len(night) == 3
    assert sum(sold[session].gmv_fen for session in night) == 120_000_000 > 1_000_000 * 100


def test_more_than_forty_anchors_take_turns_in_several_rooms_of_one_merchant(shows_events: list[Arrived]) -> None:
    of_night = [
        event
        for event in of_type(shows_events, "order.paid")
        if event["session_id"] is not None and event["pay_time_ms"] > at(NIGHT, 0)
    ]
    anchors = defaultdict(set)
    for event in of_night:
        anchors[event["session_id"]].add(event["anchor_id"])
    assert {len(names) for names in anchors.values()} == {7}
    assert len(set().union(*anchors.values())) == 42
    assert len({event["room_id"] for event in of_night}) == 6
    assert {event["merchant_id"] for event in of_night} == {MERCHANT}
    changes = Counter(event["session_id"] for event in of_type(shows_events, "session.anchor_changed"))
    assert all(changes[session] == 6 for session in anchors)


def test_its_night_is_a_record_of_the_merchant(shows: list[Planned]) -> None:
    truth = compute_truth(place(shows, FOUR), Rules())
    records = [each for each in truth.alerts if each.rule == "record.session" and each.scope_id == MERCHANT]
    assert {each.metric for each in records} == {"gmv.paid.gross.v1", "gmv.paid.net.v1"}
    assert all(each.holder.endswith("20251219") for each in records)


# -- clusters -------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def market() -> list[Planned]:
    return list(clusters(1, SMALL))


@pytest.fixture(scope="module")
def market_truth(market: list[Planned]) -> Truth:
    return compute_truth(place(market, FOUR), Rules())


def day_sums(truth: Truth, dimension: str, counter: str) -> Counter[str]:
    """Id -> sum over all days."""
    sums: Counter[str] = Counter()
    for tally, counters in truth.tallies.items():
        if tally.dimension == dimension and tally.grain == "day":
            sums[tally.id] += counters[counter]
    return sums


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_63_percent_of_sales_are_live(seed: int) -> None:
    sales: Counter[str] = Counter()
    for event in of_type(first_copies(clusters(seed, Size(rate=2, hours=2))), "order.paid"):
        sales[event["channel"]] += event["amount_fen"]
    assert sales["live"] / sales.total() == pytest.approx(0.63, abs=0.01)
    assert sales["shelf"] > sales["short_video"] > 0


def test_206_clusters_in_27_provinces_and_130_cities(market_truth: Truth) -> None:
    sold = day_sums(market_truth, "cluster", "gmv_fen")
    assert len(sold) == 206
    assert {
        "shenzhen-phone-accessories", "haining-fur", "danyang-lenses", "baoding-tissue", "humen-apparel",
        "shandong-phalaenopsis",
    } < set(sold)  # fmt: skip
    assert len(day_sums(market_truth, "province", "gmv_fen")) == 27
    assert len(day_sums(market_truth, "city", "gmv_fen")) == 130


def test_few_anchors_sell_most(market_truth: Truth) -> None:
    orders = day_sums(market_truth, "anchor", "orders_paid")
    orders.pop("(none)")
    ranked = [count for _, count in orders.most_common()]
    assert sum(ranked[: len(ranked) // 10]) > 0.4 * sum(ranked)
    assert ranked[0] > 20 * ranked[len(ranked) // 2]


def test_live_orders_belong_to_a_session_on_air(market: list[Planned]) -> None:
    copies = first_copies(market)
    started = {event["session_id"]: event for event in of_type(copies, "session.started")}
    live = [event for event in of_type(copies, "order.created") if event["channel"] == "live"]
    with_session = [event for event in live if event["session_id"] is not None]
    assert len(with_session) > 0.99 * len(live)
    for event in with_session:
        start = started[event["session_id"]]
        assert (start["anchor_id"], start["cluster_id"]) == (event["anchor_id"], event["cluster_id"])
        assert start["event_time_ms"] - 5_000 <= event["event_time_ms"] < start["event_time_ms"] + 3 * 3_600_000 + 5_000


def test_the_rate_is_an_argument(market: list[Planned]) -> None:
    created = len(of_type(first_copies(market), "order.created"))
    assert created / (4 * 3_600) == pytest.approx(1.5, rel=0.08)


def test_arrivals_ascend_and_the_last_hour_closes(market: list[Planned], market_truth: Truth) -> None:
    arrivals = [each.arrival_ms for each in market]
    assert arrivals == sorted(arrivals)
    peaks = [each for each in market_truth.alerts if each.rule == "peak.hour"]
    assert market_truth.watermark_ms is not None
    assert market_truth.watermark_ms >= at("2025-12-31", 24) + 120_000
    assert peaks
