"""The alert rules: valid, of metrics that there are, each with a test of its own that `promtool` runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.metrics import DEPLOY, mistakes

RULES = DEPLOY / "prometheus" / "hightide.rules.yml"
RULE_TESTS = Path(__file__).parent / "hightide.rules.test.yml"

ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text("utf-8"))
#: what stands behind `expr:`, on its line or below it
_EXPRESSION = re.compile(r"\n +expr: (?:>-\n)?(.*?)\n +(?:for|labels):", re.DOTALL)

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="there is no promtool: install it with Prometheus, as .ci/run does"
)


def run(promtool: str, *arguments: str) -> str:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_takes_the_configuration_and_the_rules_that_it_names(promtool: str) -> None:
    assert f"{len(ALERTS)} rules found" in run(promtool, "check", "config", str(DEPLOY / "prometheus/prometheus.yml"))


@needs_promtool
def test_every_rule_fires_when_it_should_and_not_before(promtool: str) -> None:
    assert "SUCCESS" in run(promtool, "test", "rules", str(RULE_TESTS))


def test_every_metric_and_label_is_of_the_vocabulary() -> None:
    expressions = _EXPRESSION.findall(RULES.read_text("utf-8"))
    assert len(expressions) == len(ALERTS) > 10
    assert {each: said for each in expressions if (said := list(mistakes(each)))} == {}


@pytest.mark.parametrize("alert", ALERTS)
def test_a_rule_is_shown_to_fire_and_to_keep_silent_and_says_what_to_do(alert: str) -> None:
    tests = RULE_TESTS.read_text("utf-8")
    assert f"alertname: {alert}\n        exp_alerts:\n          - exp_labels" in tests
    assert f"alertname: {alert}, exp_alerts: []" in tests
    text = RULES.read_text("utf-8").partition(f"- alert: {alert}\n")[2].partition("- alert:")[0]
    assert re.search(r"labels: {severity: (page|ticket)}", text)
    assert "summary:" in text and "description:" in text


def test_series_of_the_rules_tests_are_of_the_vocabulary_too() -> None:
    series = re.findall(r"series: '([^']*)'", RULE_TESTS.read_text("utf-8"))
    assert series and {each: said for each in series if (said := list(mistakes(each)))} == {}
