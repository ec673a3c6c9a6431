"""The board in a terminal: what it says of a state, and that it fits."""

from pathlib import Path

import msgspec
import pytest

import schemas
from schemas.live import Snapshot
from streams.board.top import lines, plain, spark
from streams.tally.windows import SHANGHAI

STREAM = Path(schemas.__file__).parent / "examples" / "board" / "stream"


def example(name: str) -> Snapshot:
    return msgspec.json.decode((STREAM / f"{name}.json").read_bytes(), type=Snapshot)


def shown(state: Snapshot, width: int = 160) -> str:
    return plain("\n".join(lines(state, width, SHANGHAI.offset_ms)))


def test_it_shows_the_hour_against_its_water_line_the_leaders_sessions_and_alerts() -> None:
    text = shown(example("snapshot"))
    assert "as of 2024-12-31 23:57:00  1 s behind the clock" in text
    assert "hour 23:00  ¥18.75 M (1875 万)  6,105 orders  5,411 buyers" in text
    assert "best hour 2024-12-30T21: ¥21.50 M (2150 万)" in text
    assert "1 cluster-haining-fur" in text and "1 anchor-chen" in text
    assert "CHENSMCHEN 貂皮大衣专场" in text and "100 % of the platform's record" in text
    assert "channels  live 88 %   shelf 12 %" in text
    assert "Record session provisional in category womens-wear" in text


def test_before_the_first_event_it_says_what_to_do() -> None:
    text = shown(example("snapshot-before-the-first-event"))
    assert "no watermark yet" in text and "start `hightide worker`" in text


def test_what_is_old_is_said_loudly() -> None:
    state = example("snapshot")
    gone = msgspec.structs.replace(state, freshness=msgspec.structs.replace(state.freshness, store=False))
    assert "the store does not answer: what stands here is old" in shown(gone)
    late = msgspec.structs.replace(state, freshness=msgspec.structs.replace(state.freshness, behind_ms=90_000))
    assert "\x1b[31;1m90 s behind the clock" in lines(late, 160, SHANGHAI.offset_ms)[0]


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for line in shown(example("snapshot"), width).splitlines():
        assert len(line) + sum("\u2e80" <= each <= "\uffef" for each in line) <= width, line


def test_a_title_can_not_speak_to_the_terminal() -> None:
    state = example("snapshot")
    assert state.sessions is not None
    (session,) = state.sessions.top
    evil = msgspec.structs.replace(session.declared, title="\x1b]0;x\x07\x1b[2Jsale")
    top = [msgspec.structs.replace(session, declared=evil)]
    state = msgspec.structs.replace(state, sessions=msgspec.structs.replace(state.sessions, top=top))
    text = shown(state)
    assert "sale" in text and "\x1b" not in text and "\x07" not in text


def test_a_spark_is_relative_to_its_greatest_and_blank_where_nothing_is_known() -> None:
    assert spark([0, 50, 100, None]) == "▁▄█ "
    assert spark([0, 0]) == "▁▁" and spark([]) == ""
