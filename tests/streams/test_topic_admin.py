"""Comparing topics with the table, as a function of what a broker told."""

from streams.settings import Settings
from streams.topic_admin import Difference, compare, simulated_topics, wanted_topics
from streams.topics import Topic

WANTED = Topic("orders", 4, {"cleanup.policy": "delete", "retention.ms": "1000"})


def test_all_as_wanted() -> None:
    check = compare([WANTED], {"orders": 4}, {"orders": {**WANTED.configs, "other": "ignored"}})
    assert (check.differences, check.untold) == ((), ())


def test_a_missing_topic_is_one_difference() -> None:
    check = compare([WANTED], {"alerts": 1}, {})
    assert check.differences == (Difference("orders", "topic", "exists", None),)
    assert check.untold == ()


def test_fewer_and_more_partitions_differ() -> None:
    for found in (3, 5):
        check = compare([WANTED], {"orders": found}, {"orders": WANTED.configs})
        assert check.differences == (Difference("orders", "partitions", "4", str(found)),)


def test_another_configuration_differs() -> None:
    check = compare([WANTED], {"orders": 4}, {"orders": {**WANTED.configs, "retention.ms": "1001"}})
    assert check.differences == (Difference("orders", "retention.ms", "1000", "1001"),)


def test_what_the_broker_does_not_tell_is_named_and_no_difference() -> None:
    check = compare([WANTED], {"orders": 4}, {"orders": {"cleanup.policy": "delete"}})
    assert (check.differences, check.untold) == ((), ("orders: retention.ms",))


def test_simulated_topics_take_the_producers_clock_for_what_comes_in() -> None:
    settings = Settings(topic_prefix="t-")
    clock = "message.timestamp.type"
    production = {topic.name: topic.configs.get(clock) for topic in wanted_topics(settings)}
    simulated = {topic.name: topic.configs.get(clock) for topic in simulated_topics(settings)}
    assert production.keys() == simulated.keys()
    assert (production["t-orders"], simulated["t-orders"]) == ("LogAppendTime", "CreateTime")
    assert (production["t-live-sessions"], simulated["t-live-sessions"]) == ("LogAppendTime", "CreateTime")
    assert simulated["t-rejects"] == production["t-rejects"]
