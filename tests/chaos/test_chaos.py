"""A few trials with every run of the tests, and that a trial sees what it has to see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from schemas.alerts import Alert, decode_alert, encode_alert
from streams.failpoints import POINTS
from streams.topics import Topics
from tests.chaos import measure
from tests.chaos.faults import ALL
from tests.chaos.faults.points import PASSED
from tests.chaos.ground import Ground, ground
from tests.chaos.log import read_topics
from tests.chaos.run import plan
from tests.chaos.table import failures, skipped, table
from tests.chaos.trial import Fault, Result, run_trial
from tests.chaos.world import World
from tests.integration.by_hand import producer_of

#: those that a slip breaks first: one of each kind, and no slow one
SHORT = (("kill", 1), ("at-after-settle", 2), ("store-back", 3))


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The ground of all trials here."""
    with ground(tmp_path_factory.mktemp("chaos")) as made:
        yield made


# -- trials ----------------------------------------------------------------------------------------
@pytest.mark.servers
async def test_nothing_is_lost_and_nothing_doubled(on: Ground, tmp_path: Path) -> None:
    # at one time: most of a trial is waiting for the group
    results = await asyncio.gather(*(run_trial(on, ALL[name], seed, tmp_path) for name, seed in SHORT))
    assert failures(results) == []
    assert all(result.outcome.events > 1_000 for result in results)


@pytest.mark.servers
async def test_a_trial_sees_what_was_lost_counted_twice_missing_and_doubled(
    on: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without faults: three events are taken out of a tally, two put into another, an alert is sent again."""
    monkeypatch.setattr(measure, "ALERTS_WITHIN_S", 0.0)

    async def falsify(world: World, chance: Random) -> None:
        world.start_worker()
        world.start_playing(1.0)
        await world.played()
        await world.until(1.0)
        await world.until_true(world.idle, "not at rest")
        keys = [key async for key in world.redis.scan_iter(match=f"{world.settings.group}:*hours:channel:*")]
        poor, rich = sorted(keys)[:2]
        await world.redis.hincrby(poor, _paid(await world.redis.hgetall(poor)), -3)
        await world.redis.hincrby(rich, _paid(await world.redis.hgetall(rich)), 2)
        await _tell_again(world)

    result = await run_trial(on, Fault("false", "-", "counts are falsified", falsify, {"shards": 1}), 1)
    assert (result.outcome.lost, result.outcome.twice) == (3, 2)
    assert (result.outcome.missing, result.outcome.doubled) == (1, 1)
    assert not result.good


def _paid(tally: dict[bytes, bytes]) -> bytes:
    """The field of an hour's paid orders in which most were counted."""
    return max((field for field in tally if field.endswith(b"p")), key=lambda field: int(tally[field]))


async def _tell_again(world: World) -> None:
    """One alert that is due is taken back for no reason, another stands in the topic twice."""
    topic = Topics(world.settings.topic_prefix).alerts
    told = [record.value for each in (await read_topics(world.settings.kafka, [topic])).values() for record in each]
    final = [alert for alert in map(decode_alert, told) if alert.state == "confirmed"]
    values = [encode_alert(final[0]), encode_alert(_taken_back(final[1]))]
    async with producer_of(world.settings) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


def _taken_back(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, revision=alert.revision + 1, state="retracted")


# -- the rig ---------------------------------------------------------------------------------------
def test_every_failpoint_has_a_trial() -> None:
    assert set(PASSED) == set(POINTS)


def test_trials_are_spread_over_the_faults_with_seeds_of_their_own() -> None:
    faults = [ALL["kill"], ALL["zombie"], ALL["storm"]]
    assert plan(faults, 4, 7) == [("kill", 7), ("zombie", 7), ("storm", 7), ("kill", 8)]


@pytest.mark.parametrize("name", ALL)
def test_a_fault_has_a_row_of_the_matrix_and_says_what_it_does(name: str) -> None:
    fault = ALL[name]
    assert fault.name == name
    assert fault.row and fault.says and "\n" not in fault.says


@pytest.fixture
def result() -> Callable[..., Result]:
    """Makes results of `kill`, good ones but for what is given."""

    def make(seed: int, failed: str = "", **numbers: int) -> Result:
        made = Result("kill", seed, failed=failed)
        for name, value in numbers.items():
            setattr(made.outcome, name, value)
        return made

    return make


def test_the_table_sums_and_names_the_seeds_of_failures(result: Callable[..., Result]) -> None:
    results = [result(1, events=7_000), result(2, "one is missing", events=500, lost=1)]
    head, kill, total = table([ALL["kill"]], results)
    assert head.split("  ")[0] == "row"
    assert kill.split() == ["W1", "kill", "2", "7,500", "1", "0", "0", "0", "0.0", "(0.0)"]
    assert total.split()[0:3] == ["all", "2", "7,500"]
    assert failures(results) == ["python -m tests.chaos --fault kill --seed 2: one is missing"]


def test_what_this_machine_can_not_do_is_no_trial_and_is_named() -> None:
    results = [Result("full-disk", seed, skipped="no loop devices here") for seed in (1, 2)]
    assert table([ALL["full-disk"]], results)[-1].split()[:2] == ["all", "0"]
    assert skipped(results) == ["not tried here: full-disk: no loop devices here"]
    assert failures(results) == [] and not any(result.good for result in results)
