"""What every measured program works on is the same, and good."""

from collections import Counter
from pathlib import Path

from bench.job import Job, Seen
from bench.samples import PARTITIONS, samples
from coordination.partitioning import partition_of
from schemas.envelope import unpack
from schemas.validation import Event, validate


def test_every_sample_keeps_its_contract_and_lies_on_its_worker_s_partition() -> None:
    """A refused or rekeyed record would measure another path than the one that is named."""
    for sample in samples(500):
        event = validate(unpack(sample.value, sample.headers))
        assert isinstance(event, Event)
        assert sample.key == event.subject.encode()
        assert sample.partition == partition_of(sample.key, PARTITIONS)


def test_the_samples_of_a_number_are_always_the_same() -> None:
    """Rounds and programs can be compared."""
    assert list(samples(50)) == list(samples(80))[:50]


def test_routing_gives_each_sample_exactly_one_receipt_in_the_topics_of_the_job() -> None:
    """The topic that is watched tells how many events were worked."""
    job = Job("nowhere:1", "bench.test", "routing", Path())
    work = job.outputs()
    outputs = [
        output
        for offset, sample in enumerate(samples(200))
        for output in work(
            Seen("bench.input", sample.partition, offset, 0, sample.key, sample.value, sample.headers)
        )
    ]
    topics = Counter(output.topic for output in outputs)
    assert topics[job.out] == 200
    assert topics.keys() <= set(job.outs)
    assert len(outputs) > 3 * 200  # decision, receipt, and at least one inbox and acknowledgement
