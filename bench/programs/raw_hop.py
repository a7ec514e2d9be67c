"""Raw aiokafka with transactions: consume, forward, commit; `--work` names the topics, `from,to`."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.job import Job


async def hop(job: Job) -> None:
    """Forward until cancelled: what was fetched together goes in one transaction with its offsets."""
    source, target = job.work.split(",")
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=job.bootstrap,
        group_id=job.name,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(bootstrap_servers=job.bootstrap, transactional_id=job.name)
    async with consumer, producer:
        while True:
            fetched = await consumer.getmany(timeout_ms=1_000, max_records=2_000)
            if not fetched:
                continue
            async with producer.transaction():
                for records in fetched.values():
                    for record in records:
                        await producer.send(
                            target, record.value, record.key, record.partition, headers=list(record.headers)
                        )
                offsets = {place: records[-1].offset + 1 for place, records in fetched.items()}
                await producer.send_offsets_to_transaction(offsets, job.name)


if __name__ == "__main__":
    asyncio.run(hop(Job.parse()))
