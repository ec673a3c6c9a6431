"""The bucket keeps what S3 promises of it, and the broker on it keeps its log over kill -9."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from streams.settings import Settings
from streams.topic_admin import ensure_topics, simulated_topics
from tests.chaos.devices.bucket import Bucket
from tests.chaos.devices.durable import DurableBroker
from tests.chaos.log import read_topics
from tests.integration.by_hand import paid, send


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A bucket of the test's own."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", Bucket().answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/tansu"))


async def test_a_conditional_put_is_refused_unless_its_condition_holds(url: str) -> None:
    async with ClientSession() as client:

        async def put(body: bytes, **headers: str) -> tuple[int, str]:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            async with client.put(f"{url}/a/b", data=body, headers=names) as answer:
                return answer.status, answer.headers.get("ETag", "")

        assert (await put(b"0", If_Match='"never"'))[0] == 412
        status, first = await put(b"1", If_None_Match="*")
        assert status == 200
        assert (await put(b"2", If_None_Match="*"))[0] == 412
        status, second = await put(b"3", If_Match=first)
        assert (status, second != first) == (200, True)
        assert (await put(b"4", If_Match=first))[0] == 412
        async with client.get(f"{url}/a/b") as answer:
            assert (await answer.read(), answer.headers["ETag"]) == (b"3", second)
        async with client.get(f"{url}/a/b", headers={"If-None-Match": second}) as answer:
            assert answer.status == 304
        async with client.get(f"{url}/a/none") as answer:
            assert answer.status == 404


async def test_a_range_is_answered_in_part(url: str) -> None:
    async with ClientSession() as client:
        await client.put(f"{url}/a", data=b"0123456789")
        async with client.get(f"{url}/a", headers={"Range": "bytes=2-4"}) as answer:
            assert (answer.status, await answer.read()) == (206, b"234")
            assert answer.headers["Content-Range"] == "bytes 2-4/10"


async def test_names_are_listed_by_prefix_and_level_and_page(url: str) -> None:
    async with ClientSession() as client:
        for number in range(1_005):
            await client.put(f"{url}/log/{number:04}", data=b"")
        await client.put(f"{url}/log/deep/below", data=b"")

        async def listed(**query: str) -> str:
            async with client.get(url, params={"list-type": "2", **query}) as answer:
                return await answer.text()

        first = await listed(prefix="log/", delimiter="/")
        assert first.count("<Key>") == 1_000
        assert "<NextContinuationToken>log/0999</NextContinuationToken>" in first
        rest = await listed(**{"prefix": "log/", "delimiter": "/", "continuation-token": "log/0999"})
        assert rest.count("<Key>") == 5
        assert "<CommonPrefixes><Prefix>log/deep/</Prefix></CommonPrefixes>" in rest
        assert "below" not in rest
        assert "<IsTruncated>false</IsTruncated>" in rest
        assert (await listed(prefix="none")).count("<Key>") == 0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[DurableBroker]:
    """A running one."""
    own = DurableBroker(tmp_path)
    own.start()
    yield own
    own.stop()


@pytest.mark.servers
async def test_the_log_of_a_killed_broker_is_there_when_it_comes_back_and_goes_on(broker: DurableBroker) -> None:
    settings = Settings(kafka=broker.address, topic_prefix="x-")
    await ensure_topics(settings, simulated_topics(settings))
    await send(settings, "x-orders", 1, map(paid, range(500)))
    broker.kill()
    broker.start()
    (after,) = await send(settings, "x-orders", 1, [paid(500)])
    found = (await read_topics(broker.address, ["x-orders"]))["x-orders", 1]
    assert after.offset == 500
    assert [record.value for record in found] == [paid(number) for number in range(501)]


@pytest.mark.servers
async def test_a_topic_gets_more_partitions_and_keeps_what_it_has(broker: DurableBroker) -> None:
    settings = Settings(kafka=broker.address, topic_prefix="x-", partitions=2)
    await ensure_topics(settings, simulated_topics(settings))
    await send(settings, "x-orders", 1, [paid(0)])
    broker.add_partitions("x-orders", 3)
    (first,) = await send(settings, "x-orders", 2, [paid(1)])
    found = await read_topics(broker.address, ["x-orders"])
    assert first.offset == 0
    assert {place: [record.value for record in each] for place, each in found.items()} == {
        ("x-orders", 0): [], ("x-orders", 1): [paid(0)], ("x-orders", 2): [paid(1)],
    }  # fmt: skip
