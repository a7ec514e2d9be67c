"""Raw aiokafka: a `getmany` loop, flush and commit once per batch; at least once."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.job import INPUT, Job


async def loop(job: Job) -> None:
    """Work until cancelled."""
    outputs = job.outputs()
    consumer = AIOKafkaConsumer(
        INPUT,
        bootstrap_servers=job.bootstrap,
        group_id=job.name,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(bootstrap_servers=job.bootstrap, linger_ms=5, max_batch_size=256 * 1024)
    async with consumer, producer:
        while True:
            for records in (await consumer.getmany(timeout_ms=200, max_records=2_000)).values():
                for record in records:
                    for topic, key, value, headers, _ in outputs(record):
                        await producer.send(topic, value, key, record.partition, headers=headers)
            await producer.flush()
            await consumer.commit()


if __name__ == "__main__":
    asyncio.run(loop(Job.parse()))
