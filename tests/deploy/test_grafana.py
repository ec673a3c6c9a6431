"""The dashboards: whole, of metrics that there are, and each panel says what it shows."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.metrics import DEPLOY, mistakes
from tests.deploy.test_prometheus import needs_promtool

FILES = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def panels(path: Path) -> list[dict[str, Any]]:
    """The panels that show something."""
    return [panel for panel in json.loads(path.read_text("utf-8"))["panels"] if panel["type"] != "row"]


def expressions(path: Path) -> list[str]:
    return [target["expr"] for panel in panels(path) for target in panel["targets"]]


def test_there_are_two_and_their_ids_differ() -> None:
    assert [path.stem for path in FILES] == ["hightide-live", "hightide-workers"]
    assert [json.loads(path.read_text("utf-8"))["uid"] for path in FILES] == [path.stem for path in FILES]


@each_file
def test_every_metric_and_label_is_of_the_vocabulary(path: Path) -> None:
    found = expressions(path)
    assert len(found) > 10
    assert {each: said for each in found if (said := list(mistakes(each)))} == {}
    assert all("hightide_" in each for each in found)


@each_file
def test_every_label_of_a_legend_is_there(path: Path) -> None:
    for panel in panels(path):
        for target in panel["targets"]:
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                by = re.search(r"by \(([^)]*)\)", target["expr"])
                assert by is not None and label in re.split(r",\s*", by[1]), target


@each_file
def test_every_panel_says_what_it_shows_has_a_place_and_shows_the_unknown_as_unknown(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(path):
        assert panel["title"] and panel["description"].endswith(".")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
        assert panel["fieldConfig"]["defaults"]["noValue"] == "unknown"
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24
        taken |= cells
    ids = [panel["id"] for panel in json.loads(path.read_text("utf-8"))["panels"]]
    assert len(ids) == len(set(ids))


@needs_promtool
@each_file
def test_every_expression_is_promql(path: Path, tmp_path: Path, promtool: str) -> None:
    rules = tmp_path / "rules.yml"
    texts = [each.replace("$__rate_interval", "5m").replace("$__range", "6h") for each in expressions(path)]
    lines = [f"      - {{record: 'r:{number}', expr: {json.dumps(each)}}}" for number, each in enumerate(texts)]
    rules.write_text("\n".join(["groups:", "  - name: dashboard", "    rules:", *lines]), "utf-8")
    done = subprocess.run([promtool, "check", "rules", str(rules)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"{len(texts)} rules found" in done.stdout


def test_grafana_is_told_where_they_lie() -> None:
    provider = (DEPLOY / "grafana/provisioning/dashboards/hightide.yml").read_text("utf-8")
    assert "path: /etc/grafana/dashboards" in provider and "type: file" in provider
    source = (DEPLOY / "grafana/provisioning/datasources/hightide.yml").read_text("utf-8")
    assert "type: prometheus" in source and "url: ${PROMETHEUS_URL}" in source
