"""What is sold outside the live rooms: shelf and short-video orders, one steady trickle."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, NamedTuple

from streams.lab.simulator import orders
from streams.lab.simulator.network import delay_ms
from streams.lab.simulator.orders import Line
from streams.lab.simulator.planned import ORDERS, Planned
from streams.lab.simulator.show import Shop

#: who appears in the short videos
_FILMED_BY: Final = ("anchor-0901", "anchor-0902", "anchor-0903")


class Trickle(NamedTuple):
    """Orders of several shops in `[start_ms, end_ms)`, on average one in `every_ms`. `name` begins their ids."""

    name: str
    shops: Sequence[Shop]
    start_ms: int
    end_ms: int
    every_ms: int


def trickle(plan: Trickle, rnd: Random) -> Iterator[Planned]:
    """Created and, nine times in ten, paid seconds later."""
    time_ms, number = plan.start_ms, 0
    while True:
        time_ms += 1 + int(rnd.expovariate(1 / plan.every_ms))
        if time_ms >= plan.end_ms:
            return
        line = _line(plan, number, rnd)
        number += 1
        created_at = time_ms + delay_ms(rnd)
        yield Planned(ORDERS, line.order_id, orders.created(line, time_ms), created_at)
        if rnd.random() < 0.9:
            pay_ms = time_ms + rnd.randint(3_000, 40_000)
            paid_at = max(created_at + 1, pay_ms + delay_ms(rnd))
            yield Planned(ORDERS, line.order_id, orders.paid(line, pay_ms, pay_ms), paid_at)


def fast_clock(plan: Trickle, ahead_ms: int, rnd: Random) -> Iterator[Planned]:
    """The same trickle from a producer whose clock is `ahead_ms` ahead of every arrival."""
    time_ms, number = plan.start_ms, 0
    while True:
        time_ms += 1 + int(rnd.expovariate(1 / plan.every_ms))
        if time_ms >= plan.end_ms:
            return
        line = _line(plan, number, rnd)
        number += 1
        yield Planned(ORDERS, line.order_id, orders.created(line, time_ms + ahead_ms), time_ms)
        paid_at = time_ms + rnd.randint(3_000, 40_000)
        value = orders.paid(line, paid_at + ahead_ms, paid_at + ahead_ms)
        yield Planned(ORDERS, line.order_id, value, paid_at)


def late_payments(plan: Trickle, count: int, late_ms: tuple[int, int], rnd: Random) -> Iterator[Planned]:
    """`count` payments that arrive `late_ms` after they were made: beyond every lateness, their hour is closed."""
    for number in range(count):
        line = _line(plan, number, rnd)
        pay_ms = rnd.randrange(plan.start_ms, plan.end_ms)
        yield Planned(ORDERS, line.order_id, orders.paid(line, pay_ms, pay_ms), pay_ms + rnd.randint(*late_ms))


def _line(plan: Trickle, number: int, rnd: Random) -> Line:
    shop = rnd.choice(plan.shops)
    video = rnd.random() < 0.3
    return Line(
        order_id=f"order-{plan.name}-{number:06d}",
        parent_order_id=None,
        session_id=None,
        room_id=None,
        anchor_id=rnd.choice(_FILMED_BY) if video else None,
        merchant_id=shop.merchant_id,
        cluster_id=shop.cluster_id,
        category=shop.category,
        province=shop.province,
        city=shop.city,
        channel="short_video" if video else "shelf",
        amount_fen=rnd.choice(shop.price_list) * rnd.randint(82, 100) // 100,
        quantity=rnd.randint(1, 3),
        buyer_id=f"buyer-{rnd.randrange(200_000):06d}",
    )
