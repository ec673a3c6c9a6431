"""The shows of the scenario `chensmchen`: six evenings of Haining fur, and what else was on air.

The fur session is the last evening's. Every other show has a reason to be there, said beside it.
"""

from dataclasses import replace
from random import Random
from typing import Final

from streams.lab.simulator.amounts import shares
from streams.lab.simulator.chance import Chance
from streams.lab.simulator.dates import HOUR_MS, SECOND_MS, at, local_day
from streams.lab.simulator.show import Shop, Show, Takings

CATEGORY: Final = "womens-wear"
CLUSTER: Final = "haining-fur"
NIGHT: Final = "2025-12-31"
MERCHANT: Final = "merchant-chensmchen"
ANCHOR: Final = "anchor-0001"
FUR_SESSION: Final = "session-chensmchen-20251231"
BEST_EARLIER_SESSION: Final = "session-0002-20251229"
TAKEN_BACK_SESSION: Final = "session-0004-20251228"

#: what the fur session takes: in total, in its best clock hour (the sixth of eight), and in how many orders
FUR_FEN: Final = 10_750_000_000
FUR_BEST_HOUR_FEN: Final = 2_500_000_000
FUR_ORDERS: Final = 35_000
_FUR_HOURS_BEFORE, _FUR_HOURS_AFTER = (55, 70, 85, 125, 180), (175, 135)

#: prices in fen
_COATS: Final = (89_900, 129_900, 199_900, 259_900, 329_900, 459_900, 689_900, 989_900)
_SABLES: Final = (899_900, 1_299_900, 1_599_900, 2_199_900, 3_299_900)
_SMALL_WARES: Final = (1_290, 1_990, 2_990, 4_900, 9_900)


def _haining(merchant_id: str, price_list: tuple[int, ...]) -> Shop:
    return Shop(merchant_id, CLUSTER, CATEGORY, "Zhejiang", "Jiaxing", price_list)


CHENSMCHEN: Final = _haining(MERCHANT, _COATS)
RIVAL_2, RIVAL_3, RIVAL_4 = (_haining(f"merchant-{number:04d}", _SABLES) for number in (2, 3, 4))
CASES: Final = Shop(
    "merchant-0005", "shenzhen-phone-accessories", "phone-accessories", "Guangdong", "Shenzhen", _SMALL_WARES
)
TISSUE: Final = Shop("merchant-0006", "baoding-tissue", "household-paper", "Hebei", "Baoding", _SMALL_WARES)
CORNER_SHOPS: Final = (_haining("merchant-0007", _COATS), CASES, TISSUE)


def earlier_shows(chance: Chance) -> list[Show]:
    """The five evenings before: history for the rankings, a record that refunds take back, and the one to beat."""
    rnd = chance.part("earlier")
    two, five = (45, 55), (14, 18, 22, 20, 16)
    unended = _show(RIVAL_3, "anchor-0003", at("2025-12-27", 20), ramp(2_200_000_000, two, rnd), 600)
    last = _show(CHENSMCHEN, ANCHOR, at("2025-12-30", 20), ramp(3_100_000_000, two, rnd), 1_000)
    return [
        _show(CHENSMCHEN, ANCHOR, at("2025-12-26", 20), ramp(1_200_000_000, two, rnd), 700),
        _show(RIVAL_2, "anchor-0002", at("2025-12-26", 20), ramp(800_000_000, two, rnd), 300),
        _show(CHENSMCHEN, ANCHOR, at("2025-12-27", 20), ramp(1_600_000_000, two, rnd), 800),
        # its end is never declared: it closes six hours after the last that is heard of it
        replace(unended, end_ms=None),
        _show(CHENSMCHEN, ANCHOR, at("2025-12-28", 20), ramp(2_000_000_000, two, rnd), 800),
        # a record in gross and at first in net terms, until the refunds of the next evening
        _show(RIVAL_4, "anchor-0004", at("2025-12-28", 18), ramp(4_200_000_000, (23, 26, 27, 24), rnd), 900),
        # the one to beat
        _show(RIVAL_2, "anchor-0002", at("2025-12-29", 18), ramp(9_000_000_000, five, rnd), 4_500),
        # its end is declared in time but arrives seven minutes late
        replace(last, end_delay_ms=420_000),
    ]


