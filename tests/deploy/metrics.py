"""The metrics that a PromQL expression asks for, with the labels that it names, against those that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from streams.metrics import VOCABULARY, Definition

DEPLOY = Path(__file__).parents[2] / "deploy"

#: labels that Prometheus adds by itself
ADDED = {"instance", "job"}
_PARTS = ("_bucket", "_sum", "_count")
_BY_NAME = {definition.name: definition for definition in VOCABULARY}

_METRIC = re.compile(r"\b(hightide_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\b(?:by|on|without|group_left|group_right)\s*\(([^)]*)\)")


def definition_of(name: str) -> Definition | None:
    """The metric behind the name of a series; None if there is none of that name and kind."""
    for part in _PARTS:
        whole = _BY_NAME.get(name.removesuffix(part))
        if name.endswith(part) and whole is not None:
            return whole if whole.kind == "histogram" else None
    found = _BY_NAME.get(name)
    return None if found is not None and found.kind == "histogram" else found


def mistakes(expression: str) -> Iterator[str]:
    """What is wrong with the metrics and labels of an expression, in words."""
    allowed: set[str] = set()
    for name, matchers in _METRIC.findall(expression):
        metric = definition_of(name)
        if metric is None:
            yield f"there is no metric {name}"
            continue
        labels = {*metric.labels, *ADDED, *(("le",) if name.endswith("_bucket") else ())}
        allowed |= labels
        yield from (f"{name} has no label {label}" for label in _MATCHER.findall(matchers) if label not in labels)
    for grouping in _GROUPING.findall(expression):
        labels = {label.strip() for label in grouping.split(",")} - {""}
        yield from (f"nothing here has a label {label}" for label in sorted(labels - allowed))
