"""Random acts: the script tells what its twin tells, and ends in the final set as the contract defines it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.marks.acts import Act, Close, Holder, Raise, Ranking, Terms, Withdraw

LATENESS_MS = 2
#: a watermark that closes everything
END_MS = 1_000
IDS = ("a", "B", "é", "c|d", "", "ab")
GROUPS = count()

quickly = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# few values, few instants: ties and edges must be common
ids = st.sampled_from(IDS)
values = st.integers(-2, 6)
instants = st.integers(0, 12)
# mostly one that leaves half of them open
watermarks = st.one_of(st.just(7), st.just(7), st.just(7), st.integers(0, 14))
versions = st.integers(1, 6)
terms = st.builds(Terms, st.just(LATENESS_MS), st.sampled_from([0, 1, 3]))


def session_acts(ranking: Ranking) -> st.SearchStrategy[Act]:
    """Acts on a ranking of records: ends move, values fall, old readings come, scopes change."""
    raises = st.builds(
        lambda id, end, declared, value, version, refunds: Raise(
            ranking, Holder(id, end, 0, end if declared else None, end), value, f"e{value}v{version}", version,
            max(0, value) + refunds,
        ),
        ids, instants, st.booleans(), values, versions, st.integers(0, 1),
    )  # fmt: skip
    closes = st.builds(lambda id, end: Close(ranking, id, end), ids, instants)
    withdrawals = st.builds(lambda id, version: Withdraw(ranking, id, version), ids, versions)
    return st.one_of(raises, raises, raises, closes, withdrawals)


def hour_acts(ranking: Ranking) -> st.SearchStrategy[Act]:
    """Acts on a ranking of hours or spans: a holder's window is what it is, values are read old and new."""
    raises = st.builds(
        lambda number, start, value, version: Raise(
            ranking, Holder(IDS[number], number, start, start + 1, number + 1), value, f"e{value}s{start}", version
        ),
        st.integers(0, len(IDS) - 1), st.integers(0, 2), values, versions,
    )  # fmt: skip
    closes = st.builds(lambda number: Close(ranking, IDS[number], number + 1), st.integers(0, len(IDS) - 1))
    return st.one_of(raises, raises, closes)


def steps(acts: st.SearchStrategy[Act]) -> st.SearchStrategy[list[tuple[list[Act], int]]]:
    """Calls: a batch of acts and the watermark that they come with."""
    return st.lists(st.tuples(st.lists(acts, min_size=1, max_size=6), watermarks), min_size=6, max_size=16)


async def _same(script, twin, calls: Iterable[tuple[list[Act], int]]) -> None:
    for acts, watermark_ms in calls:
        assert await script.act(*acts, watermark_ms=watermark_ms) == await twin.act(*acts, watermark_ms=watermark_ms)
        again = await script.act(*acts[-1:], watermark_ms=watermark_ms)
        assert again == [], "repeating an act tells something"
    assert await script.alerts() == await twin.alerts()
    open_holders, due = await script.open_and_due()
    standings = twin.twin.standings.values()
    assert open_holders == {each.holder.id for each in standings if not each.closed and not each.withdrawn}
    assert len(due) == len(open_holders)


@quickly
@given(data=st.data(), terms=terms)
async def test_script_and_twin_tell_the_same_of_sessions(
    script_ranking: Callable, twin_ranking: Callable, record: Ranking, data: st.DataObject, terms: Terms
) -> None:
    calls = data.draw(steps(session_acts(record)))
    await _same(script_ranking(f"g{next(GROUPS)}", record, terms), twin_ranking(record, terms), calls)


@quickly
@given(data=st.data(), terms=terms)
async def test_script_and_twin_tell_the_same_of_hours(
    script_ranking: Callable, twin_ranking: Callable, peak: Ranking, data: st.DataObject, terms: Terms
) -> None:
    calls = data.draw(steps(hour_acts(peak)))
    await _same(script_ranking(f"g{next(GROUPS)}", peak, terms), twin_ranking(peak, terms), calls)


# -- the final set -----------------------------------------------------------------------------
def final_set(holders: Iterable[tuple[int, str, int, int]], min_history: int) -> set[str]:
    """The definition: strictly above all earlier ones, enough of which have GMV. (order, id, value, GMV) each."""
    winners = set()
    for order, id, value, _ in holders:
        earlier = [other for other in holders if (other[0], other[1].encode()) < (order, id.encode())]
        history = [other for other in earlier if other[3] > 0]
        if value > max((other[2] for other in earlier), default=0) and value > 0 and len(history) >= min_history:
            winners.add(id)
    return winners


@quickly
@given(data=st.data(), terms=terms)
async def test_sessions_end_in_the_final_set(
    script_ranking: Callable, record: Ranking, data: st.DataObject, terms: Terms
) -> None:
    calls = data.draw(steps(session_acts(record)))
    last = data.draw(
        st.permutations(
            [
                (id, data.draw(instants), data.draw(values), data.draw(st.integers(0, 1)), data.draw(st.booleans()))
                for id in IDS
            ]
        )
    )
    script = script_ranking(f"g{next(GROUPS)}", record, terms)
    for acts, watermark_ms in calls:
        await script.act(*acts, watermark_ms=watermark_ms)
    for id, end, value, refunds, here in last:
        raised = Raise(record, Holder(id, end, 0, end, end), value, "", 9, max(0, value) + refunds)
        await script.act(raised if here else Withdraw(record, id, 9), watermark_ms=0)
    await script.act(*(Close(record, id, end) for id, end, *_ in last), watermark_ms=END_MS)
    here = [(end, id, value, max(0, value) + refunds) for id, end, value, refunds, here in last if here]
    assert await script.final_set() == final_set(here, terms.min_history)


@quickly
@given(data=st.data(), terms=terms)
async def test_hours_end_in_the_final_set(
    script_ranking: Callable, peak: Ranking, data: st.DataObject, terms: Terms
) -> None:
    calls = data.draw(steps(hour_acts(peak)))
    script = script_ranking(f"g{next(GROUPS)}", peak, terms)
    best: dict[int, int] = {}
    for acts, watermark_ms in calls:
        await script.act(*acts, watermark_ms=watermark_ms)
        for act in acts:
            if isinstance(act, Raise):
                best[act.holder.order_ms] = max(act.value, best.get(act.holder.order_ms, 0))
    await script.act(*(Close(peak, IDS[order], order + 1) for order in best), watermark_ms=END_MS)
    assert await script.final_set() == final_set(
        [(order, IDS[order], value, value) for order, value in best.items()], terms.min_history
    )
