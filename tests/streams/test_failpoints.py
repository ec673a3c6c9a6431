"""Failpoints: what arms them, what a wrong word is answered with, and that the table is that of the code."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.failpoints import BLOCKED_S, POINTS, VARIABLE, failpoint, failpoint_of, parse
from streams.settings import Settings, load

ROOT = Path(__file__).parents[2]
SOURCES = {
    path: path.read_text("utf-8")
    for path in sorted((ROOT / "streams").rglob("*.py"))
    if path.name != "failpoints.py"  # its examples are no places
}


def test_the_nth_passing_acts_and_no_other() -> None:
    seen: list[str] = []
    point = failpoint_of("before_settle:2:kill,after_ack:1:stop", {"kill": seen.append, "stop": seen.append})
    for name in ("before_settle", "after_settle", "before_settle", "before_settle", "after_ack"):
        point(name)
    assert seen == ["before_settle", "after_ack"]


def test_a_blocked_loop_goes_on_later(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("streams.failpoints.time.sleep", slept.append)
    failpoint_of("after_ack:1:block")("after_ack")
    assert slept == [BLOCKED_S]


def test_off_is_one_function_that_looks_at_nothing() -> None:
    assert failpoint_of("") is failpoint, "the tests run with failpoints on"
    assert (failpoint.__code__.co_names, failpoint.__closure__) == ((), None)


@pytest.mark.parametrize(
    "text",
    ["before_settle", "before_settle:0:kill", "before_settle:x:kill", "before_settle:1:burn", "behind_settle:1:kill"],
)
def test_a_wrong_word_is_refused_with_what_is_valid(text: str) -> None:
    with pytest.raises(ValueError, match=f"{VARIABLE}.*{text}.*before_settle.*kill"):
        parse(text)


def test_it_is_no_setting_and_no_wrong_one() -> None:
    assert load({VARIABLE: "before_settle:1:kill"}) == Settings()


@pytest.mark.parametrize("name", POINTS)
def test_each_point_is_passed_in_one_place(name: str) -> None:
    places = [path for path, text in SOURCES.items() for _ in range(text.count(f'failpoint("{name}")'))]
    assert len(places) == 1


def test_no_other_point_is_passed() -> None:
    passed = {name for text in SOURCES.values() for name in re.findall(r'(?<!\w)failpoint\("(\w+)"\)', text)}
    assert passed == set(POINTS)


@pytest.mark.parametrize(("action", "code"), [("kill", -signal.SIGKILL), ("exit", 70), ("raise", 1)])
def test_a_process_that_passes_an_armed_point_ends_there(action: str, code: int) -> None:
    program = 'from streams.failpoints import failpoint\nfailpoint("after_ack")\nprint("went on")'
    environment = {**os.environ, VARIABLE: f"after_ack:1:{action}"}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (code, "")
