"""A message as each kind of target wants it over HTTP. Pure: the clock is an argument."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from schemas.alerts import Alert, State
from streams.notify.queue import Outgoing
from streams.notify.signing import dingtalk_query, feishu_fields, webhook_headers
from streams.notify.targets import Kind, Target
from streams.notify.wording import text_of

#: bytes of text that a chat takes
_MOST: Final = {Kind.FEISHU: 18_000, Kind.DINGTALK: 18_000, Kind.WECOM: 2_000, Kind.SLACK: 3_800}
#: a fact is no condition that ends by itself: Alertmanager shows it for a day
_SHOWN_MS: Final = 86_400_000
_GONE: Final = frozenset({State.RETRACTED, State.SUPERSEDED})


class Request(NamedTuple):
    """What is posted."""

    url: str
    body: bytes
    headers: dict[str, str]


def request_of(target: Target, outgoing: Outgoing, now_ms: int) -> Request:
    """The request that tells a target a message; the same but for the time, whenever it is made."""
    if target.kind is Kind.WEBHOOK:
        return _webhook(target, outgoing, now_ms)
    if target.kind is Kind.ALERTMANAGER:
        return _request(target.url.rstrip("/") + "/api/v2/alerts", [_labelled(each) for each in outgoing.alerts])
    text = text_of(outgoing.alerts, outgoing.message.digest, _MOST[target.kind])
    return _chat(target, text, now_ms)


def _webhook(target: Target, outgoing: Outgoing, now_ms: int) -> Request:
    message, alerts = outgoing.message, outgoing.alerts
    data = {
        "digest": message.digest,
        "text": text_of(alerts, message.digest, 60_000),
        "alerts": msgspec.to_builtins(alerts),
    }
    made = datetime.fromtimestamp(message.made_ms / 1000, UTC).isoformat(timespec="milliseconds")
    body = orjson.dumps({"type": "hightide.alert", "timestamp": made, "data": data})
    headers = webhook_headers(target.secret, message.message_id, now_ms // 1000, body)
    return Request(target.url, body, {"content-type": "application/json", **headers})


def _chat(target: Target, text: str, now_ms: int) -> Request:
    match target.kind:
        case Kind.FEISHU:
            # its text knows tags (<at …>): an id that comes from outside must not be one
            signed = feishu_fields(target.secret, now_ms // 1000) if target.secret else {}
            content = {"text": text.replace("<", "＜")}
            return _request(target.url, {**signed, "msg_type": "text", "content": content})
        case Kind.DINGTALK:
            link = "&" if "?" in target.url else "?"
            url = target.url + link + dingtalk_query(target.secret, now_ms) if target.secret else target.url
            return _request(url, {"msgtype": "text", "text": {"content": text}, "at": {"isAtAll": False}})
        case Kind.WECOM:
            return _request(target.url, {"msgtype": "text", "text": {"content": text}})
        case _:
            # Slack reads <…> as links and mentions unless it is written as an entity
            plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            return _request(target.url, {"text": plain, "mrkdwn": False, "unfurl_links": False})


def _request(url: str, content: object) -> Request:
    return Request(url, orjson.dumps(content), {"content-type": "application/json"})


def _labelled(alert: Alert) -> dict[str, Any]:
    """The alert for Alertmanager: the same labels in every state, so that what is taken back resolves."""
    told_ms = alert.event_time_ms or alert.detected_at_ms
    end_ms = told_ms + (0 if alert.state in _GONE else _SHOWN_MS)
    return {
        "labels": {
            "alertname": alert.rule.value,
            "alert_id": alert.alert_id,
            "dimension": alert.scope.dimension,
            "scope": alert.scope.id,
            "holder": alert.holder.id,
            "metric": alert.metric,
        },
        "annotations": {"summary": alert.text, "state": alert.state.value},
        "startsAt": _rfc3339(min(alert.holder.start_ms, told_ms)),
        "endsAt": _rfc3339(end_ms),
    }


def _rfc3339(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
