"""`hightide schemas export`."""

import argparse
from pathlib import Path

import pytest

from schemas.export import documents
from streams.cli import schemas_cmd


def run(*argv: str) -> int:
    program = argparse.ArgumentParser()
    schemas_cmd.register(program.add_subparsers(required=True))
    arguments = program.parse_args(argv)
    return int(arguments.run(arguments))


def test_it_writes_every_document_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "folder"
    assert run("schemas", "export", "--dir", str(folder)) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == documents()
    assert capsys.readouterr().out.splitlines() == [str(folder / name) for name in documents()]


def test_a_folder_that_can_not_be_made_is_one_line_and_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run("schemas", "export", "--dir", str(tmp_path / "file")) == 1
    assert capsys.readouterr().err.count("\n") == 1
