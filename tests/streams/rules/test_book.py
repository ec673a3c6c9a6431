"""The file of rules: what it may say, every mistake named, and what it tells of alerts."""

from __future__ import annotations

import msgspec
import pytest

from schemas.alerts import GROSS, NET, Alert, Holder, Rule, Scope, State
from streams.rules.book import DEFAULT, KINDS, RulesWrong, as_toml, kind_of, parse_rules
from streams.rules.live import LiveRules, RulesRefused, read_rules

GOOD = """
[[rule]]
kind = "peak.hour"
name = "big hours"
about = "hours of clusters"
scopes = ["cluster"]
floor_yuan = 1_000

[[rule]]
kind = "milestone"
name = "millions"
about = "a session reaches a sum"
sums_yuan = [10, 5, 10]
"""


def alert(rule: Rule = Rule.PEAK_HOUR, dimension: str = "cluster", value_fen: int = 100_000, **fields: object) -> Alert:
    holder = fields.get("holder", Holder("hour", "2025-12-31T20", 0, 1))
    return Alert(
        alert_id="a", revision=1, rule=rule, state=State.CONFIRMED, scope=Scope(dimension, "x"), holder=holder,  # type: ignore[arg-type]
        metric=str(fields.get("metric", GROSS)), value_fen=value_fen, previous=None, event_time_ms=1, detected_at_ms=1,
        as_of_ms=1, reason=None, evidence=[], text="",
    )  # fmt: skip


def test_a_file_is_read_in_its_order() -> None:
    book = parse_rules(GOOD, "r.toml")
    assert [(rule.name, kind_of(rule)) for rule in book.rules] == [
        ("big hours", "peak.hour"),
        ("millions", "milestone"),
    ]
    assert book.milestones_fen == (500, 1_000)


@pytest.mark.parametrize("book", [DEFAULT, parse_rules(GOOD, "r.toml")], ids=["default", "file"])
def test_rules_are_shown_as_a_file_that_says_the_same(book: object) -> None:
    assert parse_rules(as_toml(book), "shown") == book  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_the_kinds_are_those_of_alerts(kind: str) -> None:
    assert kind in set(Rule)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'kind = "peak.hour"',
            'kind = "peak"',
            "rule 1 (big hours): kind = 'peak': there is no such kind (valid: peak.hour",
        ),
        ('kind = "peak.hour"\n', "", "rule 1 (big hours): kind = None: there is no such kind"),
        (
            'name = "big hours"\n',
            "",
            "rule 1 (without name): name: it is missing (valid: kind, scopes, floor_yuan, name, about)",
        ),
        ('name = "big hours"', 'name = ""', "rule 1 (): name = '': Expected `str` of length >= 1"),
        ('name = "millions"', 'name = "big hours"', "rule 2 (big hours): name = 'big hours': another rule has it"),
        (
            '["cluster"]',
            '["town"]',
            "rule 1 (big hours): scopes = ['town']: Invalid enum value 'town' (valid: platform, ",
        ),
        ('["cluster"]', "[]", "rule 1 (big hours): scopes = []: Expected `array` of length >= 1"),
        ("1_000", "-1", "rule 1 (big hours): floor_yuan = -1: Expected `int` >= 0"),
        ("1_000", '"much"', "rule 1 (big hours): floor_yuan = 'much': Expected `int`, got `str`"),
        ("floor_yuan", "floor", "rule 1 (big hours): floor = 1000: there is no such key (valid: kind, "),
        ("[10, 5, 10]", "[0]", "rule 2 (millions): sums_yuan = [0]: Expected `int` >= 1"),
        ("[10, 5, 10]", "[", "this is no TOML: "),
    ],
)
def test_a_mistake_names_file_rule_key_and_value(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(RulesWrong) as refused:
        parse_rules(GOOD.replace(old, new), "r.toml")
    assert str(refused.value).startswith(f"r.toml: {said}"), refused.value


def test_all_mistakes_are_said_at_once() -> None:
    with pytest.raises(RulesWrong) as refused:
        parse_rules(GOOD.replace("1_000", "-1").replace("[10, 5, 10]", "[0]") + "\n[other]\n", "r.toml")
    assert len(str(refused.value).splitlines()) == 3
    with pytest.raises(RulesWrong, match=r"r.toml: rule: no rules \(valid: one \[\[rule\]\] or more\)"):
        parse_rules("", "r.toml")


@pytest.mark.parametrize(
    ("of", "names"),
    [
        (alert(), ["big hours"]),
        (alert(value_fen=99_999), []),
        (alert(dimension="anchor"), []),
        (alert(rule=Rule.PEAK_ROLLING), []),
        (alert(rule=Rule.MILESTONE, dimension="session", holder=Holder("sum", "s/7/500", 0, None)), ["millions"]),
        (alert(rule=Rule.MILESTONE, dimension="session", holder=Holder("sum", "s/7/501", 0, None)), []),
    ],
)
def test_who_is_told_of_what(of: Alert, names: list[str]) -> None:
    assert parse_rules(GOOD, "r.toml").telling(of) == names


@pytest.mark.parametrize(("metric", "names"), [(NET, ["n"]), (GROSS, [])])
def test_who_heard_of_a_record_hears_that_refunds_took_it_below_the_floor(metric: str, names: list[str]) -> None:
    book = parse_rules('[[rule]]\nkind = "record.session"\nname = "n"\nabout = "a"\nfloor_yuan = 10\n', "r.toml")
    record = alert(rule=Rule.RECORD_SESSION, metric=metric, value_fen=999)
    assert book.telling(record) == []
    assert book.telling(msgspec.structs.replace(record, state=State.RETRACTED)) == names


def test_the_built_in_rules_tell_of_everything_that_is_detected_without_a_file() -> None:
    assert DEFAULT.telling(alert(value_fen=1)) == ["peak hours"]
    assert DEFAULT.telling(alert(rule=Rule.PEAK_ROLLING, value_fen=1)) == ["rolling peaks"]
    net = alert(rule=Rule.RECORD_SESSION, dimension="merchant", metric=NET, value_fen=0)
    assert DEFAULT.telling(net) == ["record sessions"]
    assert DEFAULT.milestones_fen == ()


def test_a_record_by_a_metric_that_is_not_asked_for_is_not_told() -> None:
    file = '[[rule]]\nkind = "record.session"\nname = "n"\nabout = "a"\nmetrics = ["gmv.paid.net.v1"]\n'
    book = parse_rules(file, "r.toml")
    assert book.telling(alert(rule=Rule.RECORD_SESSION, metric=NET)) == ["n"]
    assert book.telling(alert(rule=Rule.RECORD_SESSION, metric=GROSS)) == []


def test_a_reload_takes_a_right_file_and_leaves_a_wrong_one(tmp_path, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "r.toml"
    file.write_text(GOOD)
    rules = LiveRules(str(file))
    file.write_text(GOOD.replace("[10, 5, 10]", "[7]"))
    assert rules.milestones_fen() == (500, 1_000)
    rules.reload()
    assert rules.milestones_fen() == (700,)
    file.write_text(GOOD.replace("[10, 5, 10]", "[0]"))
    rules.reload()
    assert rules.milestones_fen() == (700,)
    assert "the rules stay as they were" in caplog.text
    assert "sums_yuan = [0]" in caplog.text


def test_a_file_that_is_not_there_is_said(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RulesRefused, match=r"none.toml can not be read: .*valid: a file of TOML"):
        read_rules(str(tmp_path / "none.toml"))
    assert read_rules("") is DEFAULT
