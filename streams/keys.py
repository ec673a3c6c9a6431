"""Every Redis key, in one place. `{n}` is the shard's hash tag: all keys of a shard live in one slot.

An id stands last in its key, so that no id can be read as another key, whatever characters it has.
Windows are local indexes (`streams/tally/windows.py`). Nothing here has a TTL.
"""

from dataclasses import dataclass
from zlib import crc32

#: marks a Redis database as Hightide's; its value is the schema of the keys below
MARKER = "hightide:schema"
SCHEMA = "2"

#: a change version is (history, settles): the epoch second at which a worker last opened partitions, and what was
#: settled since. What was read before Redis lost its last writes is thus older than all after it
HISTORY = 1 << 20


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one shard of one application (`HIGHTIDE_GROUP`)."""

    prefix: str

    # -- what was decided once ---------------------------------------------------------------------
    def layout(self) -> str:
        """String, shard 0 only: the settings that stored data depend on, as they were at the first start."""
        return f"{self.prefix}layout"

    # -- progress ------------------------------------------------------------------------------
    def fence(self, topic: str, partition: int) -> str:
        """Hash: next, origin, counted, resends, rejected, holes, trusted_ms, arrival_ms, last_crc, last_ms, unread."""
        return f"{self.prefix}fence:{partition}:{topic}"

    def partitions(self) -> str:
        """Set of `partition:topic`, one for each fence of this shard."""
        return f"{self.prefix}partitions"

    def sequence(self) -> str:
        """Integer: the change version, one higher with each settle, and a new history (`HISTORY`) with each opening."""
        return f"{self.prefix}sequence"

    def settling(self) -> str:
        """String: what a settle is writing right now; left behind only by a script that died half-way."""
        return f"{self.prefix}settling"

    def first_offsets(self, topic: str, partition: int) -> str:
        """Hash: local hour -> first offset of the partition with an event of that hour (evidence)."""
        return f"{self.prefix}first:{partition}:{topic}"

    def watermark(self) -> str:
        """Integer, shard 0 only: the watermark in epoch milliseconds, it never falls."""
        return f"{self.prefix}watermark"

    def lease(self, duty: str) -> str:
        """String: the worker that holds a duty of this shard (`peaks`, `publish`, `notify`, …), expiring soon."""
        return f"{self.prefix}lease:{duty}"

    def floors(self) -> str:
        """Hash: kind of data -> local index of the first window kept of it; see `streams/retention/policy.py`."""
        return f"{self.prefix}floors"

    def swept(self) -> str:
        """Hash: kind of data -> the floor below which everything of it has been removed."""
        return f"{self.prefix}swept"

    # -- tallies -------------------------------------------------------------------------------
    def hours(self, dimension: str, day: int, id: str) -> str:
        """Hash: two digits of the hour + counter code -> sum. One day of one tally."""
        return f"{self.prefix}hours:{dimension}:{day}:{id}"

    def days(self, dimension: str, day: int, id: str) -> str:
        """Hash: counter code -> sum of the hours of a day that have been rolled up; the day is this and its `hours`."""
        return f"{self.prefix}days:{dimension}:{day}:{id}"

    def ids(self, dimension: str, day: int) -> str:
        """Hash: id -> nothing. Every id of a dimension that has an hour in a day; see `streams/tally/index.py`."""
        return f"{self.prefix}ids:{dimension}:{day}"

    def late(self, dimension: str, day: int) -> str:
        """Hash: two digits of the hour + id -> the watermark at which an order last came to that ended hour."""
        return f"{self.prefix}late:{dimension}:{day}"

    def session_hours(self, session_id: str) -> str:
        """Hash: local hour + counter code -> sum. All hours of one session; its total is their sum."""
        return f"{self.prefix}hours:session:{session_id}"

    def minutes(self, dimension: str, hour: int, id: str) -> str:
        """Hash: two digits of the minute + counter code -> sum. One hour of one tally."""
        return f"{self.prefix}minutes:{dimension}:{hour}:{id}"

    def sketch(self, of: str, dimension: str, hour: int, id: str) -> str:
        """HyperLogLog of distinct `buyers`, `merchants` or `anchors` of one hour."""
        return f"{self.prefix}{of}:{dimension}:{hour}:{id}"

    def day_sketch(self, of: str, dimension: str, day: int, id: str) -> str:
        """HyperLogLog of a day's hours that have been rolled up; the day is this and its hours' sketches."""
        return f"{self.prefix}day-{of}:{dimension}:{day}:{id}"

    def session_buyers(self, session_id: str) -> str:
        """HyperLogLog of the distinct buyers of one session."""
        return f"{self.prefix}buyers:session:{session_id}"

    def session(self, session_id: str) -> str:
        """Hash: `started`, `ended` (least event wins), `last_ms`; see `streams/tally/sessions.py`."""
        return f"{self.prefix}session:{session_id}"

    def orders(self, topic: str, partition: int, generation: int) -> str:
        """Hash: digest of an order -> its payment and refunds; of a redriven origin -> where it settled.

        By 16 local days of arrivals (`streams/intake/order.py`), on the home shard of the partition.
        """
        return f"{self.prefix}orders:{partition}:{generation}:{topic}"

    def attributions(self, topic: str, partition: int, generation: int) -> str:
        """Hash: digest -> the ids (msgpack) that the entries in `orders` stand for with it."""
        return f"{self.prefix}attributions:{partition}:{generation}:{topic}"

    def redrive(self, topic: str, partition: int) -> str:
        """Hash: offset of a refund that came before its order -> offset of the payment; to be driven again."""
        return f"{self.prefix}redrive:{partition}:{topic}"

    def totals(self) -> str:
        """Hash: `dimension:counter code` -> sum over every hour that this shard ever settled; never purged."""
        return f"{self.prefix}totals"

    # -- marks ---------------------------------------------------------------------------------
    def changed(self, reader: str) -> str:
        """Sorted set: changed thing -> the change version; a reader removes it by compare-and-delete."""
        return f"{self.prefix}changed:{reader}"

    def changed_tallies(self) -> str:
        """Hash: `version start partition` of a settle -> what changed in it, as one text (`streams/feed/names.py`).

        One field a settle, however many tallies changed: it costs the store a copy of the text, and not a place in a
        sorted set for each of them.
        """
        return f"{self.prefix}changed:tallies"

    def feed(self) -> str:
        """String: there once the topic `tallies` has everything of this shard. Remove it, and all is told again."""
        return f"{self.prefix}feed"

    def ranking(self, rule: str, metric: str, dimension: str, id: str) -> str:
        """Hash: stairs, history, alerts and holders of one ranking; see `streams/marks/book.lua`."""
        return f"{self.prefix}ranking:{rule}:{metric}:{dimension}:{id}"

    def ranking_open(self, rule: str, metric: str, dimension: str, id: str) -> str:
        """Sorted set: open holder of a ranking -> its value."""
        return f"{self.prefix}open:{rule}:{metric}:{dimension}:{id}"

    def ranking_closed(self, rule: str, metric: str, dimension: str, id: str) -> str:
        """Sorted set: closed holder, behind 15 digits of its place in the order, -> its value. Of records alone."""
        return f"{self.prefix}closed:{rule}:{metric}:{dimension}:{id}"

    def placed(self, session_id: str) -> str:
        """Set: every scope (`dimension|id`) of this shard in whose rankings a session was ever put."""
        return f"{self.prefix}placed:{session_id}"

    def closing(self, reader: str) -> str:
        """Sorted set: open holder of a ranking -> the epoch ms at which its window ends, or an earlier one."""
        return f"{self.prefix}closing:{reader}"

    def judged(self, reader: str) -> str:
        """Integer: the watermark (epoch ms) up to which a reader has closed holders; it never falls."""
        return f"{self.prefix}judged:{reader}"

    def milestones(self) -> str:
        """Set: sums (fen) for which every session of this shard was looked at; a rule that is new looks at all once."""
        return f"{self.prefix}milestones"

    def history(self) -> str:
        """Integer: offset of the topic `history` up to which its rows are raised in this shard's rankings."""
        return f"{self.prefix}history"

    def outbox(self) -> str:
        """Stream: alert revisions not yet acknowledged by the `alerts` topic."""
        return f"{self.prefix}outbox"

    def told(self) -> str:
        """Stream, shard 0 only: the topic `alerts`; entry `<offset + 1>-0`, its field `a` is the alert as JSON."""
        return f"{self.prefix}told"

    def passes(self, reader: str) -> str:
        """Hash: source shard -> the last step that a pass over its marks took here; see `streams/marks/steps.py`.

        Also `left:<shard>`, what the last pass over this shard's own marks left there, and `again`, what of `heard` is
        still to be marked again.
        """
        return f"{self.prefix}passes:{reader}"

    def heard(self, reader: str) -> str:
        """Sorted set: thing whose mark was removed -> ticket of that pass. Kept where rankings lie in other shards."""
        return f"{self.prefix}heard:{reader}"


def literal_glob(text: str) -> str:
    """`text` as a pattern of SCAN that matches nothing else."""
    return "".join(f"\\{sign}" if sign in "*?[]\\" else sign for sign in text)


def shard_keys(group: str, shard: int) -> Keys:
    """The keys of shard number `shard` of the application `group`."""
    return Keys(f"{group}:{{{shard}}}:")


def home_shard(partition: int, shards: int) -> int:
    """The shard that keeps the orders of a partition. Stable for ever, like `shard_of`."""
    return partition % shards


def shard_of(dimension: str, id: str, shards: int) -> int:
    """The shard that keeps the tallies, sketches and rankings of one id. Stable for ever: stored data depends on it."""
    return crc32(f"{dimension}:{id}".encode()) % shards if shards > 1 else 0
