"""The schemas for others: JSON Schema of every topic's value and one AsyncAPI 3 document, generated from the types."""

from inspect import cleandoc
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from schemas.alerts import Alert
from schemas.events import ALSO_REQUIRED, OrderEvent, SessionEvent
from schemas.history import Imported
from schemas.rejects import Reason, Rejected
from schemas.tallies import TallyState

#: of the documents: the first number changes when a reader or writer has to
VERSION: Final = "1.0.0"

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Channel(NamedTuple):
    """One topic as others see it. `action` is what they do with it."""

    topic: str
    message: str
    kind: type[msgspec.Struct]
    key: str
    action: str
    summary: str


CHANNELS: Final = (
    Channel("orders", "OrderEvent", OrderEvent, "order_id", "send", "one event of one SKU order"),
    Channel("live-sessions", "SessionEvent", SessionEvent, "session_id", "send", "one event of one live broadcast"),
    Channel("tallies", "TallyState", TallyState, "window and id", "receive", "how one hour or session stands now"),
    Channel("alerts", "Alert", Alert, "alert_id", "receive", "one revision of one peak or record"),
    Channel("rejects", "Rejected", Rejected, "topic/partition/offset", "receive", "one refused record and why"),
    Channel("history", "Imported", Imported, "scope and holder, hashed", "receive", "one earlier holder of a ranking"),
)


def documents() -> dict[str, bytes]:
    """File name to content: `<topic>.schema.json` for each topic with a value of its own, and `asyncapi.json`."""
    files = {f"{channel.topic}.schema.json": json_schema(channel) for channel in CHANNELS}
    files["asyncapi.json"] = asyncapi()
    return {name: orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n" for name, content in files.items()}


def json_schema(channel: Channel) -> dict[str, Any]:
    """JSON Schema 2020-12 of the values of a topic, complete in itself."""
    (root,), components = msgspec.json.schema_components([channel.kind], ref_template="#/$defs/{name}")
    return {
        "$schema": _DIALECT,
        "title": channel.message,
        **root,
        "$defs": {name: _finished(schema) for name, schema in components.items()},
    }


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0 of all topics, from the point of view of those around Hightide."""
    _, components = msgspec.json.schema_components(
        [channel.kind for channel in CHANNELS], ref_template="#/components/schemas/{name}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hightide",
            "version": VERSION,
            "description": "Topic names stand without `HIGHTIDE_TOPIC_PREFIX`. Reasons of a reject: "
            + "; ".join(f"`{reason.value}`: {reason.meaning}" for reason in Reason),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {channel.topic: _channel(channel) for channel in CHANNELS},
        "operations": {f"{channel.action}-{channel.topic}": _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {channel.message: _message(channel) for channel in CHANNELS},
            "schemas": {name: _finished(schema) for name, schema in components.items()},
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "address": channel.topic,
        "messages": {channel.message: {"$ref": f"#/components/messages/{channel.message}"}},
    }


def _operation(channel: Channel) -> dict[str, Any]:
    reference = f"#/channels/{channel.topic}"
    return {
        "action": channel.action,
        "channel": {"$ref": reference},
        "messages": [{"$ref": f"{reference}/messages/{channel.message}"}],
    }


def _message(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.message,
        "summary": f"{channel.summary}; the record's key is its {channel.key}",
        "payload": {"$ref": f"#/components/schemas/{channel.message}"},
    }


def _finished(schema: dict[str, Any]) -> dict[str, Any]:
    """Tidy the description, and add what only some event types need: the types alone can not say it."""
    finished = {**schema, "description": cleandoc(schema["description"])}
    types = schema.get("properties", {}).get("event_type", {}).get("enum", ())
    rules = [_need(each, ALSO_REQUIRED[each]) for each in types if ALSO_REQUIRED[each]]
    return {**finished, "allOf": rules} if rules else finished


def _need(event_type: str, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "if": {"properties": {"event_type": {"const": event_type}}},
        "then": {"required": list(names), "properties": {name: {"not": {"type": "null"}} for name in names}},
    }
