"""The judge of expressions finds what is wrong with them."""

import pytest

from tests.deploy.metrics import mistakes


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("max(hightide_worker_up)", []),
        ('sum by (rule) (increase(hightide_alerts_total{state="confirmed", rule=~"peak.*"}[1h]))', []),
        ("histogram_quantile(0.9, sum by (le) (rate(hightide_settle_seconds_bucket[5m])))", []),
        ("sum by (instance) (rate(hightide_settle_seconds_count[5m]))", []),
        ("max(hightide_worker_down)", ["there is no metric hightide_worker_down"]),
        # a histogram has no series of its own name, and a gauge no buckets
        ("hightide_settle_seconds", ["there is no metric hightide_settle_seconds"]),
        ("hightide_worker_up_bucket", ["there is no metric hightide_worker_up_bucket"]),
        ('hightide_alerts_total{level="x"}', ["hightide_alerts_total has no label level"]),
        ("sum by (le) (hightide_alerts_total)", ["nothing here has a label le"]),
        ("sum by (anchor) (hightide_alerts_total)", ["nothing here has a label anchor"]),
    ],
)
def test_names_and_labels_are_held_against_the_vocabulary(expression: str, said: list[str]) -> None:
    assert list(mistakes(expression)) == said
