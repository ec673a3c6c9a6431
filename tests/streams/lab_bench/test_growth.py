"""Growth: what lies in the store, what a long run does to memory, and what a platform needs."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from redis.asyncio import Redis

from streams.cli.bench_values import count, counts
from streams.cli.main import main
from streams.keys import shard_keys
from streams.lab.bench.growth.capacity import Needs, needs
from streams.lab.bench.growth.families import Family, families, family_of
from streams.lab.bench.growth.long import Sample
from streams.lab.bench.growth.plan import GrowthPlan, points, with_anchors
from streams.lab.bench.growth.plot import plot
from streams.lab.bench.growth.render import table
from streams.lab.bench.growth.report import GrowthReport, Memory, PointResult, slope_mb
from streams.lab.bench.growth.scale import Scale
from streams.lab.bench.growth.shapes import FIELDS, Shapes, try_shapes
from streams.lab.bench.growth.store_parts import Figures
from streams.lab.bench.profile import PROFILES
from streams.settings import Settings

KEYS = shard_keys("group", 0)
PROFILE = PROFILES["stated"]


# -- points --------------------------------------------------------------------------------------
def test_one_thing_is_grown_at_a_time() -> None:
    plan = GrowthPlan(PROFILE, 1, 100, [1_000, 100_000], [4, 64], [1, 8], 0)
    found = [(each.series, each.value, each.profile.anchors, each.partitions, each.workers) for each in points(plan, 4)]
    assert found == [
        ("anchors", 1_000, 1_000, 4, 1),
        ("anchors", 100_000, 100_000, 4, 1),
        ("partitions", 4, 700, 4, 1),
        ("partitions", 64, 700, 64, 1),
        # every worker has a partition, and all points of the series have as many
        ("workers", 1, 700, 8, 1),
        ("workers", 8, 700, 8, 8),
    ]


@pytest.mark.parametrize(("anchors", "sessions", "merchants"), [(1_000, 2_000, 1_500), (948_000, 948_000, 150_000)])
def test_more_anchors_have_more_sessions_and_merchants(anchors: int, sessions: int, merchants: int) -> None:
    profile = with_anchors(PROFILE, anchors)
    assert (profile.anchors, profile.sessions, profile.merchants) == (anchors, sessions, merchants)


# -- the store -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("key", "name"),
    [
        (KEYS.hours("anchor", 20_000, "anchor:7"), "hours anchor"),
        (KEYS.session_hours("s"), "hours session"),
        (KEYS.minutes("cluster", 480_000, "c"), "minutes cluster"),
        (KEYS.sketch("buyers", "platform", 480_000, "all"), "buyers platform"),
        (KEYS.day_sketch("buyers", "platform", 20_000, "all"), "day-buyers platform"),
        (KEYS.session_buyers("s"), "buyers session"),
        (KEYS.ranking("peak.hour", "gmv.paid.gross.v1", "anchor", "a"), "ranking peak.hour anchor"),
        (KEYS.ranking_closed("record.session", "gmv.paid.net.v1", "cluster", "c"), "closed record.session cluster"),
        (KEYS.session("s"), "session"),
        (KEYS.fence("orders", 3), "fence"),
        (KEYS.orders("orders", 3, 1_250), "orders"),
    ],
)
def test_the_family_of_a_key(key: str, name: str) -> None:
    assert family_of(key) == name


async def test_families_are_counted_and_sampled(redis: Redis) -> None:
    for number in range(5):
        await redis.hset(KEYS.hours("anchor", 20_000, str(number)), mapping={"07g": 5, "07p": 1, "21g": 2})
    await redis.hset(KEYS.hours("city", 20_000, "c"), mapping={"07g": 5})
    await redis.pfadd(KEYS.sketch("buyers", "anchor", 480_000, "0"), "b")
    await redis.set(shard_keys("other", 0).sequence(), 1)
    found = {each.name: each for each in await families(redis, "group")}
    assert found.keys() == {"hours anchor", "hours city", "buyers anchor"}
    hours = found["hours anchor"]
    assert (hours.keys, hours.parts, hours.windows) == (5, 3, 2) and hours.bytes > 50
    assert (found["buyers anchor"].parts, found["buyers anchor"].windows) == (0, 0)


async def test_shapes_are_those_of_the_store_and_leave_nothing(redis: Redis) -> None:
    shapes = await try_shapes(redis, "group:shapes:")
    sizes = [size for _, size in shapes.hash_bytes]
    assert [fields for fields, _ in shapes.hash_bytes] == list(FIELDS) and sizes == sorted(sizes)
    assert 20 < shapes.member_bytes < 300 and 12_000 < shapes.sketch_bytes < 15_000 > shapes.small_sketch_bytes
    assert await redis.dbsize() == 0


SHAPES = Shapes([(1, 100), (8, 140), (96, 1_000), (480, 9_000)], 100.0, 12_400, 140)


@pytest.mark.parametrize(("fields", "size"), [(1, 100.0), (8, 140.0), (52, 570.0), (0.5, 97.1), (864, 17_000.0)])
def test_hashes_between_and_beyond_those_that_were_tried(fields: float, size: float) -> None:
    assert SHAPES.hash_of(fields) == pytest.approx(size, abs=0.1)


MEMORY = Memory(
    [
        Family("hours anchor", 1_000, 150.0, 8.0, 2.0),
        Family("minutes anchor", 2_000, 120.0, 12.0, 6.0),
        Family("buyers anchor", 2_000, 130.0, 0.0, 0.0),
        Family("hours session", 1_000, 160.0, 8.0, 2.0),
        Family("ranking peak.hour anchor", 1_000, 500.0, 4.0, 0.0),
        Family("open record.session anchor", 500, 100.0, 1.0, 0.0),
        Family("orders", 4, 100_000.0, 1_000.0, 0.0),
    ],
    used_bytes=3_000_000,
    orders_paid=4_000,
)


def test_what_an_anchor_hour_takes() -> None:
    assert MEMORY.anchor_hours == 2_000
    assert MEMORY.anchor_hour_bytes == (150_000 + 240_000 + 260_000) / 2_000
    assert MEMORY.used_bytes_per_anchor_hour == 1_500
    assert MEMORY.told_share == pytest.approx((150 + 240 + 260 + 160 + 500 + 50 + 400) / 3_000)


def test_without_anchors_there_is_no_figure_of_theirs() -> None:
    assert (Memory([], 5, 0).anchor_hour_bytes, Memory([], 5, 0).used_bytes_per_anchor_hour) == (0.0, 0.0)


# -- a long run ----------------------------------------------------------------------------------
def samples(late_mb: list[float]) -> list[Sample]:
    """The first half fills up, a million events a sample."""
    return [Sample(n * 1_000_000, mb, 10.0) for n, mb in enumerate([50.0, 80.0, *late_mb], start=1)]


@pytest.mark.parametrize(
    ("late_mb", "slope"), [([100.0, 100.0], 0.0), ([100.0, 103.0], 3.0), ([100.0, 98.0], -2.0), ([], None)]
)
def test_the_slope_of_memory_is_that_of_the_second_half(late_mb: list[float], slope: float | None) -> None:
    found = samples(late_mb) if late_mb else [Sample(1_000_000, 50.0, 10.0)]
    assert slope_mb(found) == slope


# -- capacity ------------------------------------------------------------------------------------
SMALL = Scale(
    anchors=1_000, merchants=100, clusters=10, provinces=2, cities=5, orders_a_year=365 * 86_400 * 3.0,
    peak_factor=10, categories=4, events_per_order=2.0, anchors_on_air=0.5, hours_on_air=4, merchants_selling=0.5,
    merchant_hours=8, core_use=0.5, store_use=0.5,
)  # fmt: skip
FIGURES = Figures(MEMORY, SHAPES, event_bytes=400.0, cpu_us={"worker": 50_000.0, "store": 20_000.0})


def parts(found: Needs) -> dict[str, tuple[float, float]]:
    return {part.name: (part.keys, part.bytes) for part in found.parts}


def test_rates_and_cores() -> None:
    found = needs(FIGURES, SMALL)
    assert (found.mean_events_per_s, found.peak_events_per_s) == pytest.approx((6.0, 60.0))
    assert found.mean_cores == pytest.approx({"worker": 0.6, "store": 0.24})
    assert found.peak_cores == pytest.approx({"worker": 6.0, "store": 2.4})
    assert found.shards == 3  # a store has one core
    assert found.topic_gb == pytest.approx(6 * 86_400 * 7 * 3 * 400 / 1e9)
    assert found.resend_gb == pytest.approx(60 * 900 * 2 * 192 / 1e9)


def test_what_lies_in_the_store() -> None:
    found = parts(needs(FIGURES, SMALL))
    # 500 anchors a day for 35 days; 4 counters an hour, 4 hours: between 8 and 96 fields
    assert found["hours, anchors"] == pytest.approx((17_500, 140 + 8 / 88 * 860))
    assert found["hours, coarse"] == pytest.approx(((1 + 2 + 10 + 4 + 3) * 400, 1_000 + 96 / 384 * 8_000))
    assert found["days, anchors"] == pytest.approx((500 * 365, 100 + 3 / 7 * 40))
    assert found["sessions: hours"] == pytest.approx((200_000, 140 + 8 / 88 * 860))
    assert found["sessions: places in rankings"] == (1_000_000, 100.0)
    assert found["rankings, anchors"] == (1_000, 550.0)
    assert found["order index"] == pytest.approx((3 * 86_400 * 38, 100.0))
    assert found["buyers, anchor hours"] == (2_000 * 35, 130.0)


def test_minutes_are_those_that_orders_fall_into() -> None:
    # an order an anchor-hour leaves two events, in 1.98 of its minutes; many leave some in every minute
    few = needs(FIGURES, replace(SMALL, orders_a_year=365 * 2_000.0))
    many = needs(FIGURES, replace(SMALL, orders_a_year=365 * 2_000_000.0))
    assert parts(few)["minutes, anchors"][1] == pytest.approx(SHAPES.hash_of(2 * 1.983), abs=0.1)
    assert parts(many)["minutes, anchors"][1] == pytest.approx(SHAPES.hash_of(120))


def test_there_are_no_more_anchor_hours_than_orders() -> None:
    assert replace(SMALL, orders_a_year=365 * 100.0).anchor_hours == 100
    assert SMALL.anchor_hours == 2_000


def test_the_sum_is_that_of_the_parts_and_leaves_room() -> None:
    found = needs(FIGURES, SMALL)
    assert found.used_gb == pytest.approx(sum(keys * size for keys, size in parts(found).values()) / 1e9)
    assert found.store_gb == pytest.approx(found.used_gb * 2)


def test_every_number_of_the_platform_is_said_with_its_reason() -> None:
    said = Scale().assumptions()
    assert len(said) == len(Scale.__slots__) and all(line.split("  ", 1)[1] for line in said)
    assert "9,480,000  anchors (public)" in said and "0.10  share of the anchors who sell on a day (assumed)" in said


# -- the report ----------------------------------------------------------------------------------
def point(series: str, value: int) -> PointResult:
    cpu = {"worker": 40.0, "store": 50.0, "broker": 3.0}
    return PointResult(
        series, value, PROFILE.facts(), 4, 1, 1_000, 430.0, 20_000.0, cpu, {**cpu, "worker": 60.0}, 90.0, 7.5
    )


def report() -> GrowthReport:
    machine = {"cpu": "Some CPU", "cores": 2, "system": "Linux", "python": "CPython 3.11", "load_average": 0.1}
    found = [point("anchors", 1_000), point("anchors", 100_000), point("workers", 2)]
    return GrowthReport(machine, "2026-01-01", 1_000, Settings(), found, MEMORY, SHAPES, samples([100.0, 101.0]))


def test_the_table_is_for_people() -> None:
    text = "\n".join(table(report(), needs(FIGURES, SMALL), SMALL))
    assert "one anchor-hour: 325 bytes" in text and "1,500 bytes (2,000 anchor-hours)" in text
    assert "worker, second half: +1.00 MB a million events" in text
    assert "at least 3 shards" in text and "categories (assumed, as in the profile)" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["100,000", "20,000", "40.0", "60.0", "50.0", "3.0", "90", "7.5"] in rows


def test_the_json_and_the_plot_have_every_series() -> None:
    document = json.loads(json.dumps(report().as_json()))
    assert [each["value"] for each in document["points"]] == [1_000, 100_000, 2]
    assert document["memory"]["bytes_per_anchor_hour"] == 325
    assert document["long_run"]["worker_mb_per_million_events"] == 1.0
    root = ElementTree.fromstring(plot(report()))
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 3 + 3 + 2


# -- the command ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "number"), [("5", 5), ("10k", 10_000), ("2m", 2_000_000), ("10_000", 10_000)])
def test_numbers_may_be_written_short(text: str, number: int) -> None:
    assert count(text) == number


def test_lists_of_numbers() -> None:
    assert counts("1k, 2k") == [1_000, 2_000]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "k", "", "3x", "2000m"])
def test_other_numbers_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "growth", f"--events={text}"])
    assert ended.value.code == 2
    assert "is not a whole number" in capsys.readouterr().err


@pytest.mark.servers
def test_a_short_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--events",
        "1500",
        "--anchors",
        "2500",
        "--partitions",
        "2",
        "--workers",
        "2",
        "--long",
        "4k",
        "--json",
    ]
    code = main(["bench", "growth", *arguments])
    out, err = capsys.readouterr()
    assert code == 0, err
    document = json.loads(out)
    assert [(each["series"], each["value"]) for each in document["points"]] == [
        ("anchors", 2_500), ("partitions", 2), ("workers", 2),
    ]  # fmt: skip
    for each in document["points"]:
        assert each["judged_cpu_us_per_event"]["worker"] >= each["cpu_us_per_event"]["worker"]
        assert each["store_mb"] > 0.1
    assert document["memory"]["anchor_hours"] > 100 and 50 < document["memory"]["bytes_per_anchor_hour"] < 5_000
    assert [each["events"] for each in document["long_run"]["samples"]][-1] == 4_000
    assert document["capacity"]["store_used_gb"] > 1
