"""The program that watches the fences: when was which record settled. A look costs the store about 20 microseconds."""

from __future__ import annotations

import gc
import select
import sys
import time
from collections.abc import Iterator

from redis import Redis

from streams.keys import shard_keys
from streams.lab.bench.live.tasks import Step, WatchFences, main


def watch(task: WatchFences) -> list[Step]:
    """Prints `ready`; returns every move of a fence until standard input ends."""
    steps: list[Step] = []
    last: dict[int, int] = {}
    gc.disable()  # nothing here is ever let go
    print("ready", flush=True)
    with Redis.from_url(task.redis) as client:
        for nexts in _looks(client, task):
            seen_ms = time.time() * 1_000
            for partition, next_ in enumerate(nexts):
                if next_ is not None and next_ != last.get(partition):
                    last[partition] = next_
                    steps.append(Step(partition, next_, seen_ms))
    return steps


def _looks(client: Redis, task: WatchFences) -> Iterator[list[int | None]]:
    """The lowest fence of each partition, over the shards, look after look. Asked for by hand: it is done often."""
    connection = client.connection_pool.get_connection()
    asked = [
        ("HGET", shard_keys(task.group, shard).fence(task.topic, partition), "next")
        for shard in range(task.shards)
        for partition in range(task.partitions)
    ]
    packed = connection.pack_commands(asked)
    try:
        while not select.select([sys.stdin], [], [], task.every_ms / 1_000)[0]:
            connection.send_packed_command(packed, check_health=False)
            answers = [connection.read_response() for _ in asked]
            yield [_lowest(answers[partition :: task.partitions]) for partition in range(task.partitions)]
    finally:
        client.connection_pool.release(connection)


def _lowest(answers: list[bytes | None]) -> int | None:
    """None as long as a shard has no fence."""
    return None if None in answers else min(int(answer) for answer in answers if answer is not None)


if __name__ == "__main__":
    main(WatchFences, watch)
