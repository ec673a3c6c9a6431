"""The scenario `chensmchen`: the night of a record in women's wear, with the five evenings that led to it.

About 140,000 records from 2025-12-26 to 2026-01-01 01:30 (Asia/Shanghai). After the fur session ends at midnight the
stream goes on for ninety minutes, so that everything of the night can close.
"""

from collections.abc import Iterator
from typing import Final

from streams.lab.simulator.broken import broken
from streams.lab.simulator.chance import Chance
from streams.lab.simulator.dates import HOUR_MS, MINUTE_MS, SECOND_MS, at
from streams.lab.simulator.evenings import (
    CORNER_SHOPS,
    HELD_BACK,
    NIGHT,
    TAKEN_BACK_SESSION,
    earlier_shows,
    fur_show,
    held_back_show,
    opening_shows,
    other_shows,
)
from streams.lab.simulator.planned import Planned, in_arrival_order
from streams.lab.simulator.refunds import Regret, bare, early, exceeding, of_strangers, paid_again, refunds
from streams.lab.simulator.resends import resent
from streams.lab.simulator.selling import Paid, broadcast, late_takings, paid_orders
from streams.lab.simulator.shelf import Trickle, fast_clock, late_payments, trickle
from streams.lab.simulator.show import Show

UNTIL_MS: Final = at(NIGHT, 25, 30)
#: local hours between which anything arrives on the earlier evenings
_EARLIER: Final = (
    ("2025-12-26", 20, 22), ("2025-12-27", 20, 22), ("2025-12-28", 18, 22), ("2025-12-29", 18, 23),
    ("2025-12-30", 20, 22),
)  # fmt: skip
#: buyers who change their mind within hours, and those of the fur that was not what it was said to be
_USUAL: Final = Regret(0.06, (20 * MINUTE_MS, 5 * HOUR_MS))
_RECALL: Final = Regret(0.65, (22 * HOUR_MS, 24 * HOUR_MS))


def chensmchen(seed: int) -> Iterator[Planned]:
    """All records in the order of their arrival."""
    chance = Chance("chensmchen", seed)
    sound = list(_sound(chance))
    copies = resent(sound, chance.part("resends"))
    flaws = broken("flaw", at(NIGHT, 17), at(NIGHT, 23), 3, chance.part("broken"))
    return in_arrival_order([*sound, *copies, *flaws], UNTIL_MS)


def _sound(chance: Chance) -> Iterator[Planned]:
    held_back = held_back_show()
    for show in [*earlier_shows(chance), fur_show(chance), *other_shows(chance), held_back, *opening_shows()]:
        sold = paid_orders(show, chance)
        yield from broadcast(show, sold, chance)
        yield from _regretted(show, sold, chance)
    yield from late_takings(held_back, HELD_BACK, (at(NIGHT, 23, 12), at(NIGHT, 23, 20)), chance)
    yield from _background(chance)


def _regretted(show: Show, sold: list[Paid], chance: Chance) -> Iterator[Planned]:
    """Each order's refunds come from one source only, so that none but the planned ones exceed their order."""
    rnd = chance.part(f"{show.session_id}/refunds")
    if show.session_id == TAKEN_BACK_SESSION:
        yield from refunds(sold, _RECALL, rnd)
        return
    hours = (at(NIGHT, 24), at(NIGHT, 25))
    if show.end_ms == at(NIGHT, 24):
        yield from exceeding(sold[:6], hours, rnd)
        yield from bare(sold[6:14], hours, rnd)
        yield from early(sold[14:18], rnd)
        yield from of_strangers(8, hours, rnd)
        sold = sold[18:]
    elif show.start_ms == at("2025-12-30", 20):
        yield from paid_again(sold[:3], (at("2025-12-30", 22), at("2025-12-30", 23)), rnd)
    yield from refunds(sold, _USUAL, rnd)


def _background(chance: Chance) -> Iterator[Planned]:
    """Shelf and short-video orders whenever anything is on, a few late ones, and one clock ten minutes ahead."""
    rnd = chance.part("shelf")
    for number, (day, start, end) in enumerate(_EARLIER):
        from_ms, until_ms = at(day, start) - 5 * MINUTE_MS, at(day, end, 12)
        yield from trickle(Trickle(f"shelf-{number}", CORNER_SHOPS, from_ms, until_ms, 12 * SECOND_MS), rnd)
    night = Trickle("shelf-night", CORNER_SHOPS, at(NIGHT, 15, 50), UNTIL_MS, 5 * SECOND_MS)
    yield from trickle(night, rnd)
    yield from trickle(Trickle("shelf-last", CORNER_SHOPS, UNTIL_MS - MINUTE_MS, UNTIL_MS, 400), rnd)
    late = Trickle("shelf-late", CORNER_SHOPS, at(NIGHT, 17), at(NIGHT, 23), 0)
    yield from late_payments(late, 10, (20 * MINUTE_MS, 90 * MINUTE_MS), rnd)
    ahead = Trickle("shelf-ahead", CORNER_SHOPS[1:], at(NIGHT, 16), UNTIL_MS, 90 * SECOND_MS)
    yield from fast_clock(ahead, 10 * MINUTE_MS, rnd)
