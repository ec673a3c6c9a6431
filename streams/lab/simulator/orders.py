"""The order events as they travel: one function an event type, fields in the order of the contract."""

from typing import NamedTuple

from streams.lab.simulator.planned import as_bytes


class Line(NamedTuple):
    """One SKU order: what all its events repeat."""

    order_id: str
    parent_order_id: str | None
    session_id: str | None
    room_id: str | None
    anchor_id: str | None
    merchant_id: str
    cluster_id: str | None
    category: str
    province: str | None
    city: str | None
    channel: str
    amount_fen: int
    quantity: int | None
    buyer_id: str | None


def created(line: Line, event_ms: int) -> bytes:
    """`order.created`."""
    return as_bytes(_event(line, "order.created", "created", event_ms, None))


def paid(line: Line, event_ms: int, pay_ms: int) -> bytes:
    """`order.paid`; its window is that of `pay_ms`."""
    return as_bytes(_event(line, "order.paid", "paid", event_ms, pay_ms))


def paid_again(line: Line, event_ms: int, pay_ms: int) -> bytes:
    """The same payment told a second time as if it were another event."""
    return as_bytes(_event(line, "order.paid", "paid-again", event_ms, pay_ms))


def cancelled(line: Line, event_ms: int) -> bytes:
    """`order.cancelled`: what becomes of an order that nobody pays."""
    return as_bytes(_event(line, "order.cancelled", "cancelled", event_ms, None))


def refunded(line: Line, number: int, event_ms: int, pay_ms: int | None, refund_fen: int) -> bytes:
    """`order.refunded`, the refund `number` of its order; without `pay_ms` it can not be attributed."""
    event = _event(line, "order.refunded", f"refund-{number}", event_ms, pay_ms)
    event["refund_id"] = f"{line.order_id}-r{number}"
    event["refund_fen"] = refund_fen
    return as_bytes(event)


def bare_refund(order_id: str, event_ms: int, refund_fen: int) -> bytes:
    """A refund as the platforms send it: order and money, nothing that says where it belongs."""
    return as_bytes(
        {
            "event_id": f"{order_id}-refund-bare",
            "event_type": "order.refunded",
            "event_time_ms": event_ms,
            "order_id": order_id,
            "refund_id": f"{order_id}-rb",
            "refund_fen": refund_fen,
            "currency": "CNY",
        }
    )


def _event(line: Line, event_type: str, suffix: str, event_ms: int, pay_ms: int | None) -> dict[str, object]:
    return {
        "event_id": f"{line.order_id}-{suffix}",
        "event_type": event_type,
        "event_time_ms": event_ms,
        "order_id": line.order_id,
        "parent_order_id": line.parent_order_id,
        "session_id": line.session_id,
        "room_id": line.room_id,
        "anchor_id": line.anchor_id,
        "merchant_id": line.merchant_id,
        "cluster_id": line.cluster_id,
        "category": line.category,
        "province": line.province,
        "city": line.city,
        "channel": line.channel,
        "amount_fen": line.amount_fen,
        "quantity": line.quantity,
        "currency": "CNY",
        "buyer_id": line.buyer_id,
        "pay_time_ms": pay_ms,
    }
