"""The life of one order of the scenario `clusters`: where it is sold, whether it is paid, whether it comes back."""

from collections.abc import Iterator
from typing import Final

from streams.lab.simulator import orders
from streams.lab.simulator.chance import Chance
from streams.lab.simulator.dates import HOUR_MS, MINUTE_MS
from streams.lab.simulator.market import Cluster
from streams.lab.simulator.network import delay_ms
from streams.lab.simulator.orders import Line
from streams.lab.simulator.planned import ORDERS, Planned

#: share of the sales (money of paid orders) that live rooms make, and of the rest that is shelf
LIVE_SHARE: Final = 0.63
_SHELF_SHARE: Final = 0.65
_UNPAID_SHARE: Final = 0.12
_REFUNDED_SHARE: Final = 0.04
_LATE_SHARE: Final = 0.0003
_LATE_MS: Final = (5 * MINUTE_MS, 30 * MINUTE_MS)


class Life:
    """Draws the lives of orders; keeps the running share of live sales to steer by."""

    def __init__(self, chance: Chance) -> None:
        self._goods = chance.part("goods")
        self._fate = chance.part("fate")
        self._network = chance.part("network")
        self._sold_fen = 0
        self._live_fen = 0

    def events_of(self, number: int, cluster: Cluster, created_ms: int) -> Iterator[Planned]:
        """All events that the order `number` will ever cause, each with its arrival."""
        rnd = self._fate
        paid = rnd.random() >= _UNPAID_SHARE
        line = self._line(number, cluster, created_ms, paid)
        yield self._sent(line, orders.created(line, created_ms), created_ms)
        if not paid:
            cancelled_ms = created_ms + rnd.randint(15 * MINUTE_MS, 20 * MINUTE_MS)
            yield self._sent(line, orders.cancelled(line, cancelled_ms), cancelled_ms)
            return
        pay_ms = created_ms + rnd.randint(13_000, 60_000)
        late_ms = rnd.randint(*_LATE_MS) if rnd.random() < _LATE_SHARE else 0
        yield self._sent(line, orders.paid(line, pay_ms, pay_ms), pay_ms + late_ms)
        if rnd.random() < _REFUNDED_SHARE:
            refunded_ms = pay_ms + rnd.randint(31 * MINUTE_MS, 2 * HOUR_MS)
            refund_fen = line.amount_fen if rnd.random() < 0.8 else line.amount_fen // 2 + 1
            yield self._sent(line, orders.refunded(line, 1, refunded_ms, pay_ms, refund_fen), refunded_ms)

    def _sent(self, line: Line, value: bytes, sent_ms: int) -> Planned:
        return Planned(ORDERS, line.order_id, value, sent_ms + delay_ms(self._network))

    def _line(self, number: int, cluster: Cluster, created_ms: int, paid: bool) -> Line:
        rnd = self._goods
        amount_fen = max(100, int(cluster.price_fen * rnd.lognormvariate(0.0, 0.5)))
        channel = self._channel(amount_fen, paid)
        broadcast = cluster.on_air(created_ms, rnd) if channel == "live" else None
        anchor_id = broadcast.anchor_id if broadcast else None
        if channel == "short_video":
            anchor_id = rnd.choice(cluster.anchors).anchor_id
        return Line(
            order_id=f"order-{number:09d}",
            parent_order_id=None,
            session_id=broadcast.session_id if broadcast else None,
            room_id=broadcast.anchor_id.replace("anchor", "room") if broadcast else None,
            anchor_id=anchor_id,
            merchant_id=rnd.choice(cluster.merchants),
            cluster_id=cluster.cluster_id,
            category=cluster.category,
            province=cluster.province,
            city=cluster.city,
            channel=channel,
            amount_fen=amount_fen,
            quantity=1 if rnd.random() < 0.8 else rnd.randint(2, 5),
            buyer_id=f"buyer-{rnd.randrange(5_000_000):07d}",
        )

    def _channel(self, amount_fen: int, paid: bool) -> str:
        """Live with a chance near `LIVE_SHARE`, steered so that the share of the money also holds in short runs."""
        rnd = self._goods
        owed_fen = LIVE_SHARE * self._sold_fen - self._live_fen
        live = rnd.random() < LIVE_SHARE + max(-0.2, min(0.2, owed_fen / (100 * amount_fen)))
        if paid:
            self._sold_fen += amount_fen
            self._live_fen += amount_fen * live
        if live:
            return "live"
        return "shelf" if rnd.random() < _SHELF_SHARE else "short_video"
