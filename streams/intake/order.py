"""Step 2, admit: what is remembered of one order, and how it is packed. Pure.

An entry takes about 45 bytes: ids are kept as digests, of the order itself and of what all orders of one room, or of
one town, have in common; the ids behind those digests are stored once (`Keys.attributions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import msgspec

from schemas.events import OrderEvent
from schemas.rejects import Reason
from streams.tally.windows import DAY_MS, Zone

#: orders that became known within this many local days lie together, and are dropped together
GENERATION_DAYS: Final = 16

#: how a refusal is remembered among the amounts of accepted refunds
CODES: Final = {
    Reason.REFUND_EXCEEDS_ORDER: -1,
    Reason.PAID_TWICE: -2,
    Reason.UNKNOWN_ORDER: -3,
    Reason.EXPIRED: -4,
    Reason.TIME_AHEAD: -5,
}
REASONS: Final = {code: reason for reason, code in CODES.items()}

#: fields of an event that the orders of a room share, and those that its buyers' towns do
TRADE: Final = ("session_id", "anchor_id", "merchant_id", "cluster_id", "category", "channel")
PLACE: Final = ("province", "city")

Ids = tuple[str | None, ...]

# 96 bits: with a billion orders in a partition two share a digest with a chance of 1 in 10^11
_ORDER_BYTES: Final = 12
_IDS_BYTES: Final = 10
_REFUND_BYTES: Final = 8

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


@dataclass(slots=True)
class Order:
    """One order as far as its payment and refunds are to be judged, for as long as it is known; then it begins anew.

    `made_ms` is the arrival of the event that made it known. `paid_offset` is -1 while no payment was counted; then
    `trade` and `place` name its ids. `verdicts` maps offsets to what was judged there: fen of an accepted refund, or a
    code of `CODES`; `refund_ids` maps those of accepted refunds to digests of their ids.
    """

    made_ms: int
    paid_offset: int = -1
    pay_time_ms: int = 0
    amount_fen: int = 0
    trade: bytes = b""
    place: bytes = b""
    verdicts: dict[int, int] = field(default_factory=dict)
    refund_ids: dict[int, bytes] = field(default_factory=dict)

    @property
    def first_offset(self) -> int:
        """The record that made it known."""
        verdict = next(iter(self.verdicts), self.paid_offset)  # verdicts are made, and kept, in log order
        return verdict if self.paid_offset < 0 else min(self.paid_offset, verdict)

    def paid_before(self, offset: int) -> bool:
        """Whether its payment stands before `offset` in the log."""
        return 0 <= self.paid_offset < offset

    def refunded_before(self, offset: int) -> list[int]:
        """The accepted refunds (fen) that stand before `offset`."""
        return [fen for at, fen in self.verdicts.items() if at < offset and fen >= 0]

    def enter_refund(self, offset: int, verdict: int, refund_id: bytes) -> None:
        """What was judged of the refund at `offset`: fen, or a code of `CODES`."""
        self.verdicts[offset] = verdict
        if verdict >= 0:
            self.refund_ids[offset] = refund_id
        else:
            self.refund_ids.pop(offset, None)

    def has_refund(self, refund_id: bytes, offset: int) -> bool:
        """Whether a refund of this id (its digest) was accepted before `offset`."""
        return any(at < offset and each == refund_id for at, each in self.refund_ids.items())

    def waiting(self) -> list[int]:
        """Offsets of the refunds that came before the order, and are to be driven again."""
        return [at for at, code in self.verdicts.items() if code == CODES[Reason.UNKNOWN_ORDER]]


def order_digest(order_id: str) -> bytes:
    """The field of an order."""
    return blake2b(order_id.encode(), digest_size=_ORDER_BYTES).digest()


def origin_digest(origin: str) -> bytes:
    """The field of a redriven record, which lies among the orders."""
    return blake2b(origin.encode(), digest_size=_ORDER_BYTES, person=b"origin").digest()


@lru_cache(maxsize=65_536)
def ids_digest(ids: Ids) -> bytes:
    """What stands for some ids in an entry."""
    return blake2b(_encode(ids), digest_size=_IDS_BYTES).digest()


def refund_digest(refund_id: str) -> bytes:
    """What stands for a refund among those of its order."""
    return blake2b(refund_id.encode(), digest_size=_REFUND_BYTES).digest()


def trade_of(event: OrderEvent) -> Ids:
    """The ids of an event in the order of `TRADE`."""
    return (
        event.session_id, event.anchor_id, event.merchant_id, event.cluster_id, event.category, event.channel,
    )  # fmt: skip


def generation_of(arrival_ms: int, zone: Zone) -> int:
    """Where an order lies that became known by a record of this arrival."""
    return zone.day(arrival_ms) // GENERATION_DAYS


def generation_starts_ms(generation: int, zone: Zone) -> int:
    """The first instant of a generation (epoch ms)."""
    return generation * GENERATION_DAYS * DAY_MS - zone.offset_ms


def pack_order(order: Order, start_ms: int) -> bytes:
    """The value of an entry; times are kept relative, `start_ms` is that of its generation."""
    made_ms = order.made_ms - start_ms
    flat = [part for at, what in sorted(order.verdicts.items()) for part in (at, what, order.refund_ids.get(at, b""))]
    if order.paid_offset < 0:
        return _encode([made_ms, flat])
    paid = [made_ms, order.paid_offset, order.made_ms - order.pay_time_ms, order.amount_fen, order.trade, order.place]
    return _encode([*paid, flat] if flat else paid)


def pack_lives(lives: Sequence[Order], start_ms: int) -> bytes:
    """The value of an entry: an order, or all that began within one generation, where orders are soon forgotten."""
    packed = [pack_order(each, start_ms) for each in lives]
    return packed[0] if len(packed) == 1 else _encode([packed])


def unpack_lives(packed: bytes, start_ms: int) -> list[Order]:
    """The inverse of `pack_lives`."""
    parts = _decode(packed)
    return (
        [_unpacked(_decode(each), start_ms) for each in parts[0]] if len(parts) == 1 else [_unpacked(parts, start_ms)]
    )


def unpack_order(packed: bytes, start_ms: int) -> Order:
    """The inverse of `pack_order`."""
    return _unpacked(_decode(packed), start_ms)


def _unpacked(parts: list[Any], start_ms: int) -> Order:
    made_ms, *rest = parts
    order = Order(made_ms + start_ms)
    flat = rest.pop() if len(rest) != 5 else []
    order.verdicts = dict(zip(flat[::3], flat[1::3], strict=True))
    order.refund_ids = {at: name for at, name in zip(flat[::3], flat[2::3], strict=True) if name}
    if rest:
        order.paid_offset, before_ms, order.amount_fen, order.trade, order.place = rest
        order.pay_time_ms = order.made_ms - before_ms
    return order


@lru_cache(maxsize=65_536)
def pack_ids(ids: Ids) -> bytes:
    """The value of an attribution."""
    return _encode(ids)


def unpack_ids(packed: bytes) -> Ids:
    """The inverse of `pack_ids`."""
    return tuple(_decode(packed))
