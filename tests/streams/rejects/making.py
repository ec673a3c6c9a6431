"""Rejects by hand."""

from typing import Any

from schemas.rejects import Reason, Rejected, rejected

ARRIVAL_MS = 1_735_660_805_123
RAW = b'{"buyer_id":"b-0001","currency":"USD"}'


def reject(offset: int = 0, value: bytes | None = RAW, origin: str | None = None, **fields: Any) -> Rejected:
    """A reject of `t.orders`, partition 1, a second after the one of the offset before."""
    told = {
        "topic": "t.orders", "partition": 1, "arrival_ms": ARRIVAL_MS + offset * 1_000, "key": b"order-1",
        "reason": Reason.CURRENCY, "detail": "currency: not CNY", **fields,
    }  # fmt: skip
    made = rejected(offset=offset, value=value, **told)
    return Rejected(**{name: getattr(made, name) for name in made.__struct_fields__} | {"origin": origin})
