"""`hightide rejects`: what is wrong usage, what is asked, and that nothing is sent without a yes."""

from __future__ import annotations

import builtins
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from streams.cli import main as program
from streams.cli import rejects_cmd
from streams.rejects import driving
from streams.rejects.reading import Reading
from tests.streams.rejects.making import reject

PLACES = {"t.orders": {0, 1}}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a prefix, and a topic with two rejects."""
    monkeypatch.setenv("HIGHTIDE_TOPIC_PREFIX", "t.")

    async def read(*arguments: Any) -> Reading:
        return Reading({b"7": reject(7), b"8": reject(8)}, read=2, partitions=dict(PLACES))

    monkeypatch.setattr(rejects_cmd, "_read", read)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The offsets that were driven."""
    offsets: list[int] = []

    class FakeDriver:
        driven = 0

        def __init__(self, kafka: str) -> None:
            pass

        async def drive(self, records: list[Any], on_progress: Any) -> None:
            for each in records:
                offsets.append(each.offset)
                self.driven += 1

    monkeypatch.setattr(driving, "Driver", FakeDriver)
    return offsets


def terminal(monkeypatch: pytest.MonkeyPatch, answer: str | None) -> None:
    """Somebody sits there and answers; None: they press Ctrl-D."""

    def say(prompt: str) -> str:
        assert prompt == "Drive 2 records again? [y/N] "
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(builtins, "input", say)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["list", "--reason", "bad"], "'bad' is no reason; there are not_json, too_large"),
        (["list", "--topic", "alerts"], "'alerts' is no topic whose records are refused; there are t.orders and"),
        (["list", "--offset", "9-7"], "'9-7' ends before it begins"),
        (["list", "--since", "yesterday"], "'yesterday' is no time"),
        (["list", "--limit", "-1"], "is not a whole number"),
        (["list", "--unmasked"], "--unmasked goes with --json"),
        (["redrive", "--yes"], "say which: --reason"),
        (["redrive", "--all"], "there is no terminal to ask at"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_right(
    words: list[str], why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sent: list[int]
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(SystemExit) as ended:
        program.main(["rejects", *words])
    assert ended.value.code == 2
    assert why in capsys.readouterr().err
    assert sent == []


@pytest.mark.parametrize("name", ["orders", "t.orders"])
def test_a_topic_may_be_given_without_its_prefix(name: str, sent: list[int]) -> None:
    assert program.main(["rejects", "redrive", "--topic", name, "--yes"]) == 0
    assert sent == [7, 8]


@pytest.mark.parametrize(
    ("answer", "driven"), [("y", [7, 8]), (" YES ", [7, 8]), ("n", []), ("", []), ("yess", []), (None, [])]
)
def test_a_person_is_asked_and_only_a_yes_sends(
    answer: str | None,
    driven: list[int],
    monkeypatch: pytest.MonkeyPatch,
    sent: list[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal(monkeypatch, answer)
    assert program.main(["rejects", "redrive", "--all"]) == 0
    assert sent == driven
    assert f"driven {len(driven)} of 2 records" in capsys.readouterr().out


def test_a_dry_run_asks_nobody_and_sends_nothing(sent: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["rejects", "redrive", "--all", "--dry-run"]) == 0
    assert sent == []
    assert capsys.readouterr().out == "  2 currency\n  2 t.orders/1\ndry run: 2 records would be driven\n"


def test_a_stop_half_way_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        driven = 1

        def __init__(self, kafka: str) -> None:
            pass

        async def drive(self, *arguments: Any) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(driving, "Driver", Interrupted)
    assert program.main(["rejects", "redrive", "--all", "--yes"]) == 130
    assert "interrupted: 1 of 2 were acknowledged; driving the same again is harmless" in capsys.readouterr().err


def test_the_flag_that_shows_personal_data_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["rejects", "list", "--help"])
    assert "THIS SHOWS PERSONAL DATA" in " ".join(capsys.readouterr().out.split())


def test_a_list_is_masked_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["rejects", "list", "--raw", "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert "b-0001" not in out and '"buyer_id":"***"' in out
    assert "2 rejects, the 1 that arrived last are shown (--limit 0 shows all)\n  2 currency: " in out
