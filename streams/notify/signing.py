"""How a target knows that a message is ours. Pure."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from hashlib import sha256
from hmac import digest
from urllib.parse import quote

_PREFIX = "whsec_"


def webhook_headers(secret: str, message_id: str, now_s: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks; without a signature if there is no secret."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(now_s)}
    if secret:
        signed = digest(webhook_key(secret), b".".join([message_id.encode(), str(now_s).encode(), body]), sha256)
        headers["webhook-signature"] = f"v1,{b64encode(signed).decode()}"
    return headers


def webhook_key(secret: str) -> bytes:
    """The bytes that a secret stands for: `whsec_` and base64. Raises `ValueError` on anything else."""
    if not secret.startswith(_PREFIX):
        raise ValueError("it does not start with whsec_")
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("what follows whsec_ is not base64") from error
    if not 24 <= len(key) <= 64:
        raise ValueError(f"it stands for {len(key)} bytes, not 24 to 64")
    return key


def dingtalk_query(secret: str, now_ms: int) -> str:
    """What DingTalk wants behind the address: the time and its signature."""
    signed = digest(secret.encode(), f"{now_ms}\n{secret}".encode(), sha256)
    return f"timestamp={now_ms}&sign={quote(b64encode(signed).decode(), safe='')}"


def feishu_fields(secret: str, now_s: int) -> dict[str, str]:
    """What Feishu wants in the body: the time, and an empty text signed with it and the secret as the key."""
    signed = digest(f"{now_s}\n{secret}".encode(), b"", sha256)
    return {"timestamp": str(now_s), "sign": b64encode(signed).decode()}
