"""The alerts as they stand in their topic, against those that are due."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from schemas.alerts import GROSS, NET, Alert, Holder, Previous, Rule, Scope, State
from streams.lab.audit import alerts
from streams.lab.audit.alerts import alert_differences, last_revisions, restated
from streams.lab.truth import Alert as TrueAlert
from streams.lab.truth import Leader

TRUE = TrueAlert("id-1", "peak.hour", GROSS, "anchor", "a", "hour", "2025-12-31T20", 0, 1, 500, None)


def alert(revision: int = 1, state: State = State.CONFIRMED, alert_id: str = "id-1", as_of_ms: int = 5) -> Alert:
    return Alert(
        alert_id=alert_id,
        revision=revision,
        rule=Rule.PEAK_HOUR,
        state=state,
        scope=Scope("anchor", "a"),
        holder=Holder("hour", "2025-12-31T20", 0, 1),
        metric=GROSS,
        value_fen=500,
        previous=None,
        event_time_ms=1,
        detected_at_ms=2,
        as_of_ms=as_of_ms,
        reason=None,
        evidence=[],
        text="Peak hour",
    )


# -- the last revision of each -----------------------------------------------------------------
@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> list[Alert]:
    """What stands in the topic."""
    records: list[Alert] = []

    async def revisions(kafka: str, topic: str) -> AsyncIterator[Alert]:
        for record in records:
            yield record

    monkeypatch.setattr(alerts, "revisions", revisions)
    return records


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 1, 2], [2, 3, 1]])
async def test_the_highest_revision_counts_wherever_it_stands(topic: list[Alert], order: list[int]) -> None:
    topic += [alert(revision) for revision in order]
    assert await last_revisions("kafka", "alerts") == {"id-1": alert(3)}


async def test_each_alert_for_itself(topic: list[Alert]) -> None:
    topic += [alert(2), alert(1, alert_id="id-2")]
    assert await last_revisions("kafka", "alerts") == {"id-1": alert(2), "id-2": alert(1, alert_id="id-2")}


async def test_a_repeated_revision_of_one_content_is_fine(topic: list[Alert]) -> None:
    topic += [alert(), alert()]
    assert await last_revisions("kafka", "alerts") == {"id-1": alert()}


async def test_a_revision_with_two_contents_is_refused(topic: list[Alert]) -> None:
    topic += [alert(), alert(state=State.PROVISIONAL)]
    with pytest.raises(ValueError, match="alert id-1 revision 1 stands in alerts with two contents"):
        await last_revisions("kafka", "alerts")


# -- against the truth -------------------------------------------------------------------------
@pytest.mark.parametrize("state", [State.CONFIRMED, State.REINSTATED])
def test_one_that_is_due_and_stands_is_no_difference(state: State) -> None:
    assert alert_differences({"id-1": alert(state=state)}, [TRUE], 9) == []


@pytest.mark.parametrize("state", [State.PROVISIONAL, State.RETRACTED, State.SUPERSEDED])
def test_one_that_is_due_must_stand(state: State) -> None:
    lines = alert_differences({"id-1": alert(state=state)}, [TRUE], 9)
    assert lines == [f"alert due but {state}: peak.hour {GROSS} anchor a: 2025-12-31T20 at 500"]


def test_one_that_is_due_must_be_there() -> None:
    lines = alert_differences({}, [TRUE], 9)
    assert lines == [f"alert due but missing: peak.hour {GROSS} anchor a: 2025-12-31T20 at 500"]


@pytest.mark.parametrize("state", [State.CONFIRMED, State.REINSTATED])
def test_one_that_stands_must_be_due(state: State) -> None:
    assert alert_differences({"id-1": alert(state=state)}, [], 9) == [f"alert {state} but not due: Peak hour"]


@pytest.mark.parametrize("state", [State.PROVISIONAL, State.RETRACTED, State.SUPERSEDED])
def test_one_that_does_not_stand_need_not_be_due(state: State) -> None:
    assert alert_differences({"id-1": alert(state=state)}, [], 9) == []


@pytest.mark.parametrize(("as_of_ms", "looked_at"), [(8, True), (9, True), (10, False)])
def test_one_of_a_later_watermark_is_not_looked_at(as_of_ms: int, looked_at: bool) -> None:
    assert bool(alert_differences({"id-1": alert(as_of_ms=as_of_ms)}, [], 9)) == looked_at


# -- what was told of one that stands -------------------------------------------------------------
@pytest.mark.parametrize(
    ("metric", "value_fen", "differs", "moved"),
    [(GROSS, 499, False, True), (GROSS, 500, False, False), (GROSS, 501, True, False), (NET, 501, False, True)],
)
def test_a_gross_value_may_have_grown_since_it_was_told_never_shrunk(
    metric: str, value_fen: int, differs: bool, moved: bool
) -> None:
    told = msgspec.structs.replace(alert(), value_fen=value_fen, metric=metric)
    lines = alert_differences({"id-1": told}, [TRUE], 9)
    said = f"alert peak.hour {GROSS} anchor a: 2025-12-31T20 was told at {value_fen}, should be at most 500"
    assert lines == ([said] if differs else [])
    assert restated({"id-1": told}, [TRUE]) == ([told] if moved else [])


@pytest.mark.parametrize(
    ("before", "differs", "moved"),
    [(None, False, True), (Leader("h", 399), False, True), (Leader("h", 400), False, False),
     (Leader("h", 401), True, False), (Leader("g", 400), False, True)],
)  # fmt: skip
def test_so_it_is_with_the_one_before(before: Leader | None, differs: bool, moved: bool) -> None:
    previous = before and Previous(Holder("hour", before.holder, 0, 1), before.value_fen)
    told = msgspec.structs.replace(alert(), previous=previous)
    true = TRUE._replace(previous=Leader("h", 400))
    assert bool(alert_differences({"id-1": told}, [true], 9)) == differs
    assert bool(restated({"id-1": told}, [true])) == moved


def test_what_does_not_stand_is_not_restated() -> None:
    told = msgspec.structs.replace(alert(state=State.RETRACTED), value_fen=1)
    assert restated({"id-1": told}, [TRUE]) == []
