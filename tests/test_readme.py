"""The README says what is so: settings, commands, and the numbered path of one order."""

import re
from pathlib import Path

import pytest

from streams.cli.main import parser
from streams.settings import table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
ROOMS = ("intake", "tally", "marks", "outbox")

#: number -> name of each step of the path, as the README lists them
_STEP = re.compile(r"^(\d)\. \*\*([a-z ]+)\*\* \(`streams/", re.MULTILINE)
STEPS = {int(number): name for number, name in _STEP.findall(README)}


def first_line(module: Path) -> str:
    return module.read_text("utf-8").split("\n", 1)[0]


def modules() -> list[Path]:
    return [
        each for room in ROOMS for each in sorted((ROOT / "streams" / room).glob("*.py")) if each.stem != "__init__"
    ]


def test_the_path_has_seven_steps() -> None:
    assert sorted(STEPS) == list(range(1, 8))


@pytest.mark.parametrize("module", modules(), ids=lambda each: f"{each.parent.name}/{each.stem}")
def test_a_module_on_the_path_says_its_step_as_the_readme_does(module: Path) -> None:
    said = re.match(r'"""Steps? (\d)', first_line(module))
    one = re.match(r'"""Step (\d), ([a-z ]+): ', first_line(module))
    if one:
        assert one[2] == STEPS[int(one[1])]
    elif said:
        assert re.match(r'"""Steps \d (to|and) \d ', first_line(module)), "several steps are `Steps 1 to 4 …`"
    else:
        assert module.stem in {"windows", "counters", "measure", "fence"}, "it is on the path and does not say where"


@pytest.mark.parametrize("row", table(), ids=lambda row: row.key)
def test_every_setting_stands_in_the_table_with_its_default_and_meaning(row: object) -> None:
    line = f"| `{row.key}` | {f'`{row.default}`' if row.default else '(empty)'} | {row.meaning} |"  # type: ignore[attr-defined]
    assert line in README


def test_the_table_names_no_setting_that_is_not_there() -> None:
    named = set(re.findall(r"^\| `(HIGHTIDE_[A-Z_]+)`", README, re.MULTILINE))
    assert named == {row.key for row in table()}


def test_every_command_stands_in_the_readme() -> None:
    choices = next(action.choices for action in parser()._actions if action.choices)
    assert {name for name in choices if f"`hightide {name}" not in README} == set()


def test_it_keeps_no_placeholder() -> None:
    assert "<!--" not in README
