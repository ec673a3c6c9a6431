"""The whole platform in numbers: what is public, and what had to be assumed, each with its reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

#: days a year
YEAR = 365.0


def _of(default: float, about: str) -> Any:
    """A number with what it means; the words are printed beside it."""
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A platform. Shares are between 0 and 1."""

    anchors: float = _of(9_480_000, "anchors (public)")
    merchants: float = _of(1_500_000, "merchants (public)")
    clusters: float = _of(830, "industrial clusters above 100 million yuan (public)")
    provinces: float = _of(27, "provinces (public)")
    cities: float = _of(130, "cities (public)")
    orders_a_year: float = _of(15.4e9, "orders a year (public)")
    peak_factor: float = _of(50, "the busiest moment, times the mean (given)")
    categories: float = _of(60, "categories (assumed, as in the profile)")
    events_per_order: float = _of(1 / 0.6, "events an order (assumed, as in the profile: 60 % are payments)")
    anchors_on_air: float = _of(0.10, "share of the anchors who sell on a day (assumed)")
    hours_on_air: float = _of(4, "hours that one of them sells, in one session (assumed)")
    merchants_selling: float = _of(0.30, "share of the merchants who sell on a day (assumed)")
    merchant_hours: float = _of(8, "hours of the day in which one of them sells (assumed)")
    hour_days: float = _of(35, "days that hours and sketches are kept (contract)")
    long_days: float = _of(400, "days that coarse hours, days and sessions are kept (contract)")
    minute_days: float = _of(3, "days that minutes are kept (contract)")
    order_days: float = _of(
        38, "days that an order is known: 30, and half of the 16 that are dropped at once (setting)"
    )
    topic_days: float = _of(7, "days that the topic of orders is kept (topics create)")
    replicas: float = _of(3, "copies of the topic (usual)")
    dedupe_s: float = _of(900, "seconds of the resend memory (setting)")
    store_use: float = _of(0.65, "share of a store's memory to fill: copies while it saves, fragments (usual)")
    core_use: float = _of(0.60, "share of a core to plan with (usual)")

    @property
    def events_per_s(self) -> float:
        """The mean of a year."""
        return self.orders_a_year * self.events_per_order / (YEAR * 86_400)

    @property
    def orders_a_day(self) -> float:
        """The mean of a year."""
        return self.orders_a_year / YEAR

    @property
    def anchor_days(self) -> float:
        """Anchors who sell, a day: so many sessions, too."""
        return self.anchors * self.anchors_on_air

    @property
    def anchor_hours(self) -> float:
        """Hours that anchors sell, a day; never more than there are orders."""
        return min(self.anchor_days * self.hours_on_air, self.orders_a_day)

    @property
    def sessions(self) -> float:
        """All that are kept."""
        return self.anchor_days * self.long_days

    @property
    def rolled_up_days(self) -> float:
        """Days that are kept without their hours."""
        return self.long_days - self.hour_days

    def assumptions(self) -> list[str]:
        """Every number with its words."""
        return [f"{_number(getattr(self, each.name))}  {each.metadata['about']}" for each in fields(self)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
