"""Refunds: whole ones, one part, several parts of one order; most say where they belong, some do not."""

from collections.abc import Iterable, Iterator
from random import Random
from typing import Final, NamedTuple

from streams.lab.simulator import orders
from streams.lab.simulator.amounts import shares
from streams.lab.simulator.network import delay_ms
from streams.lab.simulator.planned import ORDERS, Planned
from streams.lab.simulator.selling import Paid

#: share of refunds that leave out quantity, cluster, city and buyer; they are still attributable
GAPS_SHARE: Final = 0.1


class Regret(NamedTuple):
    """How many buyers of a show send it back, and when: `share` of the orders, in `after_ms` from the payment on."""

    share: float
    after_ms: tuple[int, int]


def refunds(sold: Iterable[Paid], regret: Regret, rnd: Random) -> Iterator[Planned]:
    """The refunds of some of the orders in `sold`, each order's in the order of their arrival."""
    for paid in sold:
        if rnd.random() < regret.share:
            yield from _of_order(paid, regret, rnd)


def exceeding(sold: Iterable[Paid], arrival_ms: tuple[int, int], rnd: Random) -> Iterator[Planned]:
    """For each order: most of its money back, then that much again, which is more than is left (a reject)."""
    for line, pay_ms in sold:
        most_fen = line.amount_fen * 2 // 3 + 1
        first_ms = rnd.randrange(*arrival_ms)
        for number, event_ms in ((1, first_ms), (2, first_ms + rnd.randint(20_000, 60_000))):
            value = orders.refunded(line, number, event_ms, pay_ms, most_fen)
            yield Planned(ORDERS, line.order_id, value, event_ms + delay_ms(rnd))


def bare(sold: Iterable[Paid], arrival_ms: tuple[int, int], rnd: Random) -> Iterator[Planned]:
    """Refunds as the platforms send them: nothing says which hour or session they belong to but their order."""
    for line, _ in sold:
        event_ms = rnd.randrange(*arrival_ms)
        value = orders.bare_refund(line.order_id, event_ms, line.amount_fen)
        yield Planned(ORDERS, line.order_id, value, event_ms + delay_ms(rnd))


def early(sold: Iterable[Paid], rnd: Random) -> Iterator[Planned]:
    """Such refunds that overtake their order: they wait among the rejects until it is paid."""
    for line, pay_ms in sold:
        event_ms = pay_ms - rnd.randint(30_000, 90_000)
        value = orders.bare_refund(line.order_id, event_ms, line.amount_fen // 2)
        yield Planned(ORDERS, line.order_id, value, event_ms + 100)


def of_strangers(count: int, arrival_ms: tuple[int, int], rnd: Random) -> Iterator[Planned]:
    """Such refunds of orders that never were (a reject, `unknown_order`)."""
    for number in range(count):
        event_ms = rnd.randrange(*arrival_ms)
        order_id = f"order-stranger-{number}"
        yield Planned(ORDERS, order_id, orders.bare_refund(order_id, event_ms, 9_900), event_ms + delay_ms(rnd))


def paid_again(sold: Iterable[Paid], arrival_ms: tuple[int, int], rnd: Random) -> Iterator[Planned]:
    """Second payments of orders under another event id (a reject, `paid_twice`)."""
    for line, pay_ms in sold:
        event_ms = rnd.randrange(*arrival_ms)
        yield Planned(ORDERS, line.order_id, orders.paid_again(line, event_ms, pay_ms), event_ms + delay_ms(rnd))


def _of_order(paid: Paid, regret: Regret, rnd: Random) -> Iterator[Planned]:
    line, pay_ms = paid
    if rnd.random() < GAPS_SHARE:
        line = line._replace(quantity=None, cluster_id=None, city=None, buyer_id=None)
    event_ms = pay_ms + rnd.randint(*regret.after_ms)
    arrival_ms = event_ms
    for number, refund_fen in enumerate(_parts(line.amount_fen, rnd), start=1):
        arrival_ms = max(arrival_ms + 1, event_ms + delay_ms(rnd))
        value = orders.refunded(line, number, event_ms, pay_ms, refund_fen)
        yield Planned(ORDERS, line.order_id, value, arrival_ms)
        event_ms += rnd.randint(60_000, 600_000)


def _parts(amount_fen: int, rnd: Random) -> list[int]:
    kind = rnd.random()
    if kind < 0.7 or amount_fen < 10:
        return [amount_fen]
    if kind < 0.88:
        return [amount_fen * rnd.randint(10, 90) // 100]
    parts = shares(amount_fen, [rnd.randint(1, 9) for _ in range(rnd.randint(2, 3) + 1)])
    return [part for part in parts[:-1] if part]
