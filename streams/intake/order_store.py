"""Step 2, admit: the order book in Redis, on the home shard of each partition.

What a chunk's records speak of is read before they are judged; what the verdicts changed is written by the settle
script, in the same step as the sums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from faust.types import TP
from redis.asyncio import Redis

from schemas.events import OrderEvent
from streams.errors import StoreFault
from streams.intake.order import (
    Order,
    generation_of,
    generation_starts_ms,
    order_digest,
    origin_digest,
    pack_ids,
    pack_lives,
    unpack_ids,
    unpack_lives,
)
from streams.intake.orders import BACK_MS, ORIGIN_MS, OrderBook
from streams.keys import Keys
from streams.tally.windows import Zone

_encode = msgspec.msgpack.Encoder().encode
_settled = msgspec.msgpack.Decoder(dict[int, int]).decode


class Spoken(NamedTuple):
    """A record that the book is asked about: a payment, a refund, or one that was driven again from `origin`."""

    arrival_ms: int
    event: OrderEvent | None
    origin: str | None


@dataclass(frozen=True, slots=True)
class OrderRules:
    """What decides how long orders are known, and whether payments are."""

    zone: Zone
    horizon_ms: int
    index: bool

    @property
    def kept_ms(self) -> int:
        """For how long an entry may be asked for."""
        return max(self.horizon_ms, ORIGIN_MS)

    def book(self) -> OrderBook:
        """An empty book."""
        return OrderBook(self.zone, self.horizon_ms, self.index)


@dataclass(slots=True)
class _Wanted:
    """Fields to read: generation -> field -> the origin that it names, None for an order."""

    fields: defaultdict[int, dict[bytes, str | None]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, name: bytes, origin: str | None, generations: Iterable[int]) -> None:
        for generation in generations:
            self.fields[generation][name] = origin


async def load_orders(
    redis: Redis, keys: Keys, tp: TP, spoken: Sequence[Spoken], rules: OrderRules
) -> OrderBook | None:
    """What is known of the orders and origins in `spoken`, and the fence it belongs to; None if there is no fence.

    Two round trips at most, none (and a fence of 0) when there is nothing to ask. Entries and fence are of one moment:
    the shard may have gone back without the worker knowing, and a book that lacks verdicts must not be taken for one
    that has them. Raises `StoreFault` if an order is there, but not what it belongs to.
    """
    book = rules.book()
    wanted = _wanted(spoken, rules)
    if not wanted.fields:
        return book
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hget(keys.fence(tp.topic, tp.partition), "next")
        for generation, fields in wanted.fields.items():
            pipe.hmget(keys.orders(tp.topic, tp.partition, generation), list(fields))
        fence, *replies = await pipe.execute()
    if fence is None:
        return None
    book.fence = int(fence)
    for (generation, fields), values in zip(wanted.fields.items(), replies, strict=True):
        _enter(book, fields, values, generation_starts_ms(generation, rules.zone))
    refunds = [(event, at_ms) for at_ms, event, _ in spoken if event and event.event_type == "order.refunded"]
    return book if await _load_ids(redis, keys, tp, book.refunded_ids(refunds), book) else None


def _wanted(spoken: Iterable[Spoken], rules: OrderRules) -> _Wanted:
    wanted = _Wanted()
    for arrival_ms, event, origin in spoken:
        last = generation_of(arrival_ms + BACK_MS, rules.zone)
        if event is not None:
            first = generation_of(arrival_ms - rules.horizon_ms, rules.zone)
            wanted.add(order_digest(event.order_id), None, range(first, last + 1))
        if origin is not None:
            first = generation_of(arrival_ms - ORIGIN_MS, rules.zone)
            wanted.add(origin_digest(origin), origin, range(first, last + 1))
    return wanted


def _enter(book: OrderBook, fields: Mapping[bytes, str | None], values: Sequence[bytes | None], start_ms: int) -> None:
    for (name, origin), value in zip(fields.items(), values, strict=True):
        if value is None:
            continue
        if origin is None:
            book.orders.setdefault(name, []).extend(unpack_lives(value, start_ms))
        else:
            book.origins.setdefault(origin, {}).update(_settled(value))


async def _load_ids(redis: Redis, keys: Keys, tp: TP, wanted: Iterable[tuple[int, bytes]], book: OrderBook) -> bool:
    """Read what the refunded orders belong to; False if the shard went back meanwhile."""
    by_generation: defaultdict[int, set[bytes]] = defaultdict(set)
    for made_ms, digest in wanted:
        by_generation[generation_of(made_ms, book.zone)].add(digest)
    if not by_generation:
        return True
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hget(keys.fence(tp.topic, tp.partition), "next")
        for generation, digests in by_generation.items():
            pipe.hmget(keys.attributions(tp.topic, tp.partition, generation), list(digests))
        fence, *replies = await pipe.execute()
    if fence is None or int(fence) < book.fence:
        return False
    for digests, values in zip(by_generation.values(), replies, strict=True):
        for digest, value in zip(digests, values, strict=True):
            if value is None:
                raise StoreFault(
                    f"the order index of {tp.topic}/{tp.partition} has lost what its orders belong to: flush this "
                    "application's keys and start again, everything is rebuilt from Kafka"
                )
            book.ids[digest] = unpack_ids(value)
    return True


class Touched(NamedTuple):
    """A record that changed the book: of an order, or driven again from `origin`."""

    offset: int
    arrival_ms: int
    order_id: str
    order: Order | None
    origin: str | None


def write_orders(keys: Keys, tp: TP, book: OrderBook, touched: Sequence[Touched]) -> dict[str, list[bytes]]:
    """The rows (HSET) of the orders, origins and ids that a run touched, by key.

    Ids are written with every run that knows them: a worker can not know that they stand there still, because Redis may
    have gone back and another worker may have brought the fence to where it was; and an order that was paid while the
    index was off has none. However often a run speaks of an order, it is packed once.
    """
    orders: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
    ids: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
    redrive: dict[bytes, bytes] = {}
    changed: set[tuple[int, str]] = set()
    for offset, arrival_ms, order_id, order, origin in touched:
        if origin is not None:
            generation = generation_of(arrival_ms, book.zone)
            if settled := _within(book.origins[origin], generation, book.zone):
                orders[generation][origin_digest(origin)] = _encode(settled)
        if order is not None:
            generation = generation_of(order.made_ms, book.zone)
            changed.add((generation, order_id))
            if order.paid_offset == offset:
                redrive.update((b"%d" % at, b"%d" % offset) for at in order.waiting() if at < offset)
            # of a second payment's order the chunk may know one through other orders, and not the other
            known = (digest for digest in (order.trade, order.place) if digest in book.ids)
            ids[generation].update((digest, pack_ids(book.ids[digest])) for digest in known)
    for generation, order_id in changed:
        name = order_digest(order_id)
        lives = book.orders[name]
        if len(lives) > 1:
            lives = [each for each in lives if generation_of(each.made_ms, book.zone) == generation]
        orders[generation][name] = pack_lives(lives, generation_starts_ms(generation, book.zone))
    rows = {keys.orders(tp.topic, tp.partition, generation): fields for generation, fields in orders.items()}
    rows |= {keys.attributions(tp.topic, tp.partition, generation): fields for generation, fields in ids.items()}
    rows[keys.redrive(tp.topic, tp.partition)] = redrive
    return {key: [part for pair in fields.items() for part in pair] for key, fields in rows.items() if fields}


def _within(settled: Mapping[int, int], generation: int, zone: Zone) -> dict[int, int]:
    return {at: at_ms for at, at_ms in settled.items() if generation_of(at_ms, zone) == generation}
