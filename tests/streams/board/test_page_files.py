"""The live page's files: small, of our own, and nothing in them that a strict content policy forbids."""

from __future__ import annotations

import re

import pytest

from streams.board.files import page_files

FILES = page_files()
TEXTS = {name: file.body.decode("utf-8") for name, file in FILES.items()}
_ELSEWHERE = re.compile(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", re.IGNORECASE)
_NAMESPACE = "http://www.w3.org/2000/svg"


def test_everything_is_there_with_its_type() -> None:
    assert FILES["index.html"].media_type == "text/html"
    types = {name.rpartition(".")[2]: file.media_type for name, file in FILES.items()}
    assert types["css"] == "text/css" and types["js"] in ("text/javascript", "application/javascript")
    assert types["svg"] == "image/svg+xml"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_is_small_and_asks_nothing_elsewhere(name: str) -> None:
    lines = TEXTS[name].replace(_NAMESPACE, "").splitlines()
    assert len(lines) <= 220 and len(FILES[name].body) < 12_000
    assert [line for line in lines if len(line) > 120] == [] or name.endswith(".svg")
    assert [line for line in lines if _ELSEWHERE.search(line)] == []


def test_no_script_or_style_is_inline() -> None:
    html = TEXTS["index.html"]
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == [] and "<style" not in html
    assert re.findall(r"\son\w+=|\sstyle=", html) == []
    scripts = [text for name, text in TEXTS.items() if name.endswith(".js")]
    assert not any(
        re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", each) for each in scripts
    )


def test_every_word_is_said_somewhere() -> None:
    """A word that nothing says any more is a leftover; one that is said and not there would be shown as nothing."""
    scripts = "\n".join(text for name, text in TEXTS.items() if name.endswith(".js") and "/words/" not in name)
    words = set(re.findall(r"^  (\w+):", TEXTS["js/words/en.js"], re.MULTILINE))
    said = set(re.findall(r"\bt\.(\w+)", scripts))
    assert said - words == set()
    # clusters, anchors, … and columns are looked up by the name of what is shown
    looked_up = {name for name in words if name in scripts and name not in said} | {"lang"}
    assert words - said - looked_up - {name for name in words if name.startswith("column_")} == set()
