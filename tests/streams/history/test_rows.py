"""Files of earlier holders: what is read of them, and each mistake with its line, field and value."""

from __future__ import annotations

import json

import pytest

from schemas.alerts import Scope
from schemas.history import Imported, Provenance, decode_imported, encode_imported
from streams.history.importing import plan
from streams.history.rows import FIELDS, Parsed, parse
from streams.tally.windows import HOUR_MS, SHANGHAI

HEAD = ",".join(FIELDS)
#: 2025-11-11 20:00 in Shanghai
EIGHT_MS = 1_762_862_400_000
NOW_MS = EIGHT_MS + 100 * HOUR_MS
ORIGIN = Provenance("old.csv", "ab" * 32, 0, "wu", NOW_MS)


def read(*lines: str, head: str = HEAD) -> Parsed:
    return parse("\n".join([head, *lines]), "old.csv", ORIGIN, SHANGHAI, NOW_MS)


def test_an_hour_and_a_session_of_csv() -> None:
    parsed = read(
        "hour,cluster,caoxian-hanfu,2025-11-11T20:00,,,2500000000,",
        f"session,anchor,anchor-17,{EIGHT_MS},2025-11-12T03:00+08:00,s-9,300,-0".replace("-0", "250"),
        "hour,platform,,2025-11-11 20:00,,,7,",
    )
    assert parsed.mistakes == []
    hour, session, platform = parsed.rows
    assert (hour.scope, hour.id) == (Scope("cluster", "caoxian-hanfu"), "2025-11-11T20")
    assert (hour.start_ms, hour.end_ms, hour.gmv_fen, hour.net_fen) == (
        EIGHT_MS,
        EIGHT_MS + HOUR_MS,
        2_500_000_000,
        None,
    )
    assert (session.id, session.end_ms, session.gmv_fen, session.net_fen) == ("s-9", EIGHT_MS + 7 * HOUR_MS, 300, 250)
    assert [row.origin.line for row in parsed.rows] == [2, 3, 4]
    assert platform.scope == Scope("platform", "all")


def test_json_lines_say_the_same() -> None:
    fields = {"kind": "hour", "dimension": "anchor", "id": "a", "start": EIGHT_MS, "gmv_fen": 5, "net_fen": None}
    parsed = parse(f"{json.dumps(fields)}\n\n", "old.jsonl", ORIGIN, SHANGHAI, NOW_MS)
    assert parsed.mistakes == []
    assert parsed.rows[0].says == read(f"hour,anchor,a,{EIGHT_MS},,,5,").rows[0].says


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("day,anchor,a,2025-11-11T20:00,,,5,", "kind='day': valid are hour, session"),
        (
            "hour,merchant,a,2025-11-11T20:00,,,5,",
            "dimension='merchant': valid are anchor, category, cluster, platform",
        ),
        ("hour,anchor,,2025-11-11T20:00,,,5,", "id: it is missing"),
        ("hour,anchor,(none),2025-11-11T20:00,,,5,", "id='(none)': valid are 1 to 128 characters, and not (none)"),
        ("hour,platform,x,2025-11-11T20:00,,,5,", "id='x': the platform's id is 'all'"),
        ("hour,anchor,a,2025-11-11T20:30,,,5,", "start='2025-11-11T20:30': an hour begins at a full hour"),
        ("hour,anchor,a,2025-11-11T20:00,2025-11-11T22:00,,5,", "start='2025-11-11T20:00': an hour begins"),
        (
            "hour,anchor,a,yesterday,,,5,",
            "start='yesterday': valid are 2025-12-31T20:00 (in Asia/Shanghai) and epoch ms",
        ),
        ("hour,anchor,a,1762862400,,,5,", "start='1762862400': it lies before 2015, or is not in milliseconds"),
        ("hour,anchor,a,2026-11-11T20:00,,,5,", "end='2026-11-11T20:00': what has not ended is no history yet"),
        ("hour,anchor,a,2025-11-11T20:00,,,5.5,", "gmv_fen='5.5': valid is a whole number of fen from 0 to"),
        ("hour,anchor,a,2025-11-11T20:00,,,-5,", "gmv_fen='-5': valid is"),
        ("hour,anchor,a,2025-11-11T20:00,,,,", "gmv_fen: it is missing"),
        ("hour,anchor,a,2025-11-11T20:00,,,5,5", "net_fen=5: hours are ranked by gross alone"),
        ("session,anchor,a,2025-11-11T20:00,,s,5,", "end: it is missing"),
        ("session,anchor,a,2025-11-11T20:00,2025-11-11T19:00,s,5,", "end='2025-11-11T19:00': it ends before it begins"),
        ("session,anchor,a,2025-11-11T20:00,2025-11-11T21:00,,5,", "session_id: it is missing"),
        ("session,anchor,a,2025-11-11T20:00,2025-11-11T21:00,s,5,6", "net_fen=6: it is at most gmv_fen, 5"),
        ("hour,anchor,a,2025-11-11T20:00,,,5,,9", "(more)=['9']: there is no such field"),
    ],
)
def test_a_mistake_names_line_field_and_value(line: str, said: str) -> None:
    parsed = read("hour,anchor,good,2025-11-11T20:00,,,5,", line)
    assert len(parsed.mistakes) == 1
    assert parsed.mistakes[0].startswith(f"old.csv:3: {said}")


@pytest.mark.parametrize(
    ("line", "said"), [("{", "this is no JSON ("), ('{"gmv": 5}', "gmv=5: there is no such field")]
)
def test_mistakes_of_json(line: str, said: str) -> None:
    good = json.dumps({"kind": "hour", "dimension": "anchor", "id": "a", "start": EIGHT_MS, "gmv_fen": 5})
    parsed = parse(f"{good}\n{line}\n", "old.jsonl", ORIGIN, SHANGHAI, NOW_MS)
    assert [each.startswith(f"old.jsonl:2: {said}") for each in parsed.mistakes] == [True]


def test_a_column_that_is_unknown_is_said_of_each_line() -> None:
    assert read("5", head="gmv").mistakes[0].startswith("old.csv:2: gmv='5': there is no such field (valid: kind, ")


def test_the_same_row_twice_is_one_and_another_value_is_a_mistake() -> None:
    same = "hour,anchor,a,2025-11-11T20:00,,,5,"
    parsed = read(same, same)
    assert (len(parsed.rows), parsed.repeated, parsed.mistakes) == (1, 1, [])
    assert read(same, same.replace("5,", "6,")).mistakes == ["old.csv:3: gmv_fen=6: line 2 says 5 of the same"]


def test_what_is_in_already_is_known_and_contradictions_name_where_it_came_from() -> None:
    rows = read("hour,anchor,a,2025-11-11T20:00,,,5,", "hour,anchor,b,2025-11-11T20:00,,,5,").rows
    assert plan(rows, {}, "new.csv").add == rows
    there = {rows[0].key: rows[0]}
    assert plan(rows, there, "new.csv")[:2] == (rows[1:], 1)
    [other] = read("hour,anchor,a,2025-11-11T20:00,,,6,").rows
    [mistake] = plan([other], there, "new.csv").mistakes
    assert mistake.startswith("new.csv:2: gmv_fen=6: hour 2025-11-11T20 of anchor a stands at 5 already")
    assert "imported from old.csv:2 by wu" in mistake


def test_a_row_travels_as_it_is() -> None:
    [row] = read("session,anchor,a,2025-11-11T20:00,2025-11-11T21:00,s,5,4").rows
    assert decode_imported(encode_imported(row)) == row
    assert isinstance(row, Imported)
