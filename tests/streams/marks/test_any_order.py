"""However passes, workers, faults and settles interleave: the same final set, every revision once.

A random world of tallies is settled in small steps, with passes of two workers between them, at once, inside each
other, or cut off by a store that fails before or after it did what it was told. In the end every ranking must hold what
the contract's definition gives for the tallies, by a search that knows nothing of rankings.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as StoreGone

from schemas.alerts import GROSS, NET
from streams.keys import HISTORY, Keys, shard_keys, shard_of
from streams.marks.detector import Detector
from streams.marks.facts import decode_fact
from streams.marks.names import day_id, hour_id
from streams.marks.records import SILENCE_MS
from streams.tally.sessions import Scopes
from streams.tally.windows import HOUR_MS, SHANGHAI

DAY = 20_453
FIRST = DAY * 24
#: hours of two days that things happen in
HOURS = 30
LATENESS_MS = 120_000
TAIL_MS = 2 * HOUR_MS
GROUPS = count()

#: a failure before or after the command, or what others do before it
Trouble = str | Callable[[], Awaitable[None]]
#: (rule, metric, dimension, scope id)
Where = tuple[str, str, str, str]


class UnsteadyRedis(Redis):
    """A store that fails at some commands, before or after they did their work, or lets others go first."""

    #: number of the command -> what happens to it
    troubles: dict[int, Trouble]
    commands = 0

    async def execute_command(self, *args, **options):
        self.commands += 1
        trouble = self.troubles.pop(self.commands, None)
        if trouble == "before":
            raise StoreGone("before")
        if trouble not in (None, "after"):
            await trouble()
        reply = await super().execute_command(*args, **options)
        if trouble == "after":
            raise StoreGone("after")
        return reply


# -- what happens ------------------------------------------------------------------------------
@dataclass
class World:
    """The tallies as they are, by plain dicts: what the search goes by."""

    hours: defaultdict = field(default_factory=lambda: defaultdict(int))
    minutes: defaultdict = field(default_factory=lambda: defaultdict(int))
    sessions: defaultdict = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    started: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    last_ms: defaultdict = field(default_factory=lambda: defaultdict(int))


def at(hour: int) -> int:
    return SHANGHAI.start_ms("hour", FIRST + hour)


amounts = st.integers(1, 4)
hours = st.integers(0, HOURS - 1)
clusters = st.sampled_from(["a", "b|"])
session_ids = st.sampled_from(["s1", "S2", "é|"])
scopes = st.builds(
    Scopes,
    st.sampled_from(["x", "y"]), st.sampled_from(["m", None]), st.just("a"), st.just("fur"), st.just("r"), st.none(),
)  # fmt: skip
events = st.one_of(
    st.tuples(st.just("hour"), clusters, hours, amounts),
    st.tuples(st.just("minute"), clusters, st.sampled_from(range(21 * 60, 27 * 60, 20)), amounts),
    st.tuples(st.just("paid"), session_ids, hours, amounts),
    st.tuples(st.just("refunded"), session_ids, hours, amounts),
    st.tuples(st.just("started"), session_ids, hours, scopes),
    st.tuples(st.just("ended"), session_ids, hours, st.sampled_from(["e1", "e2"])),
)
readers = st.sampled_from(["peaks", "records"])
one_pass = st.tuples(st.just("pass"), readers, st.integers(0, 1))
passes = st.one_of(
    one_pass,
    one_pass,
    st.tuples(st.just("watermark"), st.integers(0, 12)),
    st.tuples(st.just("both"), readers),
    st.tuples(st.just("fault"), st.integers(1, 8), st.sampled_from(["before", "after"])),
    # the n-th command of a pass waits until this was settled, and seen by the other worker
    st.tuples(st.just("inside"), readers, st.integers(2, 14), st.lists(events, min_size=1, max_size=3)),
)
scripts = st.lists(st.one_of(events, events, passes), min_size=10, max_size=60)
#: a shard goes back to where it was copied, or to nothing, between passes or inside of one, and little comes after it
shard_numbers = st.integers(0, 2)
back = st.tuples(st.just("back"), shard_numbers)
losses = st.one_of(back, st.tuples(st.just("under"), readers, st.integers(2, 14), shard_numbers))
read_again = st.tuples(st.just("read_again"), st.booleans())
lossy_scripts = st.builds(
    lambda *parts: [step for part in parts for step in part],
    st.lists(events, min_size=5, max_size=20),
    st.lists(passes, max_size=3),
    st.lists(st.tuples(st.just("copy"), shard_numbers), min_size=1, max_size=3),
    st.lists(events, max_size=3),
    st.lists(passes, max_size=4),
    st.lists(losses, min_size=1, max_size=2),
    st.lists(st.one_of(one_pass, read_again), max_size=3),
    st.lists(events, max_size=1),
)


#: every key of a shard with its serialised value; leases are left out, because they expire
_COPY = """
local copy = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  if key:sub(1, #ARGV[1]) == ARGV[1] and not key:find(':lease:', 1, true) then
    copy[#copy + 1] = key
    copy[#copy + 1] = redis.call('DUMP', key)
  end
end
return copy
"""


async def copy_of(redis: Redis, keys: Keys) -> dict[bytes, bytes]:
    """All that a shard holds."""
    found = await redis.eval(_COPY, 0, keys.prefix)
    return dict(zip(found[::2], found[1::2], strict=True))


async def go_back(redis: Redis, keys: Keys, copy: dict[bytes, bytes]) -> None:
    """The shard as it was."""
    now = await copy_of(redis, keys)
    async with redis.pipeline(transaction=True) as pipe:
        for key in now:
            pipe.delete(key)
        for key, value in copy.items():
            pipe.restore(key, 0, value)
        await pipe.execute()


class Run:
    """One run: the real thing beside the plain world."""

    def __init__(self, redis: UnsteadyRedis, plain: Redis, write: Callable, keys: list[Keys], min_history: int) -> None:
        self.redis, self.plain, self.keys, self.min_history = redis, plain, keys, min_history
        self.write = write(keys)
        self.world = World()
        self.hour = 0
        #: all settles of each shard, how many of them it has, and its last copy: (keys, how many)
        self.log: list[list[tuple]] = [[] for _ in keys]
        self.settled = [0 for _ in keys]
        self.copies: list[tuple[dict[bytes, bytes], int]] = [({}, 0) for _ in keys]
        self.histories = 0
        ticks = count(1_000)

        def clock() -> int:
            return next(ticks)

        self.detectors = [
            Detector(
                redis, keys, SHANGHAI, LATENESS_MS, min_history, 0, "orders", f"w{number}", clock,
                tail_ms=TAIL_MS, marks_a_pass=2 + 3 * number,
            )
            for number in range(2)
        ]  # fmt: skip

    async def step(self, step: tuple) -> None:
        kind, *rest = step
        await getattr(self, f"do_{kind}")(*rest)

    # -- settles
    async def do_hour(self, cluster: str, hour: int, amount: int) -> None:
        self.world.hours["cluster", cluster, FIRST + hour] += amount
        shard = shard_of("cluster", cluster, len(self.keys))
        day, of_day = divmod(FIRST + hour, 24)
        sums = [(self.keys[shard].hours("cluster", day, cluster), f"{of_day:02d}g", amount)]
        await self._settle(shard, sums, [f"hour|{FIRST + hour}|cluster|{cluster}"])

    async def do_minute(self, cluster: str, minute: int, amount: int) -> None:
        index = FIRST * 60 + minute
        self.world.minutes["cluster", cluster, index] += amount
        shard = shard_of("cluster", cluster, len(self.keys))
        sums = [(self.keys[shard].minutes("cluster", index // 60, cluster), f"{index % 60:02d}g", amount)]
        await self._settle(shard, sums, [f"minute|{index}|cluster|{cluster}"])

    async def do_paid(self, id: str, hour: int, amount: int) -> None:
        self.world.sessions[id, FIRST + hour][0] += amount
        self.world.hours["session", id, FIRST + hour] += amount
        sums = [(f"{FIRST + hour}g", amount)]
        await self._session(id, sums, at(hour), peaks=[f"hour|{FIRST + hour}|session|{id}"])

    async def do_refunded(self, id: str, hour: int, amount: int) -> None:
        self.world.sessions[id, FIRST + hour][1] += amount
        await self._session(id, [(f"{FIRST + hour}r", amount)], 0)

    async def do_started(self, id: str, hour: int, scopes: Scopes) -> None:
        text = f"{at(hour):015d}|e\0{msgspec.json.encode(scopes).decode()}"
        self.world.started[id] = min(text, self.world.started.get(id, text))
        await self._session(id, [], at(hour))

    async def do_ended(self, id: str, hour: int, event: str) -> None:
        text = f"{at(hour):015d}|{event}"
        self.world.ended[id] = min(text, self.world.ended.get(id, text))
        await self._session(id, [], at(hour))

    async def _session(self, id: str, sums: list[tuple[str, int]], seen_ms: int, peaks: Iterable[str] = ()) -> None:
        shard = shard_of("session", id, len(self.keys))
        keys = self.keys[shard]
        self.world.last_ms[id] = max(seen_ms, self.world.last_ms[id])
        fields = {"last_ms": self.world.last_ms[id], "first_ms": 0}
        if id in self.world.started:
            fields["started"] = self.world.started[id]
        if id in self.world.ended:
            fields["ended"] = self.world.ended[id]
        rows = [(keys.session_hours(id), name, amount) for name, amount in sums]
        await self._settle(shard, rows, peaks, [f"session|{id}"], [(keys.session(id), fields)])

    async def _settle(self, shard: int, *rows: Iterable) -> None:
        """What a shard lost is settled again before anything new."""
        self.log[shard].append(rows)
        await self._heal(shard)

    async def _heal(self, shard: int) -> None:
        for rows in self.log[shard][self.settled[shard] :]:
            await self.write(shard, *rows)
        self.settled[shard] = len(self.log[shard])
        await self._fence(shard)

    async def _fence(self, shard: int) -> None:
        at_ms = at(self.hour)
        await self.write.fence("orders", 0, shard, next=100 + self.hour, trusted_ms=at_ms, arrival_ms=at_ms, unread=0)

    # -- losses
    async def do_copy(self, shard: int) -> None:
        shard %= len(self.keys)
        self.copies[shard] = await copy_of(self.plain, self.keys[shard]), self.settled[shard]

    async def do_back(self, shard: int) -> None:
        shard %= len(self.keys)
        copy, self.settled[shard] = self.copies[shard]
        await go_back(self.plain, self.keys[shard], copy)

    async def do_under(self, reader: str, number: int, shard: int) -> None:
        """A shard goes back at the n-th command of a pass, and no other worker is there."""
        for source in range(len(self.keys)):
            self.redis.troubles[self.redis.commands + number] = lambda: self.do_back(shard)
            await self._one(reader, 0, source)
            self.redis.troubles.clear()

    async def do_read_again(self, opened: bool) -> None:
        """The worker notices, by an opening that begins a history, or by a chunk of another partition before that."""
        self.histories += 1
        for shard, keys in enumerate(self.keys):
            if opened and self.settled[shard] < len(self.log[shard]):
                await self.plain.set(keys.sequence(), self.histories * HISTORY)
            await self._heal(shard)

    # -- passes
    async def do_watermark(self, hours: int) -> None:
        self.hour += hours
        for shard in range(len(self.keys)):
            if self.settled[shard] == len(self.log[shard]):
                await self._fence(shard)

    async def do_pass(self, reader: str, worker: int) -> None:
        for shard in range(len(self.keys)):
            await self._one(reader, worker, shard)

    async def do_both(self, reader: str) -> None:
        """Two workers at once, as when one wakes up after its lease has passed to the other."""
        for shard in range(len(self.keys)):
            await asyncio.gather(self._one(reader, 0, shard), self._one(reader, 1, shard))

    async def do_fault(self, number: int, when: str) -> None:
        self.redis.troubles[self.redis.commands + number] = when

    async def do_inside(self, reader: str, number: int, steps: list[tuple]) -> None:
        async def meanwhile() -> None:
            for step in steps:
                await self.step(step)
            await self.do_pass(reader, 1)

        for shard in range(len(self.keys)):
            self.redis.troubles[self.redis.commands + number] = meanwhile
            await self._one(reader, 0, shard)
            self.redis.troubles.clear()

    async def _one(self, reader: str, worker: int, shard: int) -> bool:
        detector = self.detectors[worker]
        await self.plain.delete(self.keys[shard].lease(reader))
        try:
            result = await getattr(detector, f"{reader}_pass")(shard)
        except StoreGone:
            return True
        return result.did_work or result.more

    async def finish(self) -> None:
        self.hour = 1_000
        for shard in range(len(self.keys)):
            await self._heal(shard)
        working = True
        while working:
            working = False
            for reader in ("peaks", "records"):
                for shard in range(len(self.keys)):
                    working |= await self._one(reader, 0, shard)


# -- what must come of it ----------------------------------------------------------------------
def expected(world: World, min_history: int) -> dict[Where, set[str]]:
    """The final set of every ranking that has one, by the definition."""
    holders: defaultdict[Where, list[tuple[int, str, int, int]]] = defaultdict(list)
    for (dimension, id, hour), value in world.hours.items():
        holders["peak.hour", GROSS, dimension, id].append((hour, hour_id(hour), value, value))
    for id in {id for _, id, _ in world.minutes}:
        for day in (DAY - 1, DAY, DAY + 1):
            best = best_of_day(world, id, day)
            holders["peak.rolling", GROSS, "cluster", id].append((day, day_id(day), best, best))
    for id, started in world.started.items():
        for dimension, scope in scopes_of(started):
            end, gross, net = session_of(world, id)
            holders["record.session", GROSS, dimension, scope].append((end, id, gross, gross))
            holders["record.session", NET, dimension, scope].append((end, id, net, gross))
    found = {where: winners(each, min_history) for where, each in holders.items()}
    return {where: each for where, each in found.items() if each}


def winners(holders: list[tuple[int, str, int, int]], min_history: int) -> set[str]:
    best, history, found = 0, 0, set()
    for _, id, value, gross in sorted(holders):
        if value > best and history >= min_history:
            found.add(id)
        best, history = max(best, value), history + (gross > 0)
    return found


def best_of_day(world: World, id: str, day: int) -> int:
    first = day * 1_440
    values = [world.minutes.get(("cluster", id, first + minute), 0) for minute in range(1_440)]
    return max(sum(values[start : start + 60]) for start in range(1_381))


def scopes_of(started: str) -> list[tuple[str, str]]:
    scopes = msgspec.json.decode(started.rsplit("\0", 1)[1], type=Scopes)
    found = {
        "anchor": scopes.anchor_id, "merchant": scopes.merchant_id, "cluster": scopes.cluster_id,
        "category": scopes.category, "platform": "all",
    }  # fmt: skip
    return [(dimension, id) for dimension, id in found.items() if id]


def session_of(world: World, id: str) -> tuple[int, int, int]:
    end = int(world.ended[id][:15]) if id in world.ended else None
    limit = end + TAIL_MS if end is not None else at(10_000)
    sums = [sums for (of, hour), sums in world.sessions.items() if of == id and SHANGHAI.start_ms("hour", hour) < limit]
    gross, refunds = sum(each[0] for each in sums), sum(each[1] for each in sums)
    return (end if end is not None else world.last_ms[id] + SILENCE_MS), gross, gross - refunds


async def check(run: Run) -> None:
    states: dict[tuple[Where, str], str] = {}
    revisions: defaultdict[tuple[Where, str], int] = defaultdict(int)
    for keys in run.keys:
        for _, fields in await run.plain.xrange(keys.outbox()):
            fact = decode_fact(fields[b"f"])
            alert = (fact.rule, fact.metric, fact.dimension, fact.scope_id), fact.holder
            revisions[alert] += 1
            assert fact.revision == revisions[alert], "revisions count up, each once"
            assert fact.state != states.get(alert), "each revision is a change"
            states[alert] = fact.state
        for reader in ("peaks", "records"):
            assert await run.plain.zcard(keys.changed(reader)) == 0
            assert await run.plain.zcard(keys.closing(reader)) == 0
    found: defaultdict[Where, set[str]] = defaultdict(set)
    for (where, holder), state in states.items():
        assert state != "provisional"
        if state in ("confirmed", "reinstated"):
            found[where].add(holder)
    assert found == expected(run.world, run.min_history)


_QUIETLY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


async def play(redis: Redis, settle: Callable, script: list[tuple], shards: int, min_history: int) -> None:
    group = f"g{next(GROUPS)}"
    keys = [shard_keys(group, number) for number in range(shards)]
    pool = redis.connection_pool.connection_kwargs
    unsteady = UnsteadyRedis(host=pool["host"], port=pool["port"])
    unsteady.troubles = {}
    run = Run(unsteady, redis, settle, keys, min_history)
    try:
        for step in script:
            await run.step(step)
        await run.finish()
        await check(run)
    finally:
        await unsteady.aclose()


@_QUIETLY
@given(script=scripts, shards=st.sampled_from([1, 3]), min_history=st.sampled_from([0, 1, 2]))
async def test_any_order_ends_in_the_same_final_set(
    redis: Redis, settle: Callable, script: list[tuple], shards: int, min_history: int
) -> None:
    await play(redis, settle, script, shards, min_history)


@_QUIETLY
@given(script=lossy_scripts, shards=st.sampled_from([1, 3]), min_history=st.sampled_from([0, 1, 2]))
async def test_so_it_does_when_shards_go_back_each_by_itself(
    redis: Redis, settle: Callable, script: list[tuple], shards: int, min_history: int
) -> None:
    await play(redis, settle, script, shards, min_history)
