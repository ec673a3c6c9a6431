"""The alerts as they stand in their topic, against those that are due."""

import pytest

from schemas.alerts import GROSS, Alert, Holder, Rule, Scope, State
from streams.lab.audit import alerts
from streams.lab.audit.alerts import alert_differences, last_revisions
from streams.lab.truth import Alert as TrueAlert

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

    async def all_revisions(kafka: str, topic: str) -> list[Alert]:
        return records

    monkeypatch.setattr(alerts, "all_revisions", all_revisions)
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
