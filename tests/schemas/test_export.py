"""The documents for others: complete, and true to the types."""

from typing import Any

import orjson
import pytest

from schemas.events import ALSO_REQUIRED
from schemas.export import CHANNELS, documents
from schemas.rejects import Reason
from streams.topics import Topics


def document(name: str) -> Any:
    return orjson.loads(documents()[name])


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [each for value in node.values() for each in references(value)]
    return [each for value in node for each in references(value)] if isinstance(node, list) else []


def resolve(root: Any, reference: str) -> Any:
    assert reference.startswith("#/")
    for part in reference[2:].split("/"):
        root = root[part]
    return root


def test_there_is_one_schema_for_each_topic_and_one_overview() -> None:
    assert set(documents()) == {
        "orders.schema.json", "live-sessions.schema.json", "tallies.schema.json", "alerts.schema.json",
        "rejects.schema.json", "history.schema.json", "asyncapi.json",
    }  # fmt: skip


def test_channels_are_topics_of_the_table() -> None:
    assert {channel.topic for channel in CHANNELS} <= {topic.name for topic in Topics().table(1)}


@pytest.mark.parametrize("name", sorted(documents()))
def test_every_reference_leads_somewhere(name: str) -> None:
    root = document(name)
    assert references(root)
    assert all(resolve(root, reference) for reference in references(root))


def test_the_order_schema_says_what_each_type_needs() -> None:
    schema = document("orders.schema.json")["$defs"]["OrderEvent"]
    assert schema["required"] == ["event_id", "event_type", "event_time_ms", "order_id", "currency"]
    needs = {
        rule["if"]["properties"]["event_type"]["const"]: tuple(rule["then"]["required"]) for rule in schema["allOf"]
    }
    assert needs == {
        event_type: names for event_type, names in ALSO_REQUIRED.items() if event_type.startswith("order.")
    }
    assert schema["properties"]["currency"] == {"enum": ["CNY"]}


def test_the_overview_explains_every_reason() -> None:
    description = document("asyncapi.json")["info"]["description"]
    assert all(f"`{reason}`: {reason.meaning}" in description for reason in Reason)


def test_they_are_the_same_every_time() -> None:
    assert documents() == documents()
