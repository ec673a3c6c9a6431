"""The topics on the broker: creating what is missing, and comparing what is there with the one table of topics."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, TopicAlreadyExistsError, for_code

from streams.errors import ServerMissing, TopicsWrong
from streams.settings import Settings
from streams.topics import Topic, Topics

_REQUEST_TIMEOUT_MS = 10_000
_LOOKS, _LOOK_EVERY_S = 150, 0.1
_MOST_REPLICAS = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about a topic that is not as the table wants it. `found` is None if the topic is missing."""

    topic: str
    what: str
    wanted: str
    found: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """What a comparison found. `untold` names what this broker can not be asked ("orders: retention.ms")."""

    differences: tuple[Difference, ...]
    untold: tuple[str, ...]


def wanted_topics(settings: Settings) -> tuple[Topic, ...]:
    """The topics as production wants them."""
    return Topics(settings.topic_prefix).table(settings.partitions)


def simulated_topics(settings: Settings) -> tuple[Topic, ...]:
    """The same, but the arrival of an order or session event is set by its producer: the simulator's clock."""
    topics = Topics(settings.topic_prefix)
    table = topics.table(settings.partitions)
    return tuple(topic.producer_timed() if topic.name in topics.inputs else topic for topic in table)


async def ensure_topics(settings: Settings, wanted: Sequence[Topic] | None = None) -> tuple[str, ...]:
    """Create the topics of `wanted` (default: `wanted_topics`) that are missing; existing ones stay as they are.

    Returns the names of those created, once every partition has a leader. Three replicas where there are three brokers.
    Raises TopicsWrong with the broker's reason, ServerMissing if it does not answer.
    """
    table = wanted_topics(settings) if wanted is None else wanted
    async with _admin(settings.kafka) as admin:
        existing = set(await admin.list_topics())
        missing = [topic for topic in table if topic.name not in existing]
        if not missing:
            return ()
        replicas = min(_MOST_REPLICAS, len((await admin.describe_cluster())["brokers"]))
        names = await _create(admin, missing, replicas)
        await _until_led(admin, [topic.name for topic in missing])
    return names


async def check_topics(settings: Settings, wanted: Sequence[Topic] | None = None) -> Check:
    """Compare the topics on the broker with `wanted` (default: `wanted_topics`): partitions and configurations.

    Raises ServerMissing if the broker does not answer.
    """
    table = wanted_topics(settings) if wanted is None else wanted
    async with _admin(settings.kafka) as admin:
        existing = set(await admin.list_topics())
        # only existing ones: a broker may create a topic because it was asked about it
        leaders = await _leaders(admin, [topic.name for topic in table if topic.name in existing])
        configs = {name: await _configs(admin, name) for name in leaders}
    return compare(table, {name: len(each) for name, each in leaders.items()}, configs)


def compare(wanted: Iterable[Topic], partitions: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]) -> Check:
    """What differs between `wanted` and the partitions and configurations found, by topic. Pure."""
    differences: list[Difference] = []
    untold: list[str] = []
    for topic in wanted:
        if topic.name not in partitions:
            differences.append(Difference(topic.name, "topic", "exists", None))
            continue
        found = partitions[topic.name]
        if found != topic.partitions:
            differences.append(Difference(topic.name, "partitions", str(topic.partitions), str(found)))
        told = configs.get(topic.name, {})
        untold += [f"{topic.name}: {key}" for key in topic.configs if key not in told]
        differences += [
            Difference(topic.name, key, value, told[key])
            for key, value in topic.configs.items()
            if key in told and told[key] != value
        ]
    return Check(tuple(differences), tuple(untold))


async def partitions_of(kafka: str, topics: Iterable[str]) -> dict[str, list[int]]:
    """The partitions of those of `topics` that exist, in order. Raises ServerMissing if the broker does not answer.

    A consumer without a subscription knows no topic, so those that read by themselves ask here. Names are looked for
    among all: a broker may create a topic because it was asked about it.
    """
    async with _admin(kafka) as admin:
        existing = set(await admin.list_topics())
        leaders = await _leaders(admin, [topic for topic in topics if topic in existing])
    return {topic: list(range(len(each))) for topic, each in leaders.items()}


@asynccontextmanager
async def _admin(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError) as error:
        raise ServerMissing(f"Kafka at {kafka} did not do what it was asked ({error})") from error
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, missing: Sequence[Topic], replicas: int) -> tuple[str, ...]:
    new = [NewTopic(topic.name, topic.partitions, replicas, topic_configs=topic.configs) for topic in missing]
    created: list[str] = []
    for name, code, *reason in (await admin.create_topics(new)).topic_errors:
        error = for_code(code)
        if error is TopicAlreadyExistsError:  # another process was quicker
            continue
        if code:
            raise TopicsWrong(f"Kafka did not create the topic {name}: {error.__name__} {reason[0] if reason else ''}")
        created.append(name)
    return tuple(created)


async def _until_led(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait until the new topics are known with a leader for each partition: a cluster needs a moment for that."""
    for _ in range(_LOOKS):
        if all(each and min(each) >= 0 for each in (await _leaders(admin, names)).values()):
            return
        await asyncio.sleep(_LOOK_EVERY_S)
    raise TopicsWrong(f"new topics have no leaders after {_LOOKS * _LOOK_EVERY_S:.0f} s: {', '.join(names)}")


async def _leaders(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, list[int]]:
    """Topic -> the broker that leads each of its partitions, -1 for none."""
    if not names:  # the request would mean all topics
        return {}
    described = await admin.describe_topics(names)
    return {topic["topic"]: [partition["leader"] for partition in topic["partitions"]] for topic in described}


async def _configs(admin: AIOKafkaAdminClient, name: str) -> dict[str, str]:
    """The configurations that the broker tells of one topic; none if it does not know the request or refuses it."""
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    except IncompatibleBrokerVersion:
        return {}
    resources = [resource for answer in answers for resource in answer.resources]
    return {entry[0]: entry[1] for code, _, _, _, entries in resources if code == 0 for entry in entries}
