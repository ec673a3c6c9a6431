"""The vocabulary of the metrics is closed: what is in the table is made, and nothing else."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from streams.metrics import VOCABULARY, Definition, Metrics

UNITS = (
    "_seconds", "_records", "_rows", "_ms", "_offset", "_alerts", "_bytes", "_fen", "_up", "_stopped", "_orders",
    "_sessions",
)  # fmt: skip
_ROOT = Path(__file__).parents[2]
_SOURCE = "".join(path.read_text() for room in ("streams", "agents") for path in (_ROOT / room).rglob("*.py"))

KINDS = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}

each_definition = pytest.mark.parametrize("definition", VOCABULARY, ids=[it.name for it in VOCABULARY])


@each_definition
def test_names_follow_the_rules(definition: Definition) -> None:
    assert re.fullmatch(r"hightide_[a-z]+(_[a-z]+)*", definition.name)
    assert definition.name.endswith("_total") == (definition.kind == "counter")
    assert definition.kind == "counter" or definition.name.endswith(UNITS)


@each_definition
def test_each_says_what_it_means_and_what_to_do(definition: Definition) -> None:
    assert re.fullmatch(r"[A-Z0-9].{20,}\.", definition.meaning)
    assert re.fullmatch(r"[A-Z0-9].{20,}\.", definition.remedy)
    assert definition.meaning != definition.remedy


@each_definition
def test_buckets_ascend_and_belong_to_histograms(definition: Definition) -> None:
    assert bool(definition.buckets) == (definition.kind == "histogram")
    assert list(definition.buckets) == sorted(set(definition.buckets))


def test_no_name_stands_twice() -> None:
    assert len({it.name for it in VOCABULARY}) == len(VOCABULARY)


def test_exactly_the_table_is_made_each_of_its_kind() -> None:
    made = {name: metric for name, metric in vars(Metrics()).items() if isinstance(metric, MetricWrapperBase)}
    by_name = {metric._name + "_total" * isinstance(metric, Counter): metric for metric in made.values()}
    assert len(by_name) == len(made)
    assert {name: type(metric) for name, metric in by_name.items()} == {it.name: KINDS[it.kind] for it in VOCABULARY}
    assert {name: metric._labelnames for name, metric in by_name.items()} == {it.name: it.labels for it in VOCABULARY}


@pytest.mark.parametrize("attribute", [name for name in vars(Metrics()) if name != "registry"])
def test_each_is_measured_somewhere(attribute: str) -> None:
    assert re.search(rf"metrics\.{attribute}\b", _SOURCE), f"nothing sets metrics.{attribute}"


def test_two_workers_in_one_process_do_not_share_counts() -> None:
    one, other = Metrics(), Metrics()
    one.rebalances.inc()
    assert one.registry.get_sample_value("hightide_rebalances_total") == 1.0
    assert other.registry.get_sample_value("hightide_rebalances_total") == 0.0


def test_a_registry_can_be_given() -> None:
    registry = CollectorRegistry()
    assert Metrics(registry).registry is registry


def test_the_gauges_of_a_partition_are_those_that_have_its_labels_and_no_other() -> None:
    named = {gauge._name for gauge in Metrics().of_partitions()}
    assert named == {it.name for it in VOCABULARY if it.kind == "gauge" and it.labels == ("topic", "partition")}
    assert {"hightide_lag_records", "hightide_partition_stopped"} <= named
