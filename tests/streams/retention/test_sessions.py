"""Sessions of which nothing is heard any more, and what rankings keep of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from streams.tally.windows import HOUR_MS
from tests.streams.retention.mill import Mill, t

GROSS, NET = "gmv.paid.gross.v1", "gmv.paid.net.v1"


async def show(mill: Mill, day: int, fen: int, session_id: str | None = None) -> str:
    """A session of one order."""
    session_id = session_id or f"session-{day:04d}"
    await mill.session("started", t(day, 20), session_id)
    await mill.paid(t(day, 20.5), fen, session_id=session_id)
    await mill.session("ended", t(day, 21), session_id)
    return session_id


async def of_session(mill: Mill, session_id: str) -> list[str]:
    return [name for name in await mill.names() if name.endswith(f":{session_id}")]


async def holders(mill: Mill, metric: str = GROSS, dimension: str = "platform", id: str = "all") -> set[str]:
    """Whom a ranking remembers, open or closed."""
    names = set()
    for keys in mill.keys:
        fields = await mill.redis.hkeys(keys.ranking("record.session", metric, dimension, id))
        names |= {field.decode()[2:] for field in fields if field.startswith(b"h:")}
    return {name for name in names if not name.startswith("session-at-")}


# -- its keys ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("at_ms", "stays"), [(t(402) - 1, True), (t(402), False)])
async def test_a_session_goes_whole_after_400_days_and_one_more(mill: Mill, at_ms: int, stays: bool) -> None:
    session_id = await show(mill, 0, 5)
    await mill.moves_on(t(30))
    everything = await of_session(mill, session_id)
    assert {name.split(":")[0] for name in everything} >= {"session", "hours", "buyers", "placed", "ranking"}
    await mill.moves_on(at_ms)
    await mill.purge()
    left = [name for name in everything if not name.startswith("minutes:")]
    assert await of_session(mill, session_id) == (left if stays else [])
    assert await mill.differences() == []


async def test_a_late_sign_of_life_keeps_it(mill: Mill) -> None:
    session_id = await show(mill, 0, 5)
    await mill.paid(t(2, 1), 5, session_id=session_id)
    await mill.moves_on(t(403, 23))
    await mill.purge()
    assert await mill.redis.exists(mill.keys[0].session(session_id))
    await mill.moves_on(t(404))
    await mill.purge()
    assert await of_session(mill, session_id) == []


async def test_an_hour_that_is_kept_keeps_it(mill: Mill) -> None:
    """A refund says nothing about the session's life, but it is booked in a day that is still kept."""
    session_id = await show(mill, 0, 5)
    await mill.refunded(t(30), t(0, 20.5), 5, session_id=session_id)
    await mill.moves_on(t(431))
    await mill.purge()
    assert await mill.redis.exists(mill.keys[0].session_hours(session_id))
    assert await mill.differences() == []
    await mill.moves_on(t(432))
    await mill.purge()
    assert await of_session(mill, session_id) == []
    assert await mill.differences() == []


async def test_one_that_waits_to_be_read_is_kept(mill: Mill) -> None:
    session_id = await show(mill, 0, 5)
    await mill.moves_on(t(500))
    await mill.redis.zadd(mill.keys[0].changed("records"), {f"session|{session_id}": 1})
    before = await of_session(mill, session_id)
    await mill.purge()
    assert await of_session(mill, session_id) == [name for name in before if not name.startswith("minutes:")]


