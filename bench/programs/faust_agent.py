"""Plain Faust as its documentation shows it: `async for` over a stream, `topic.send` for each output."""

from typing import Any

import faust

from bench.job import INPUT, Job, Seen


def app(job: Job) -> faust.App:
    """Return the application."""
    outputs = job.outputs()
    application = faust.App(
        job.name,
        broker=f"kafka://{job.bootstrap}",
        datadir=str(job.folder),
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
    )
    raw: dict[str, Any] = {
        "key_type": bytes,
        "value_type": bytes,
        "key_serializer": "raw",
        "value_serializer": "raw",
    }
    written = {name: application.topic(name, **raw) for name in job.outs}

    @application.agent(application.topic(INPUT, **raw))
    async def work(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            message = event.message
            record = Seen(
                INPUT,
                message.partition,
                message.offset,
                int(message.timestamp * 1000),
                message.key,
                message.value,
                [*message.headers.items()]
                if isinstance(message.headers, dict)
                else list(message.headers or []),
            )
            for topic, key, value, headers, _ in outputs(record):
                await written[topic].send(
                    key=key, value=value, partition=message.partition, headers=dict(headers)
                )

    return application


if __name__ == "__main__":
    faust.Worker(app(Job.parse()), loglevel="ERROR", redirect_stdouts=False).execute_from_commandline()
