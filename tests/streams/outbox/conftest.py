"""A broker for the publisher's tests, and facts as the ranking script writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import msgspec
import pytest

from streams.lab.servers import Broker
from streams.marks.facts import Fact, PreviousFact
from streams.settings import Settings
from streams.topic_admin import ensure_topics, wanted_topics
from streams.topics import Topics


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker's process, ended with the run."""
    server = Broker(tmp_path_factory.mktemp("broker"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def topic(broker: Broker) -> str:
    """A topic of alerts of its own."""
    settings = Settings(kafka=broker.address, topic_prefix=f"t{uuid4().hex[:12]}-")
    alerts = Topics(settings.topic_prefix).alerts
    await ensure_topics(settings, [each for each in wanted_topics(settings) if each.name == alerts])
    return alerts


@pytest.fixture
def fact() -> Callable[..., Fact]:
    """Makes facts: a confirmed record session, but for what is given."""

    def make(**fields: object) -> Fact:
        base = Fact(
            rule="record.session",
            metric="gmv.paid.gross.v1",
            dimension="category",
            scope_id="womens-wear",
            kind="session",
            holder="session-0042",
            start_ms=1_767_182_400_000,
            end_ms=1_767_211_200_000,
            value=10_750_000_000,
            previous=PreviousFact("session-0007", 1_767_000_000_000, 9_000_000_000, None),
            state="confirmed",
            revision=2,
            event_time_ms=1_767_211_200_000,
            detected_at_ms=1_767_211_321_000,
            as_of_ms=1_767_211_320_000,
            evidence='{"orders":[[0,3,99],[2,0,7]]}',
        )
        return msgspec.structs.replace(base, **fields)

    return make
