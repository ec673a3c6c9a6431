"""Step 1, chunk: takes what aiokafka's fetcher holds, batch by batch, as the records that its C code makes.

`Fetcher.fetched_records` makes one more object a record, through a generator. This is the same drain
without them. What it leans on is held by `tests/streams/intake/test_faust_surface.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException

from streams.intake.chunk import Record


async def drained(fetcher: Any, partitions: Collection[Any], timeout_s: float) -> dict[Any, list[Record]]:
    """The records that lie fetched of `partitions`, and their positions moved behind them.

    A partition of which nothing but markers was fetched is there, without records: its position has moved.
    Waits up to `timeout_s` for some; then the answer is empty. Raises what the fetch of a partition failed with.
    Nothing is awaited between a record's drain and the return.
    """
    if fetcher._subscriptions.reassignment_in_progress:
        await fetcher._subscriptions.wait_for_assignment()
    if found := _drain(fetcher, partitions):
        return found
    waiter = fetcher._create_fetch_waiter()
    done, _ = await asyncio.wait([waiter], timeout=timeout_s)
    if not done or fetcher._closed:
        waiter.cancel()
        return {}
    waiter.result()  # an authorisation error
    return {} if fetcher._subscriptions.reassignment_in_progress else _drain(fetcher, partitions)


def _drain(fetcher: Any, partitions: Collection[Any]) -> dict[Any, list[Record]]:
    found: dict[Any, list[Record]] = {}
    for partition, result in list(fetcher._records.items()):
        if partition not in partitions:
            if not fetcher._subscriptions.is_assigned(partition):
                del fetcher._records[partition]
            continue
        if type(result) is not FetchResult and found:
            continue  # what failed is said by the next call
        del fetcher._records[partition]
        fetcher._notify(fetcher._wait_consume_future)
        if type(result) is not FetchResult:
            result.check_raise()
        elif (records := _all_of(result, partition)) is not None:
            found[partition] = records
    return found


def _all_of(result: Any, partition: Any) -> list[Record] | None:
    """Every record of a fetch; None if the partition was seeked, paused or taken away since."""
    if not result.check_assignment(partition) or not result.has_more():
        return None
    unread, records = result._partition_records, []
    while unread._records.has_next():
        records += _batch(unread, unread._records.next_batch())
    result._update_position()
    result._partition_records = None
    return records


def _batch(unread: Any, batch: Any) -> list[Record]:
    """The records of one batch that were asked for; the position moves behind it, also where it has none of them."""
    if unread._check_crcs and not batch.validate_crc():
        raise CorruptRecordException(f"Invalid CRC - {unread._tp}")
    position, unread.next_fetch_offset = unread.next_fetch_offset, batch.next_offset
    if unread._isolation_level == READ_COMMITTED and _is_aborted(unread, batch):
        return []
    if batch.is_control_batch:
        return []
    records = list(batch)
    if records and records[0].offset < position:  # a batch is fetched whole, also from its middle on
        return [record for record in records if record.offset >= position]
    return records


def _is_aborted(unread: Any, batch: Any) -> bool:
    if batch.producer_id is None:
        return False
    unread._consume_aborted_up_to(batch.base_offset)
    if batch.is_control_batch and unread._contains_abort_marker(batch):
        unread._aborted_producers.discard(batch.producer_id)
    return batch.is_transactional and batch.producer_id in unread._aborted_producers
