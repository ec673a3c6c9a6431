"""The live page: files of the package, read once at the start."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from mimetypes import guess_type
from typing import NamedTuple


class File(NamedTuple):
    """What is answered at its path."""

    body: bytes
    media_type: str


def page_files() -> dict[str, File]:
    """Path below `/` -> file, of everything in `streams/board/page`."""
    return dict(_within(files("streams.board") / "page", ""))


def _within(folder: Traversable, prefix: str) -> Iterator[tuple[str, File]]:
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            yield from _within(entry, f"{name}/")
        elif entry.is_file():
            yield name, File(entry.read_bytes(), guess_type(entry.name)[0] or "application/octet-stream")
