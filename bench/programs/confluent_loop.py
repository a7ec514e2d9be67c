"""confluent-kafka: a loop over batches of 2,000, flush and commit once per batch; at least once."""

from confluent_kafka import Consumer, Producer

from bench.job import INPUT, Job, Seen


def loop(job: Job) -> None:
    """Work until killed."""
    outputs = job.outputs()
    consumer = Consumer(
        {
            "bootstrap.servers": job.bootstrap,
            "group.id": job.name,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer(
        {"bootstrap.servers": job.bootstrap, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000}
    )
    consumer.subscribe([INPUT])
    while True:
        messages = consumer.consume(2_000, timeout=0.2)
        for message in messages:
            record = Seen(
                INPUT,
                message.partition(),
                message.offset(),
                message.timestamp()[1],
                message.key(),
                message.value(),
                message.headers() or [],
            )
            for topic, key, value, headers, _ in outputs(record):
                producer.produce(topic, value, key, record.partition, headers=list(headers))
        if messages:
            producer.flush()
            consumer.commit(asynchronous=False)


if __name__ == "__main__":
    loop(Job.parse())
