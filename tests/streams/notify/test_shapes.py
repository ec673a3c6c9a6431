"""What each kind of target gets, and what its answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from schemas.alerts import Alert
from schemas.deliveries import Message
from streams.notify.answers import outcome_of, retry_after_ms
from streams.notify.outcome import Outcome, Verdict
from streams.notify.queue import Outgoing
from streams.notify.shapes import Request, request_of
from streams.notify.targets import Kind, Target
from streams.notify.wording import cut, text_of
from tests.streams.notify.alerts import NOW_MS, alert

DELIVERED, AGAIN, WRONG = Verdict.DELIVERED, Verdict.AGAIN, Verdict.WRONG


def outgoing(*alerts: Alert, digest: bool = False) -> Outgoing:
    message = Message(
        target="t", message_id="msg_1", alerts=[], digest=digest, state="sending", made_ms=NOW_MS, tried_ms=[]
    )
    return Outgoing(message, list(alerts), NOW_MS)


def request(kind: Kind, *alerts: Alert, secret: str = "", digest: bool = False) -> Request:
    target = Target(name="t", kind=kind, url="https://example.com/x?key=1", secret=secret)
    return request_of(target, outgoing(*alerts, digest=digest), NOW_MS)


def body(it: Request) -> Any:
    return orjson.loads(it.body)


# -- words -------------------------------------------------------------------------------------
def test_a_line_names_the_other_scopes() -> None:
    scopes = ["platform:all", *(f"anchor:a{number}" for number in range(8))]
    line = text_of([alert(each) for each in scopes], False, 9_999)
    assert line.startswith("Record session confirmed on the platform: session-0042 at ¥107.50 M (1.075 亿)")
    assert line.endswith("; also in anchor a0, anchor a1, anchor a2, anchor a3, anchor a4, anchor a5 and 2 more")


def test_a_digest_counts_and_shows_the_first() -> None:
    text = text_of([alert(holder=f"s{number}") for number in range(30)], True, 99_999)
    lines = text.splitlines()
    assert lines[0] == "Hightide: 30 messages in one (30 record.session confirmed)"
    assert lines[1].startswith("- Record session confirmed in category womens-wear: s0 at ")
    assert len(lines) == 22 and lines[-1] == "- and 10 more"


def test_a_text_is_cut_between_characters() -> None:
    assert cut("亿" * 10, 30) == "亿" * 10
    assert cut("亿" * 11, 31) == "亿" * 9 + "…"
    assert len(text_of([alert(holder="亿" * 5_000)], False, 2_000).encode()) <= 2_000


# -- shapes ------------------------------------------------------------------------------------
def test_dingtalk_is_signed_in_its_address() -> None:
    it = request(Kind.DINGTALK, alert(), secret="SEC1")
    query = {key: value for key, [value] in parse_qs(urlsplit(it.url).query).items()}
    expected = hmac.new(b"SEC1", f"{NOW_MS}\nSEC1".encode(), hashlib.sha256).digest()
    assert query == {"key": "1", "timestamp": str(NOW_MS), "sign": base64.b64encode(expected).decode()}
    assert body(it) == {"msgtype": "text", "text": {"content": alert().text}, "at": {"isAtAll": False}}


def test_feishu_is_signed_in_its_body_and_mentions_nobody() -> None:
    it = request(Kind.FEISHU, alert(holder='<at user_id="all">'), secret="abc")
    expected = hmac.new(f"{NOW_MS // 1000}\nabc".encode(), b"", hashlib.sha256).digest()
    assert body(it)["sign"] == base64.b64encode(expected).decode()
    assert body(it)["timestamp"] == str(NOW_MS // 1000)
    assert "<" not in body(it)["content"]["text"]


def test_slack_and_wecom_get_plain_text() -> None:
    slack = body(request(Kind.SLACK, alert(holder="<!channel> & co")))
    assert "&lt;!channel&gt; &amp; co" in slack["text"]
    assert body(request(Kind.WECOM, alert())) == {"msgtype": "text", "text": {"content": alert().text}}


def test_alertmanager_gets_the_same_labels_and_an_end_when_it_is_taken_back() -> None:
    it = request(Kind.ALERTMANAGER, alert(), alert(state="retracted"))
    assert it.url.endswith("/api/v2/alerts")
    leads, gone = body(it)
    assert leads["labels"] == gone["labels"]
    assert leads["labels"]["alertname"] == "record.session"
    assert leads["endsAt"] > gone["endsAt"] == "2025-12-31T14:02:00.000Z"
    assert leads["annotations"] == {"summary": alert().text, "state": "confirmed"}


# -- answers -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "status", "said", "outcome"),
    [
        (Kind.WEBHOOK, 204, b"", Outcome(DELIVERED, "204")),
        (Kind.WEBHOOK, 302, b"", Outcome(AGAIN, "302")),
        (Kind.WEBHOOK, 404, b"", Outcome(AGAIN, "404")),
        (Kind.WEBHOOK, 413, b"", Outcome(WRONG, "413")),
        (Kind.WEBHOOK, 503, b"", Outcome(AGAIN, "503")),
        (Kind.SLACK, 200, b"ok", Outcome(DELIVERED, "200 ok")),
        (Kind.SLACK, 200, b"invalid\x1b", Outcome(WRONG, "200 invalid�")),
        (Kind.DINGTALK, 200, b'{"errcode":0,"errmsg":"ok"}', Outcome(DELIVERED, "200 0")),
        (Kind.DINGTALK, 200, b'{"errcode":130101}', Outcome(AGAIN, "200 130101", 600_000)),
        (Kind.DINGTALK, 200, b'{"errcode":310000}', Outcome(AGAIN, "200 310000")),
        (Kind.WECOM, 200, b'{"errcode":45009}', Outcome(AGAIN, "200 45009", 60_000)),
        (Kind.WECOM, 200, b'{"errcode":40058}', Outcome(WRONG, "200 40058")),
        (Kind.WECOM, 200, b"<html>", Outcome(AGAIN, "200 without a code")),
        (Kind.WECOM, 200, b"[1]", Outcome(AGAIN, "200 without a code")),
        (Kind.FEISHU, 200, b'{"code":0}', Outcome(DELIVERED, "200 0")),
        (Kind.FEISHU, 200, b'{"StatusCode":0}', Outcome(DELIVERED, "200 0")),
        (Kind.FEISHU, 200, b'{"code":9499}', Outcome(AGAIN, "200 9499", 60_000)),
    ],
)
def test_an_answer_means(kind: Kind, status: int, said: bytes, outcome: Outcome) -> None:
    assert outcome_of(kind, status, {}, said, NOW_MS) == outcome


@pytest.mark.parametrize(
    ("text", "after_ms"),
    [("3", 3_000), (" 0 ", 0), ("soon", None), ("", None), ("-1", None), ("Wed, 31 Dec 2025 14:02:10 GMT", 10_000),
     ("Wed, 31 Dec 2025 14:01:50 GMT", 0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(text: str, after_ms: int | None) -> None:
    assert retry_after_ms(text, NOW_MS) == after_ms
    assert outcome_of(Kind.WEBHOOK, 429, {"retry-after": text}, b"", NOW_MS) == Outcome(AGAIN, "429", after_ms)