@pytest.mark.parametrize("news", ["mark", "sign of life"])
async def test_one_that_is_heard_of_at_the_last_moment_is_kept(
    mill: Mill, news: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await show(mill, 0, 5)
    await mill.moves_on(t(500))
    keys = mill.keys[0]

    async def hear_of_it(*_: object) -> None:
        if news == "mark":
            await mill.redis.zadd(keys.changed("records"), {f"session|{session_id}": 1})
        else:
            await mill.redis.hset(keys.session(session_id), "last_ms", t(499))

    monkeypatch.setattr("streams.retention.sessions.SessionForgetter._leave_rankings", hear_of_it)
    before = await of_session(mill, session_id)
    await mill.purge()
    assert await of_session(mill, session_id) == [name for name in before if not name.startswith("minutes:")]


async def test_one_that_was_never_declared_goes_too(mill: Mill) -> None:
    await mill.paid(t(0), 5, session_id="undeclared")
    await mill.created(t(0), session_id="unpaid")
    await mill.moves_on(t(500))
    await mill.purge()
    assert await of_session(mill, "undeclared") == []
    assert await of_session(mill, "unpaid") == []


async def test_one_that_is_heard_of_again_starts_anew(mill: Mill) -> None:
    session_id = await show(mill, 0, 5)
    await mill.moves_on(t(500))
    await mill.purge()
    await mill.paid(t(500, 1), 7, session_id=session_id)
    await mill.moves_on(t(501))
    await mill.purge()
    assert await mill.redis.hgetall(mill.keys[0].session_hours(session_id))
    assert await mill.differences() == []


# -- rankings ----------------------------------------------------------------------------------
async def many(mill: Mill) -> list[str]:
    """Twenty sessions: the third is a record, the last but one is the next; sixteen count as the first."""
    values = [10, 11, 90, *range(20, 36), 95, 40]
    return [await show(mill, day, fen) for day, fen in enumerate(values)]


async def test_rankings_keep_records_and_the_first_holders(mill: Mill) -> None:
    ids = await many(mill)
    await mill.moves_on(t(60))
    await mill.purge()
    assert await holders(mill) == set(ids)
    await mill.moves_on(t(500))
    await mill.purge()
    kept = {*ids[:16], ids[19]}
    for metric in (GROSS, NET):
        for dimension, id in (("platform", "all"), ("anchor", "anchor-0001"), ("merchant", "merchant-0001")):
            assert await holders(mill, metric, dimension, id) == kept
    closed = await mill.redis.zrange(mill.keys[0].ranking_closed("record.session", GROSS, "platform", "all"), 0, -1)
    assert {each.decode()[16:] for each in closed if b"session-at-" not in each} == kept


async def test_one_that_waits_to_be_read_stays_in_rankings(mill: Mill) -> None:
    ids = await many(mill)
    await mill.moves_on(t(500))
    await mill.redis.zadd(mill.keys[0].changed("records"), {f"session|{ids[17]}": 1})
    await mill.purge()
    assert await holders(mill) == {*ids[:16], ids[17], ids[19]}


async def test_later_sessions_are_judged_by_what_is_gone_as_before(mill: Mill) -> None:
    await many(mill)
    await mill.moves_on(t(500))
    await mill.purge()
    below, above = await show(mill, 501, 95), await show(mill, 502, 96)
    await mill.moves_on(t(505))
    ranking = mill.keys[0].ranking("record.session", GROSS, "platform", "all")
    assert not await mill.redis.hexists(ranking, f"a:{below}")
    assert b"confirmed" in await mill.redis.hget(ranking, f"a:{above}")
    assert {alert.holder for alert in mill.truth().alerts if alert.metric == GROSS and alert.scope_id == "all"} >= {
        above
    }


async def test_rankings_in_other_shards_forget_too(mill_of: Callable[[int], Awaitable[Mill]]) -> None:
    mill = await mill_of(4)
    ids = await many(mill)
    await mill.moves_on(t(60))
    assert await holders(mill) == set(ids)
    await mill.moves_on(t(500))
    await mill.purge()
    assert await holders(mill) == {*ids[:16], ids[19]}
    assert await mill.differences() == []


async def test_a_session_is_not_withdrawn_by_being_forgotten(mill: Mill) -> None:
    """An order long after: without the session nobody knows its scopes, and its record stands."""
    ids = await many(mill)
    await mill.moves_on(t(500))
    await mill.purge()
    await mill.paid(t(500) + HOUR_MS, 7, session_id=ids[2])
    await mill.moves_on(t(501))
    ranking = mill.keys[0].ranking("record.session", GROSS, "platform", "all")
    assert b"confirmed" in await mill.redis.hget(ranking, f"a:{ids[19]}")
    assert int(await mill.redis.hget(ranking, "top")) == 95
