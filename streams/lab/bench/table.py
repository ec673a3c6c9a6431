"""The table of the bench's arms: one program each, on the same topic. A new arm is a file in `arms` and a line here."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Final

from streams.lab.bench.arms.hightide import hightide
from streams.lab.bench.children import in_child, peers_job
from streams.lab.bench.ground import Ground
from streams.lab.bench.measured import Measured

#: plain Faust is slow, and its rate does not depend on how long it runs
PLAIN_EVENTS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Arm:
    """One program. `about` says in one line what it does and what is measured; `run` does it once.

    `needs` is a module of the extra `bench`.
    """

    name: str
    about: str
    run: Callable[[Ground], Awaitable[Measured]]
    needs: str | None = None

    @property
    def missing(self) -> bool:
        """Whether it can not run because the module that it needs is not installed."""
        return self.needs is not None and find_spec(self.needs) is None


_ARMS: Final = (
    Arm(
        "hightide",
        "the worker process, from Kafka to settled tallies in Redis, detection on, order index off; measured from its "
        "partitions being opened (before the first fetch) until all fences stand at the end",
        hightide,
    ),
    Arm(
        "order index",
        "the same with `HIGHTIDE_ORDER_INDEX=on`: every payment is remembered, and asked for",
        partial(hightide, order_index=True),
    ),
    Arm(
        "peers job",
        "count, amount and units of paid orders by hour, per cluster and per anchor, in memory, through our transport "
        "in a Faust app; measured from its partitions being opened until both aggregations are read; sums checked",
        peers_job,
    ),
    Arm(
        "plain faust",
        "`async for order in orders` with a typed record, as Faust's documents show it, the same counters in dicts; "
        f"measured from the first event to the last, at most {PLAIN_EVENTS:,} of them",
        in_child("streams.lab.bench.arms.plain_faust", PLAIN_EVENTS),
    ),
    Arm(
        "raw aiokafka",
        "getmany, nothing decoded; measured from before the first fetch to the last record",
        in_child("streams.lab.bench.arms.raw_aiokafka"),
    ),
    Arm(
        "raw confluent",
        "consume, nothing decoded, `fetch.queue.backoff.ms=5`; measured as raw aiokafka; its threads may use two cores",
        in_child("streams.lab.bench.arms.raw_confluent"),
        needs="confluent_kafka",
    ),
    Arm(
        "pure core",
        "admit, judge, fold and rows on records that are in memory already, without I/O",
        in_child("streams.lab.bench.arms.pure_core"),
    ),
    Arm(
        "resend memory",
        "every event id looked up and remembered, ids that are decoded already; its CPU and resident bytes an event",
        in_child("streams.lab.bench.arms.resend_memory"),
    ),
)

#: by name, in the order in which they are run and shown
ARMS: Final = {arm.name: arm for arm in _ARMS}


def chosen(names: Sequence[str]) -> list[Arm]:
    """The arms of these names, each once, in the order of the table."""
    return [arm for name, arm in ARMS.items() if name in names]
