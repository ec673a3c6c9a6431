"""What the bench's orders are like: everything that decides how hard they are to tally, in one table."""

from typing import Any, Final, NamedTuple

#: event types in the order of their shares
ORDER_TYPES: Final = ("order.paid", "order.created", "order.cancelled", "order.refunded")
CHANNELS: Final = ("live", "shelf", "short_video")


class Profile(NamedTuple):
    """One kind of load. Every event has all nine ids: null ids would fall together and make it easier.

    `zipf_exponent` is that of sessions: the n-th of them sells in proportion to 1 / n ** exponent. Shares are of
    events, in the order of `ORDER_TYPES` and `CHANNELS`. `events_a_second` is of event time, not of the wall.
    """

    name: str
    sessions: int = 2_000
    anchors: int = 700
    merchants: int = 1_500
    clusters: int = 830
    categories: int = 60
    buyers: int = 2_000_000
    zipf_exponent: float = 1.0
    events_a_second: int = 5_000
    type_shares: tuple[float, ...] = (0.60, 0.30, 0.08, 0.02)
    channel_shares: tuple[float, ...] = (0.63, 0.27, 0.10)

    def facts(self) -> dict[str, Any]:
        """The profile as it is written beside results."""
        return {
            **self._asdict(),
            "type_shares": dict(zip(ORDER_TYPES, self.type_shares, strict=True)),
            "channel_shares": dict(zip(CHANNELS, self.channel_shares, strict=True)),
        }

    def in_words(self) -> str:
        """One line for people."""
        kinds = ("sessions", "anchors", "merchants", "clusters", "categories", "buyers")
        types = zip(self.type_shares, ORDER_TYPES, strict=True)
        channels = zip(self.channel_shares, CHANNELS, strict=True)
        return "; ".join(
            (
                ", ".join(f"{getattr(self, kind):,} {kind}" for kind in kinds),
                f"sessions sell by Zipf, exponent {self.zipf_exponent:g}",
                ", ".join(f"{share:.0%} {name}" for share, name in types),
                ", ".join(f"{share:.0%} {name}" for share, name in channels),
                f"{self.events_a_second:,} events a second of event time, each with all nine ids",
            )
        )


#: `hard` has no goal for its rate: hardly two events share a tally, as on a platform of millions of anchors
PROFILES: Final = {
    each.name: each
    for each in (
        Profile("stated"),
        Profile("hard", sessions=2_857_000, anchors=1_000_000, merchants=2_143_000, buyers=20_000_000),
    )
}
