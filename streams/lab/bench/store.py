"""What the bench asks the store: how far the fences are, what commands cost, and that a run's keys go away again."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from streams.keys import Keys, literal_glob, shard_keys
from streams.settings import Settings

_AT_ONCE = 2_000
#: commands that cost less of the store than this are not worth a line
_LEAST_US_PER_EVENT = 0.01


@dataclass(frozen=True, slots=True)
class StoreUse:
    """What the store has done so far, or in a span: `commands` maps a name to calls and microseconds.

    Scripts count twice, as themselves and as the commands inside; `cpu_s` is the whole process.
    """

    cpu_s: float
    commands: dict[str, tuple[int, int]]

    def since(self, before: StoreUse) -> StoreUse:
        """What was done after `before`."""
        none = (0, 0)
        commands = {
            name: (calls - before.commands.get(name, none)[0], usec - before.commands.get(name, none)[1])
            for name, (calls, usec) in self.commands.items()
        }
        return StoreUse(self.cpu_s - before.cpu_s, commands)

    def calls(self, command: str) -> int:
        """How often a command was called, by clients and scripts."""
        return self.commands.get(command, (0, 0))[0]

    def by_command(self, events: int) -> dict[str, dict[str, float]]:
        """Calls and microseconds an event, the dearest first."""
        dearest = sorted(self.commands.items(), key=lambda item: -item[1][1])
        return {
            name: {"calls_per_event": round(calls / events, 5), "us_per_event": round(usec / events, 3)}
            for name, (calls, usec) in dearest
            if usec / events >= _LEAST_US_PER_EVENT
        }


async def read_use(redis: Redis) -> StoreUse:
    """What the store has done since it was started."""
    cpu, commands = await redis.info("cpu"), await redis.info("commandstats")
    return StoreUse(
        cpu_s=cpu["used_cpu_user"] + cpu["used_cpu_sys"],
        commands={
            name.removeprefix("cmdstat_"): (int(each["calls"]), int(each["usec"])) for name, each in commands.items()
        },
    )


async def settled(redis: Redis, settings: Settings, topic: str) -> int | None:
    """How many records of `topic` lie below the fences, in the shard that is furthest behind; None until all stand."""
    totals = []
    for keys in _shards(settings):
        async with redis.pipeline(transaction=False) as pipe:
            for partition in range(settings.partitions):
                pipe.hmget(keys.fence(topic, partition), "next", "origin")
            fences = await pipe.execute()
        if any(next_ is None for next_, _ in fences):
            return None
        totals.append(sum(int(next_) - int(origin) for next_, origin in fences))
    return min(totals)


async def marks_left(redis: Redis, settings: Settings) -> int:
    """Changed tallies and sessions that detection has not looked at yet."""
    changed = [keys.changed(reader) for keys in _shards(settings) for reader in ("peaks", "records")]
    return sum([int(await redis.zcard(key)) for key in changed])


async def index_memory(redis: Redis, settings: Settings) -> int:
    """Bytes that the order index takes in the store, as the store tells them."""
    total = 0
    for keys in _shards(settings):
        for family in ("orders", "attributions"):
            async for key in redis.scan_iter(match=f"{literal_glob(keys.prefix)}{family}:*", count=_AT_ONCE):
                total += int(await redis.memory_usage(key, samples=0) or 0)
    return total


async def forget(redis: Redis, group: str) -> None:
    """Remove every key of `group`."""
    found: list[bytes] = []
    async for key in redis.scan_iter(match=f"{group}:*", count=_AT_ONCE):
        found.append(key)
        if len(found) >= _AT_ONCE:
            await redis.unlink(*found)
            found.clear()
    if found:
        await redis.unlink(*found)


def _shards(settings: Settings) -> list[Keys]:
    return [shard_keys(settings.group, shard) for shard in range(settings.shards)]
