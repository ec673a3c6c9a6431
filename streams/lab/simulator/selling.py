"""The orders of a show: created, then paid or never paid, with amounts that add up to what the show takes."""

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from streams.lab.simulator import orders
from streams.lab.simulator.amounts import prices
from streams.lab.simulator.chance import Chance
from streams.lab.simulator.curve import moments
from streams.lab.simulator.dates import MINUTE_MS
from streams.lab.simulator.network import delay_ms
from streams.lab.simulator.orders import Line
from streams.lab.simulator.planned import ORDERS, Planned
from streams.lab.simulator.show import Show, Takings, announce

#: unpaid orders for each paid one, and the share of them that is cancelled (the rest just lapses unseen)
UNPAID_SHARE: Final = 0.14
CANCELLED_SHARE: Final = 0.75
#: an unpaid order is cancelled after this long
PATIENCE_MS: Final = (15 * MINUTE_MS, 20 * MINUTE_MS)
#: seconds from creating an order to paying it: median and spread of a lognormal
_HESITATION: Final = (3.2, 0.9)
_HESITATION_MS: Final = (2_000, 9 * MINUTE_MS)


class Paid(NamedTuple):
    """A paid order and the instant of its payment."""

    line: Line
    pay_ms: int


def paid_orders(show: Show, chance: Chance) -> list[Paid]:
    """All paid orders of a show, hour by hour exactly as its takings say."""
    rnd = chance.part(f"{show.session_id}/goods")
    sold: list[Paid] = []
    for takings in show.takings:
        times = moments(takings.start_ms, takings.end_ms, takings.orders, rnd)
        amounts = prices(takings.gmv_fen, takings.orders, show.shop.price_list, rnd)
        for pay_ms, amount_fen in zip(times, amounts, strict=True):
            sold.append(Paid(_line(show, len(sold), pay_ms, amount_fen, rnd), pay_ms))
    return sold


def payments(show: Show, sold: list[Paid], chance: Chance) -> Iterator[Planned]:
    """`order.created` and `order.paid` of every paid order."""
    rnd = chance.part(f"{show.session_id}/payments")
    for line, pay_ms in sold:
        created_ms = max(show.start_ms, pay_ms - _hesitation_ms(rnd))
        paid_ms = pay_ms + rnd.randint(20, 600)
        created_at = created_ms + delay_ms(rnd)
        yield Planned(ORDERS, line.order_id, orders.created(line, created_ms), created_at)
        paid_at = max(paid_ms + delay_ms(rnd), created_at + 1)
        yield Planned(ORDERS, line.order_id, orders.paid(line, paid_ms, pay_ms), paid_at)


def abandoned(show: Show, chance: Chance) -> Iterator[Planned]:
    """Orders that nobody pays: `order.created`, and for most of them `order.cancelled`."""
    rnd = chance.part(f"{show.session_id}/abandoned")
    number = 0
    for takings in show.takings:
        count = round(takings.orders * UNPAID_SHARE)
        usual_fen = takings.gmv_fen // max(takings.orders, 1)
        for created_ms in moments(takings.start_ms, takings.end_ms, count, rnd):
            line = _line(show, number, created_ms, max(1, round(usual_fen * rnd.uniform(0.6, 1.6))), rnd)
            yield from _lapse(line._replace(order_id=f"{line.order_id}-u"), created_ms, rnd)
            number += 1


def broadcast(show: Show, sold: list[Paid], chance: Chance) -> Iterator[Planned]:
    """A whole show but for its refunds: its session events, its paid orders and those that nobody pays."""
    yield from announce(show, chance.part(f"{show.session_id}/announce"))
    yield from payments(show, sold, chance)
    yield from abandoned(show, chance)


def late_takings(show: Show, takings: Takings, arrival_ms: tuple[int, int], chance: Chance) -> Iterator[Planned]:
    """Paid orders of `takings` that a producer held back: they arrive in `[arrival_ms)`, long after their hour."""
    rnd = chance.part(f"{show.session_id}/late")
    times = moments(takings.start_ms, takings.end_ms, takings.orders, rnd)
    amounts = prices(takings.gmv_fen, takings.orders, show.shop.price_list, rnd)
    for number, (pay_ms, amount_fen) in enumerate(zip(times, amounts, strict=True)):
        line = _line(show, number, pay_ms, amount_fen, rnd)
        line = line._replace(order_id=f"{line.order_id}-late")
        event_ms = pay_ms + rnd.randint(20, 600)
        yield Planned(ORDERS, line.order_id, orders.paid(line, event_ms, pay_ms), rnd.randrange(*arrival_ms))


def _lapse(line: Line, created_ms: int, rnd: Random) -> Iterator[Planned]:
    yield Planned(ORDERS, line.order_id, orders.created(line, created_ms), created_ms + delay_ms(rnd))
    if rnd.random() < CANCELLED_SHARE:
        cancelled_ms = created_ms + rnd.randint(*PATIENCE_MS)
        yield Planned(ORDERS, line.order_id, orders.cancelled(line, cancelled_ms), cancelled_ms + delay_ms(rnd))


def _hesitation_ms(rnd: Random) -> int:
    shortest, longest = _HESITATION_MS
    return min(longest, shortest + int(1_000 * rnd.lognormvariate(*_HESITATION)))


def _line(show: Show, number: int, time_ms: int, amount_fen: int, rnd: Random) -> Line:
    order_id = f"order-{show.session_id}-{number:05d}"
    return Line(
        order_id=order_id,
        parent_order_id=f"{order_id}-p" if rnd.random() < 0.8 else None,
        session_id=show.session_id,
        room_id=show.room_id,
        anchor_id=show.anchor_at(time_ms),
        merchant_id=show.shop.merchant_id,
        cluster_id=show.shop.cluster_id,
        category=show.shop.category,
        province=show.shop.province,
        city=show.shop.city,
        channel="live",
        amount_fen=amount_fen,
        quantity=1 if rnd.random() < 0.85 else rnd.randint(1, show.most_pieces),
        buyer_id=f"buyer-{rnd.randrange(200_000):06d}" if rnd.random() < 0.98 else None,
    )
