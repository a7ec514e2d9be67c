"""FastStream: a batch subscriber of 1,000 that publishes batches; acknowledged after each; at least once."""

import asyncio
from collections import defaultdict
from typing import Any

from aiokafka import ConsumerRecord
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage, KafkaPublishMessage

from bench.job import INPUT, Job


def app(job: Job) -> FastStream:
    """Return the application."""
    outputs = job.outputs()
    broker = KafkaBroker(job.bootstrap, linger_ms=5, max_batch_size=256 * 1024, logger=None)

    @broker.subscriber(
        INPUT,
        batch=True,
        max_records=1_000,
        group_id=job.name,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=_undecoded,
    )
    async def work(message: KafkaMessage) -> None:
        raw: tuple[ConsumerRecord[Any, Any], ...] = message.raw_message
        batches: dict[tuple[str, int], list[KafkaPublishMessage]] = defaultdict(list)
        sent = []
        for record in raw:
            for topic, key, value, headers, _ in outputs(record):
                if headers:  # a published batch has one set of headers for all of its messages
                    named = {name: text.decode() for name, text in headers}
                    sent.append(
                        await broker.publish(
                            value, topic, key=key, partition=record.partition, headers=named, no_confirm=True
                        )
                    )
                else:
                    batches[topic, record.partition].append(KafkaPublishMessage(value, key=key))
        for (topic, partition), messages in batches.items():
            await broker.publish_batch(*messages, topic=topic, partition=partition)
        await asyncio.gather(*sent)

    return FastStream(broker, logger=None)


async def _undecoded(message: object) -> list[bytes]:
    """Leave the bodies alone: the work reads the raw records."""
    return []


if __name__ == "__main__":
    asyncio.run(app(Job.parse()).run())
