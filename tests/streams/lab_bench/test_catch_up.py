"""Catching up: how far behind, which alerts are old news, and that everything was counted."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from streams.cli.main import main
from streams.lab.bench.backlog import Span
from streams.lab.bench.catch_up.backlog import PROBES, parts
from streams.lab.bench.catch_up.lag import GRACE_S, Arrived
from streams.lab.bench.catch_up.render import plot, table
from streams.lab.bench.catch_up.report import Alerts, CatchUpReport, CaughtUp, LagSample, alerts_of
from streams.lab.bench.live import probes
from streams.lab.bench.live.tasks import SeenAlert
from streams.settings import Settings
from streams.tally.windows import HOUR_MS


# -- the backlog ---------------------------------------------------------------------------------
def test_the_parts_of_a_backlog_follow_one_another() -> None:
    found = [part.span for part in parts(1_003, 0, 60_000)]
    assert len(found) == PROBES and sum(span.events for span in found) == 1_003
    assert [span.first for span in found[1:]] == [span.first + span.events for span in found[:-1]]
    assert (found[0].from_ms, found[-1].until_ms) == (0, 60_000)
    assert [span.from_ms for span in found[1:]] == [span.until_ms for span in found[:-1]]


def test_events_arrive_evenly_over_their_span() -> None:
    span = Span(first=100, events=4, from_ms=1_000, until_ms=3_000)
    assert list(span.arrivals(range(100, 104))) == [(100, 1_000), (101, 1_500), (102, 2_000), (103, 2_500)]


@pytest.mark.parametrize(
    ("events", "minutes", "at_once"), [(1_000_000, 1, 10_000), (1_000, 10, 50), (1, 600, 1), (1_000, 0.1, 5_000)]
)
def test_no_partition_is_far_ahead_of_another_while_filling(events: int, minutes: float, at_once: int) -> None:
    assert Span(0, events, 0, int(minutes * 60_000)).at_once == at_once


# -- the lag -------------------------------------------------------------------------------------
def arrived() -> Arrived:
    found = Arrived(1_000)
    found.note(10.0, 50)
    found.note(11.0, 90)
    return found


@pytest.mark.parametrize(
    ("at_s", "records"), [(9.9, 1_000), (10.0, 1_050), (10.9, 1_050), (11.0, 1_090), (99.0, 1_090)]
)
def test_how_much_there_was_at_a_time(at_s: float, records: int) -> None:
    assert arrived().by(at_s) == records


@pytest.mark.parametrize(("settled", "lag"), [(1_000, 50), (1_050, 0), (1_060, 0)])
def test_what_arrived_a_moment_ago_does_not_lag(settled: int, lag: int) -> None:
    assert arrived().lag(settled, 11.0 + GRACE_S / 2) == lag


# -- alerts --------------------------------------------------------------------------------------
def alert(event_time_ms: int | None, detected_ms: int, state: str = "provisional", number: int = 0) -> SeenAlert:
    anchor = probes.anchor_of(number)
    return SeenAlert("peak.hour", probes.METRIC, state, probes.DIMENSION, anchor, event_time_ms, detected_ms, 0, 0.0)


@pytest.mark.parametrize(("age_ms", "old"), [(HOUR_MS - 1, 0), (HOUR_MS, 0), (HOUR_MS + 1, 1)])
def test_old_news_is_more_than_an_hour_old_when_it_is_detected(age_ms: int, old: int) -> None:
    assert alerts_of([alert(1_000, 1_000 + age_ms)], 0).old == old


def test_old_news_by_state_and_what_is_due() -> None:
    late = 10 * HOUR_MS
    seen = [alert(0, late), alert(0, late, "confirmed"), alert(0, late), alert(None, late), alert(late, late, number=1)]
    found = alerts_of(seen, probes_sent=2)
    assert found == Alerts(5, {"confirmed": 1, "provisional": 2}, undated=1, probes_due=4, probes_told=2)


# -- the report ----------------------------------------------------------------------------------
ACCOUNTS = {"consumed": 1_200, "counted": 1_200, "resends": 0, "rejected": 0}


def report() -> CatchUpReport:
    machine = {"cpu": "Some CPU", "cores": 2, "system": "Linux", "python": "CPython 3.11", "load_average": 0.1}
    done = CaughtUp(3.0, 4.0, 1_000, [LagSample(0.0, 900), LagSample(4.0, 0)], {"worker": 0.05}, 80.0)
    alerts = Alerts(7, {"confirmed": 2}, 0, probes_due=40, probes_told=40)
    return CatchUpReport(machine, "2026-01-01", Settings(), 1_000, 6.0, 100.0, 200, ACCOUNTS, alerts, done)


def test_it_is_right_if_all_was_counted_and_told() -> None:
    whole = report()
    assert whole.is_right
    assert not replace(whole, accounts={**ACCOUNTS, "counted": 1_199}).is_right
    assert not replace(whole, live_sent=201).is_right
    assert not replace(whole, alerts=replace(whole.alerts, probes_told=39)).is_right


def test_the_figures_by_name_and_for_people() -> None:
    document = json.loads(json.dumps(report().as_json()))
    assert (document["seconds_to_zero_lag"], document["events_per_s"], document["right"]) == (4.0, 250.0, True)
    assert document["cpu_us_per_event"] == {"worker": 50.0} and document["lag"] == [[0.0, 900], [4.0, 0]]
    assert document["alerts"]["old_news"] == 2
    text = "\n".join(table(report()))
    assert "consumed 1,200 = counted 1,200 + resends 0 + rejected 0" in text
    assert "7 revisions; 40 of 40 that are known to be due came" in text and "(2 confirmed)" in text


def test_the_plot_is_the_lag() -> None:
    (line,) = ElementTree.fromstring(plot(report())).findall("{http://www.w3.org/2000/svg}polyline")
    assert len(line.attrib["points"].split()) == 2


# -- the command ---------------------------------------------------------------------------------
def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "catch-up", "--hours", "0"])
    assert ended.value.code == 2
    assert "'0' is not a number above 0" in capsys.readouterr().err


@pytest.mark.servers
def test_a_short_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["bench", "catch-up", "--backlog", "3k", "--hours", "3", "--live", "50", "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    document = json.loads(out)
    assert document["right"] and document["seconds_to_zero_lag"] > 0
    assert document["accounts"]["consumed"] == document["backlog_events"] + document["live_events"]
    assert document["alerts"]["told"] == document["alerts"]["due"] == 2 * PROBES
    # the first of three hours is old news for sure
    assert document["alerts"]["old_news"] > 5 and document["lag"][-1][1] == 0