def fur_show(chance: Chance) -> Show:
    """The session of the night: 16:00 to 24:00, a second anchor on air from 18:00 to 19:00."""
    rnd = chance.part("fur")
    rest = ramp(FUR_FEN - FUR_BEST_HOUR_FEN, _FUR_HOURS_BEFORE + _FUR_HOURS_AFTER, rnd)
    before = len(_FUR_HOURS_BEFORE)
    hours = [*rest[:before], FUR_BEST_HOUR_FEN, *rest[before:]]
    show = _show(CHENSMCHEN, ANCHOR, at(NIGHT, 16), hours, FUR_ORDERS)
    changes = ((at(NIGHT, 16), ANCHOR), (at(NIGHT, 18), "anchor-0011"), (at(NIGHT, 19), ANCHOR))
    return replace(show, anchors=changes)


def held_back_show() -> Show:
    """A rival whose orders of 21:00 come in part after 23:00, when they undo the lead of its hour of 22:00."""
    millions = (450, 550, 600, 660, 680)
    return _show(RIVAL_3, "anchor-0003", at(NIGHT, 18), [fen * 1_000_000 for fen in millions], 1_500)


#: what arrives late of that show: with it the hour of 21:00 has 720 million fen
HELD_BACK: Final = Takings(at(NIGHT, 21), at(NIGHT, 22), 60_000_000, 12)


def other_shows(chance: Chance) -> list[Show]:
    """What else is on air that night: two other clusters, and two shows that run on after midnight."""
    rnd = chance.part("others")
    after_midnight = _show(RIVAL_4, "anchor-0004", at(NIGHT, 22), ramp(900_000_000, (30, 40, 30), rnd), 500)
    still_on_air = _show(RIVAL_2, "anchor-0002", at(NIGHT, 24), ramp(200_000_000, (50, 40), rnd), 250)
    return [
        _show(CASES, "anchor-0005", at(NIGHT, 19), ramp(9_000_000, (30, 40, 30), rnd), 1_200),
        _show(TISSUE, "anchor-0006", at(NIGHT, 20), ramp(6_000_000, (20, 30, 30, 20), rnd), 900),
        after_midnight,
        replace(still_on_air, end_ms=None),
    ]


def opening_shows() -> list[Show]:
    """A dozen shows that go on air in the last minute, so that the session topic has something young to the end."""
    return [
        Show(
            session_id=f"session-{100 + number:04d}-20260101",
            room_id=f"room-{100 + number:04d}",
            title="early shift",
            shop=TISSUE,
            start_ms=at(NIGHT, 25, 29) + (10 + 4 * number) * SECOND_MS,
            end_ms=None,
            anchors=((at(NIGHT, 25, 29), f"anchor-{100 + number:04d}"),),
            takings=(),
        )
        for number in range(12)
    ]


def ramp(total_fen: int, weights: tuple[int, ...], rnd: Random) -> list[int]:
    """What each hour takes: `weights` up to 5 % more or less, adding up to `total_fen`."""
    return shares(total_fen, [weight * rnd.randint(95, 105) for weight in weights])


def _show(shop: Shop, anchor_id: str, start_ms: int, hours: list[int], orders: int) -> Show:
    """A show of whole clock hours, one entry of `hours` (fen) each; `orders` are spread like the money."""
    end_ms = start_ms + len(hours) * HOUR_MS
    counts = shares(orders, hours)
    takings = [
        Takings(from_ms, from_ms + HOUR_MS, fen, count)
        for from_ms, fen, count in zip(range(start_ms, end_ms, HOUR_MS), hours, counts, strict=True)
    ]
    name = shop.merchant_id.removeprefix("merchant-")
    return Show(
        session_id=f"session-{name}-{local_day(start_ms)}",
        room_id=f"room-{name}",
        title=f"{name} {local_day(start_ms)}",
        shop=shop,
        start_ms=start_ms,
        end_ms=end_ms,
        anchors=((start_ms, anchor_id),),
        takings=tuple(takings),
    )
