"""What the chunked path leans on inside Faust and aiokafka: an upgrade that moves it must fail here, loudly."""

import inspect

import faust
import pytest
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver

from streams.app import OwnChannel, create_app
from streams.intake.transport import ChunkConsumer, ChunkThread, ChunkTransport
from streams.settings import Settings


class NoIntake:
    """Stands where the worker's intake will be; never called here."""


@pytest.fixture
def app() -> faust.App:
    return create_app(Settings(), NoIntake())  # type: ignore[arg-type]


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [
        (driver.Consumer, "_new_consumer_thread", ["self"]),
        (Consumer, "_drain_messages", ["self", "fetcher"]),
        (Consumer, "_wait_next_records", ["self", "timeout"]),
        (Consumer, "verify_event_path", ["self", "now", "tp"]),
        (Consumer, "wait_empty", ["self"]),
        (Consumer, "commit", ["self", "topics", "start_new_transaction"]),
        (driver.AIOKafkaConsumerThread, "seek_to_committed", ["self"]),
        (driver.AIOKafkaConsumerThread, "_ensure_consumer", ["self"]),
        (driver.AIOKafkaConsumerThread, "assignment", ["self"]),
        (
            driver.AIOKafkaConsumerThread,
            "_fetch_records",
            ["self", "consumer", "active_partitions", "timeout", "max_records"],
        ),
        (Fetcher, "_create_fetch_waiter", ["self"]),
        (Fetcher, "_notify", ["self", "future"]),
        (FetchResult, "check_assignment", ["self", "tp"]),
        (FetchResult, "_update_position", ["self"]),
        (PartitionRecords, "_consume_aborted_up_to", ["self", "batch_offset"]),
        (PartitionRecords, "_contains_abort_marker", ["self", "next_batch"]),
        (SubscriptionState, "fetch_context", ["self"]),
        (GroupCoordinator, "check_errors", ["self"]),
    ],
)
def test_the_extension_points_are_where_they_were(owner: type, name: str, expected: list[str]) -> None:
    assert parameters(getattr(owner, name)) == expected


def test_our_transport_makes_our_consumer(app: faust.App) -> None:
    assert isinstance(app.transport, ChunkTransport)
    assert app.transport.Consumer is ChunkConsumer
    assert ChunkConsumer._new_consumer_thread is not driver.Consumer._new_consumer_thread
    assert issubclass(ChunkThread, driver.AIOKafkaConsumerThread)


def test_both_input_topics_are_subscribed_to_without_acks(app: faust.App) -> None:
    assert {topic.get_topic_name(): topic.acks for topic in app.topics} == {"orders": False, "live-sessions": False}


def test_nothing_of_faust_listens_or_creates_topics(app: faust.App) -> None:
    assert not app.conf.web_enabled
    assert not app.conf.topic_allow_declare and app.conf.topic_disable_leader
    assert app.conf.processing_guarantee.value == "at_least_once"


async def test_the_queue_of_our_channels_is_not_managed_by_the_flow_control(app: faust.App) -> None:
    channel = OwnChannel(app).clone(is_iterator=True)
    await channel.queue.put("kept")
    app.flow_control.suspend()
    app.flow_control.clear()
    assert channel.queue.qsize() == 1
    assert channel.queue not in app.flow_control._queues


async def test_a_nudge_waits_for_nobody_and_is_not_repeated(app: faust.App) -> None:
    channel = OwnChannel(app)
    subscriber = channel.clone(is_iterator=True)
    channel.nudge()
    channel.nudge()
    assert subscriber.queue.qsize() == 1
