"""The scenario `concetery`: a night of one merchant over six rooms and 42 anchors, and the three shows before it.

The first show ever sold 200 pieces in 110 minutes for a little over 5,000 yuan; the night takes 1.2 million.
"""

from collections.abc import Iterator
from typing import Final

from streams.lab.simulator.amounts import shares
from streams.lab.simulator.broken import broken
from streams.lab.simulator.chance import Chance
from streams.lab.simulator.dates import HOUR_MS, MINUTE_MS, SECOND_MS, at, local_day
from streams.lab.simulator.planned import Planned, in_arrival_order
from streams.lab.simulator.refunds import Regret, refunds
from streams.lab.simulator.resends import resent
from streams.lab.simulator.selling import broadcast, paid_orders
from streams.lab.simulator.shelf import Trickle, trickle
from streams.lab.simulator.show import Shop, Show, Takings

MERCHANT: Final = "merchant-concetery"
NIGHT: Final = "2025-12-19"
ROOMS: Final = 6
ANCHORS_A_ROOM: Final = 7
#: the night in total, and the first show ever
NIGHT_FEN: Final = 120_000_000
NIGHT_ORDERS: Final = 12_000
FIRST_SESSION: Final = "session-concetery-1-20251128"
FIRST_FEN: Final = 523_600
FIRST_PIECES: Final = 200

UNTIL_MS: Final = at(NIGHT, 26)
#: how long an anchor is on air before the next one takes over
_TURN_MS: Final = 45 * MINUTE_MS
_SHOP: Final = Shop(
    MERCHANT, "humen-apparel", "womens-wear", "Guangdong", "Dongguan", (2_900, 4_900, 7_900, 9_900, 12_900, 19_900)
)
_REGRET: Final = Regret(0.08, (15 * MINUTE_MS, 3 * HOUR_MS))


def concetery(seed: int) -> Iterator[Planned]:
    """All records in the order of their arrival, from 2025-11-28 20:00 to 2025-12-20 02:00 (Asia/Shanghai)."""
    chance = Chance("concetery", seed)
    sound = list(_sound(chance))
    copies = resent(sound, chance.part("resends"))
    flaws = broken("flaw", at(NIGHT, 19), at(NIGHT, 23), 1, chance.part("broken"))
    return in_arrival_order([*sound, *copies, *flaws], UNTIL_MS)


def _sound(chance: Chance) -> Iterator[Planned]:
    for show in [*history(), *night(chance)]:
        sold = paid_orders(show, chance)
        yield from broadcast(show, sold, chance)
        yield from refunds(sold, _REGRET, chance.part(f"{show.session_id}/refunds"))
        end_ms = show.takings[-1].end_ms
        quiet = Trickle(f"shelf-{show.session_id}", [_SHOP], show.start_ms, end_ms + 10 * MINUTE_MS, MINUTE_MS)
        yield from trickle(quiet, chance.part(quiet.name))
    rnd = chance.part("shelf")
    yield from trickle(Trickle("shelf-night", [_SHOP], at(NIGHT, 24), UNTIL_MS, 8 * SECOND_MS), rnd)
    yield from trickle(Trickle("shelf-last", [_SHOP], UNTIL_MS - MINUTE_MS, UNTIL_MS, 400), rnd)


def history() -> list[Show]:
    """The three shows before, each on one evening in one room: the first one ever with one anchor and small money."""
    return [
        _show(1, at("2025-11-28", 20), 110 * MINUTE_MS, (201,), FIRST_FEN, FIRST_PIECES, most_pieces=1),
        _show(1, at("2025-12-05", 20), 60 * MINUTE_MS, (201, 202, 203), 3_800_000, 600),
        _show(1, at("2025-12-12", 20), 60 * MINUTE_MS, (201, 202, 203, 204), 11_500_000, 1_400),
    ]


def night(chance: Chance) -> list[Show]:
    """Six rooms that begin ten minutes apart, each handed from anchor to anchor every 45 minutes."""
    rnd = chance.part("rooms")
    money = shares(NIGHT_FEN, [rnd.randint(90, 110) for _ in range(ROOMS)])
    orders = shares(NIGHT_ORDERS, money)
    return [
        _show(
            room,
            at(NIGHT, 18, 10 * room),
            _TURN_MS,
            tuple(range(200 + room * 10, 200 + room * 10 + ANCHORS_A_ROOM)),
            money[room - 1],
            orders[room - 1],
        )
        for room in range(1, ROOMS + 1)
    ]


def _show(
    room: int,
    start_ms: int,
    turn_ms: int,
    anchors: tuple[int, ...],
    gmv_fen: int,
    orders: int,
    most_pieces: int = 4,
) -> Show:
    """A show of one turn for each anchor; every turn takes more than the one before."""
    starts = [start_ms + turn * turn_ms for turn in range(len(anchors))]
    money = shares(gmv_fen, range(4, 4 + len(anchors)))
    counts = shares(orders, money)
    return Show(
        session_id=f"session-concetery-{room}-{local_day(start_ms)}",
        room_id=f"room-concetery-{room}",
        title=f"concetery, room {room}",
        shop=_SHOP,
        start_ms=start_ms,
        end_ms=starts[-1] + turn_ms,
        anchors=tuple((from_ms, f"anchor-{number:04d}") for from_ms, number in zip(starts, anchors, strict=True)),
        takings=tuple(
            Takings(from_ms, from_ms + turn_ms, fen, count)
            for from_ms, fen, count in zip(starts, money, counts, strict=True)
        ),
        most_pieces=most_pieces,
    )
