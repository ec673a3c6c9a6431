"""The one table of topics."""

import pytest

from streams.topics import Topic, Topics


@pytest.fixture
def table() -> dict[str, Topic]:
    return {topic.name: topic for topic in Topics("t.").table(6)}


def test_every_name_has_the_prefix(table: dict[str, Topic]) -> None:
    topics = Topics("t.")
    outputs = [topics.tallies, topics.alerts, topics.rejects, topics.deliveries]
    assert list(table) == [*topics.inputs, *outputs, topics.history]
    assert all(name.startswith("t.") for name in table)
    assert topics.inputs == ("t.orders", "t.live-sessions")


def test_alerts_have_one_order_and_the_others_are_spread(table: dict[str, Topic]) -> None:
    assert {name: topic.partitions for name, topic in table.items()} == {
        "t.orders": 6, "t.live-sessions": 6, "t.tallies": 6, "t.alerts": 1, "t.rejects": 6,
        "t.deliveries": 1, "t.history": 1,
    }  # fmt: skip


def test_tallies_and_deliveries_are_compacted_and_alerts_and_history_never_go(table: dict[str, Topic]) -> None:
    compacted = [name for name, topic in table.items() if "compact" in topic.configs["cleanup.policy"]]
    assert compacted == ["t.tallies", "t.deliveries"]
    assert table["t.alerts"].configs["retention.ms"] == table["t.history"].configs["retention.ms"] == "-1"
    assert table["t.rejects"].configs["retention.ms"] == str(7 * 86_400_000)


def test_arrival_is_the_brokers_clock_unless_a_simulator_sets_it(table: dict[str, Topic]) -> None:
    orders = table["t.orders"]
    assert orders.configs["message.timestamp.type"] == "LogAppendTime"
    assert orders.producer_timed().configs == {
        **orders.configs,
        "message.timestamp.type": "CreateTime",
        "retention.ms": "-1",
    }
    assert orders.configs["message.timestamp.type"] == "LogAppendTime"
