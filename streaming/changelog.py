"""Bringing a lane's store up to its changelog: after it, the store is what the last commit left."""

import json
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streaming.client import Connection
from streaming.store import RESERVED, Store

POSITIONS = RESERVED + b"positions"
"""Where the inputs go on, written in every transaction: `{"<topic>": <next offset>}`."""

_log = structlog.get_logger(__name__)


def encode_positions(positions: dict[str, int]) -> bytes:
    """Return the value kept under `POSITIONS`."""
    return json.dumps(positions, sort_keys=True, separators=(",", ":")).encode()


def positions(store: Store) -> dict[str, int]:
    """Return the next offset per input topic that the store's state stands for; empty for a new lane."""
    value = store.get(POSITIONS)
    return {} if value is None else dict(json.loads(value))


async def restore(
    store: Store,
    topic: str,
    number: int,
    connection: Connection,
    *,
    now_ms: Callable[[], int],
    tombstones_kept_ms: int,
    on_restored: Callable[[int], None] = lambda _: None,
) -> None:
    """Apply what the changelog holds beyond the store, and tell `on_restored` how many records each time.

    A store that is older than the changelog keeps its deletions, or that stands where the changelog
    no longer (or not yet) reaches, is restored in full.
    """
    consumer = AIOKafkaConsumer(
        **connection.client(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        # Should the changelog lose its beginning meanwhile: read on from what is left, never from its end.
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    try:
        place = TopicPartition(topic, number)
        consumer.assign([place])
        first = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        start = _start(store, first, end, now_ms() - tombstones_kept_ms)
        if start is None:
            store.wipe()
            start = first
        consumer.seek(place, start)
        while await consumer.position(place) < end:
            batches = await consumer.getmany(place, timeout_ms=500, max_records=10_000)
            for records in batches.values():
                writes = {record.key: record.value for record in records}
                store.apply(writes, next_offset=records[-1].offset + 1, now_ms=now_ms())
                on_restored(len(records))
    finally:
        await consumer.stop()


def _start(store: Store, first: int, end: int, too_old_ms: int) -> int | None:
    """Return the changelog offset to read on from, or None when the store can't be trusted."""
    applied = store.applied()
    if applied is None:
        return first
    offset, written_ms = applied
    if written_ms < too_old_ms or not first <= offset <= end:
        _log.warning("state_restored_in_full", offset=offset, first=first, end=end)
        return None
    return offset
