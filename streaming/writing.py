"""Writing records from the outside, as a producer of events does: in order, each once, all or an error."""

import asyncio
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaProducer

from streaming.client import Connection
from streaming.records import Output

_AT_ONCE = 1_000
"""Records handed over before the first of them is waited for."""


async def write(
    connection: Connection, outputs: Iterable[Output], on_written: Callable[[int], None] = lambda _: None
) -> int:
    """Write records in order and return how many, once Kafka has them all.

    A record without a partition goes where murmur2 of its key says. `on_written` is told the count so far.
    Raises aiokafka's errors; what was written before stays written.
    """
    producer = AIOKafkaProducer(
        **connection.client(),
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=256 * 1024,
        max_request_size=8 * 1024 * 1024,
    )
    await producer.start()
    try:
        count, sent = 0, list[asyncio.Future[object]]()
        for output in outputs:
            sent.append(
                await producer.send(
                    output.topic,
                    output.value,
                    key=output.key,
                    partition=output.partition,
                    headers=list(output.headers),
                )
            )
            if len(sent) == _AT_ONCE:
                count += len(await asyncio.gather(*sent))
                on_written(count)
                sent.clear()
        count += len(await asyncio.gather(*sent))
        on_written(count)
        return count
    finally:
        await producer.stop()
