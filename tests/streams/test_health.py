"""What a worker says of itself, and over HTTP: alive while its loop is, ready while it does its work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from streams.health import ALIVE_WITHIN_S, Health, PartitionState, Seen
from streams.lab.servers.spawn import free_port
from streams.metrics import Metrics
from streams.serving import serve
from streams.settings import SettingsError

ORDERS = PartitionState("orders", 0, fence=7, lag_records=3, stopped=None)
UP = Seen(up=True, waits_for=None, partitions=(ORDERS,))


class Clock:
    """Seconds that a test sets."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    """The health of a worker that is up and was just seen."""
    health = Health(clock)
    health.beat(UP)
    return health


@pytest.mark.parametrize(("after_s", "alive"), [(0.0, True), (ALIVE_WITHIN_S, True), (ALIVE_WITHIN_S + 0.1, False)])
def test_a_loop_that_was_not_seen_for_long_does_not_live_and_is_not_ready(
    health: Health, clock: Clock, after_s: float, alive: bool
) -> None:
    clock.now_s += after_s
    assert health.alive()[0] == alive
    assert health.ready()[0] == alive


def test_before_it_is_up_it_lives_and_says_what_it_waits_for(clock: Clock) -> None:
    health = Health(clock)
    health.beat(Seen(waits_for="Redis"))
    assert health.alive()[0]
    assert health.ready()[0] is False
    assert health.ready()[1]["reasons"] == ["not up: waiting for Redis"]


@pytest.mark.parametrize(
    ("seen", "reasons"),
    [
        (UP, []),
        (replace(UP, partitions=()), []),
        (replace(UP, partitions=(replace(ORDERS, lag_records=10**9),)), []),
        (replace(UP, partitions=(replace(ORDERS, lag_records=None),)), []),
        (replace(UP, redis_away=True), ["Redis does not answer"]),
        (replace(UP, kafka_away=True), ["Kafka does not answer"]),
        (
            replace(UP, partitions=(ORDERS, replace(ORDERS, partition=1, stopped="4 rejects in a row"))),
            ["orders/1 is stopped: 4 rejects in a row"],
        ),
    ],
)
def test_what_keeps_it_from_its_work_makes_it_not_ready(health: Health, seen: Seen, reasons: list[str]) -> None:
    health.beat(seen)
    ready, told = health.ready()
    assert (ready, told["ready"], told["reasons"]) == (not reasons, not reasons, reasons)


# -- over HTTP ---------------------------------------------------------------------------------
@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def address(health: Health, metrics: Metrics) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    stop = serve(address, metrics, health)
    yield address
    stop()


def get(address: str, path: str) -> tuple[int, bytes]:
    try:
        with urlopen(f"http://{address}{path}") as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def test_metrics_are_served_as_prometheus_reads_them(address: str, metrics: Metrics) -> None:
    metrics.rejected.labels("orders", "0", "not_json").inc(3)
    status, text = get(address, "/metrics")
    assert status == 200
    assert 'hightide_events_rejected_total{partition="0",reason="not_json",topic="orders"} 3.0' in text.decode()


def test_readiness_is_its_status_and_its_reasons(address: str, health: Health) -> None:
    status, body = get(address, "/readyz")
    assert status == 200
    assert json.loads(body) == {
        "ready": True, "reasons": [], "up": True, "waits_for": None, "redis_away": False, "kafka_away": False,
        "partitions": [{"topic": "orders", "partition": 0, "fence": 7, "lag_records": 3, "stopped": None}],
    }  # fmt: skip
    health.beat(replace(UP, redis_away=True))
    status, body = get(address, "/readyz")
    assert (status, json.loads(body)["reasons"]) == (503, ["Redis does not answer"])


def test_life_is_asked_of_the_loop_and_not_of_the_thread_that_answers(address: str, clock: Clock) -> None:
    assert get(address, "/healthz")[0] == 200
    clock.now_s += 60
    status, body = get(address, "/healthz")
    assert (status, json.loads(body)) == (503, {"alive": False, "seen_s_ago": 60.0})


def test_another_path_is_answered_with_those_that_there_are(address: str) -> None:
    status, body = get(address, "/")
    assert (status, json.loads(body)) == (404, {"paths": ["/metrics", "/healthz", "/readyz"]})


def test_an_address_that_is_taken_is_a_wrong_setting(address: str, metrics: Metrics, health: Health) -> None:
    with pytest.raises(SettingsError, match=f"HIGHTIDE_METRICS='{address}': .*in use"):
        serve(address, metrics, health)


def test_it_is_served_until_stopped(metrics: Metrics, health: Health) -> None:
    address = f"127.0.0.1:{free_port()}"
    serve(address, metrics, health)()
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://{address}/metrics")


def test_without_an_address_nothing_is_served(metrics: Metrics, health: Health) -> None:
    serve("", metrics, health)()
