"""Quix Streams: one expanding function from records to outputs; at least once."""

from collections.abc import Sequence

from quixstreams import Application, message_context
from quixstreams.models.serializers import SerializationContext, Serializer

from bench.job import INPUT, Job, Seen
from streaming.records import Output


class OutputValue(Serializer):
    """Takes the value out of an output, which until then is whole so that it can choose its topic."""

    def __call__(self, output: Output, ctx: SerializationContext) -> bytes:
        """Return the bytes to write."""
        return output.value or b""


def run(job: Job) -> None:
    """Work until killed."""
    outputs = job.outputs()
    app = Application(
        job.bootstrap,
        consumer_group=job.name,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        use_changelog_topics=False,
        state_dir=job.folder,
        loglevel="ERROR",
    )
    raw = {"value_deserializer": "bytes", "key_deserializer": "bytes"}
    written = {
        name: app.topic(name, value_serializer=OutputValue(), key_serializer="bytes") for name in job.outs
    }

    def work(value: bytes, key: bytes, timestamp: int, headers: list[tuple[str, bytes]]) -> Sequence[Output]:
        at = message_context()
        return outputs(Seen(INPUT, at.partition, at.offset, timestamp, key, value, headers or []))

    frame = app.dataframe(app.topic(INPUT, **raw)).apply(work, expand=True, metadata=True)
    frame = frame.set_headers(lambda output, *_: list(output.headers))
    frame.to_topic(lambda output, *_: written[output.topic], key=lambda output: output.key)
    app.run()


if __name__ == "__main__":
    run(Job.parse())
