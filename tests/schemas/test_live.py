"""The examples of what the board streams are what its types say."""

from pathlib import Path

import msgspec
import pytest

import schemas
from schemas.live import Change, Snapshot

STREAM = Path(schemas.__file__).parent / "examples" / "board" / "stream"
FILES = sorted(STREAM.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_reads_as_it_is_written(path: Path) -> None:
    kind = Change if path.stem.startswith("change") else Snapshot
    read = msgspec.json.decode(path.read_bytes(), type=kind)
    assert msgspec.json.format(msgspec.json.encode(read)) == path.read_bytes()


def test_there_is_one_of_each() -> None:
    assert {path.stem for path in FILES} >= {"snapshot", "change"}


def test_a_change_replaces_whole_sections_of_a_snapshot() -> None:
    assert set(Change.__struct_fields__) == set(Snapshot.__struct_fields__) - {"alerts_after"}


def test_a_change_says_nothing_of_what_stayed() -> None:
    assert msgspec.json.encode(Change()) == b"{}"
