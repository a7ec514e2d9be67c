"""What a worker's records that can't be worked just now cost everybody else: nothing that can be felt.

Some keys fail for random times, again and again: what comes for them then is parked and tried again, in its
order. Every record is timed from the moment it was due to a `read_committed` reader; only those of the keys
that never fail count. The same load without failures, in turn with it, is what they are compared with. A run
in which a record is lost, repeated or out of its key's order fails.
"""

import gc
import json
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Final

from confluent_kafka import Message, Producer

from bench.job import INPUT, Job
from bench.kafka import COMPACTED, client, create, delete, kafka, reader
from bench.latency import READY_TIMEOUT, Load, System, event_id, look, percentiles, send, until_answered
from bench.process import running
from bench.programs.parking_role import UNTIL
from bench.samples import PARTITIONS, Sample
from coordination.partitioning import partition_of

SECONDS_FAILING: Final = (0.2, 3.0)
SECONDS_BETWEEN: Final = (0.5, 4.0)
DRAINED_WITHIN: Final = 60.0


class OrderError(RuntimeError):
    """A key's records were answered out of their order, or one of them twice."""


@dataclass(slots=True)
class Order:
    """What each key may be answered next."""

    next: dict[bytes, int] = field(default_factory=dict)

    def take(self, key: bytes, sent: int, worked: int) -> None:
        """Take an answer: the number a record was sent under, and the one it was worked under.

        Raises OrderError when either is not the next one of its key.
        """
        expected = self.next.get(key, 0)
        if (sent, worked) != (expected, expected):
            raise OrderError(f"{key!r}: expected record {expected}, got {sent}, worked as {worked}")
        self.next[key] = expected + 1


@dataclass(frozen=True, slots=True)
class Failing:
    """When the keys that fail do so: for each, spans of seconds since the run began."""

    spans: dict[int, Sequence[tuple[float, float]]]

    def until(self, key: int, second: float) -> float | None:
        """Return the second at which a key that fails now can be worked again, None when it does not fail."""
        return next((ends for starts, ends in self.spans.get(key, ()) if starts <= second < ends), None)


def failing(keys: int, seconds: float, random: Random) -> Failing:
    """Return random times in which the first `keys` keys fail."""
    return Failing({key: tuple(spans(seconds, random)) for key in range(keys)})


def spans(seconds: float, random: Random) -> Iterator[tuple[float, float]]:
    """Yield the times in which one key fails, over and over."""
    now = random.uniform(*SECONDS_BETWEEN) / 2
    while now < seconds:
        ends = now + random.uniform(*SECONDS_FAILING)
        yield now, ends
        now = ends + random.uniform(*SECONDS_BETWEEN)


def records(options: Namespace, times: Failing, began_ms: int) -> list[Sample]:
    """Return the load: the keys in turn, each record with its number, and until when it can't be worked."""
    count = options.rate * (options.warm_up + options.seconds)
    made = []
    for at in range(count):
        key, number = at % options.keys, at // options.keys
        name = b"k%05d" % key
        headers = [("ce_id", b"%b-%d" % (name, number)), ("sent", b"%d" % number)]
        until = times.until(key, at / options.rate)
        if until is not None:
            headers.append((UNTIL, b"%d" % (began_ms + int(until * 1000))))
        made.append(Sample(partition_of(name, PARTITIONS), name, b"x" * 500, headers))
    return made


def answer(order: Order, load: Load, message: Message, at: float) -> None:
    """Count an answer, and hold it to its key's order."""
    headers = dict(message.headers() or ())
    key = message.key() or b""
    if key != b"ready":
        order.take(key, int(headers["sent"]), int(headers["number"]))
    load.answered(headers["ce_id"], at)


def measure(options: Namespace, bootstrap: str, job: Job, times: Failing) -> tuple[list[float], float, int]:
    """Return the milliseconds that the others' records took, the longest of one that failed, how many did."""
    topic_in = f"{job.name}.{INPUT}"
    topics = {topic_in: {}, job.out: {}, f"{job.name}.state": COMPACTED}
    create(bootstrap, topics)
    order = Order()
    system = System([("parking_role", job)], topic_in, job.out, partial(answer, order))
    gc.collect()
    gc.freeze()
    try:
        producer = Producer(client(bootstrap) | {"linger.ms": 0})
        with ExitStack() as stack:
            processes = [stack.enter_context(running(name, one)) for name, one in system.programs]
            consumer = stack.enter_context(reader(bootstrap, system.topic_out))
            probe = Load(options.rate)
            ready = [Sample(n, b"ready", b"", [("ce_id", b"ready-%d" % n)]) for n in range(PARTITIONS)]
            send(probe, producer, system, ready)
            until_answered(probe, consumer, system, processes, READY_TIMEOUT)
            load = Load(options.rate)
            made = records(options, times, time.time_ns() // 1_000_000)
            sender = threading.Thread(target=send, args=(load, producer, system, made))
            sender.start()
            while sender.is_alive():
                look(load, consumer, system)
            until_answered(load, consumer, system, processes, DRAINED_WITHIN)
            sender.join()
    finally:
        delete(bootstrap, topics, [f"l233.{job.name}"])
    since = min(load.due.values()) + options.warm_up
    failed = {event_id(one.headers) for one in made if any(name == UNTIL for name, _ in one.headers)}
    spared = {event_id(one.headers) for one in made if int(one.key[1:]) >= options.failing}
    took = [wait * 1000 for event, wait in load.taken if event in spared and load.due[event] >= since]
    waits = [wait * 1000 for event, wait in load.taken if event in failed]
    return took, max(waits, default=0.0), len(failed)


def run(options: Namespace) -> dict[str, object]:
    """Measure with and without failures, in turn; return the medians of the rounds."""
    calm, disturbed = list[tuple[float, float]](), list[tuple[float, float]]()
    longest, parked = 0.0, 0
    seconds = options.warm_up + options.seconds
    with kafka(options.bootstrap) as bootstrap, tempfile.TemporaryDirectory(prefix="l233-bench-") as folder:
        for turn in range(options.rounds):
            for name, figures in (("calm", calm), ("failing", disturbed)):
                random = Random(turn)
                times = failing(options.failing if name == "failing" else 0, seconds, random)
                job = Job(
                    bootstrap, f"bench.parking.{name}.{turn}", "engine", Path(folder) / f"{name}.{turn}"
                )
                took, wait, failed = measure(options, bootstrap, job, times)
                figures.append(percentiles(took))
                longest, parked = max(longest, wait), parked + failed
                print(f"{name:8} p50 {figures[-1][0]:7} ms  p99 {figures[-1][1]:7} ms", file=sys.stderr)
    p99, calm_p99 = median(figure[1] for figure in disturbed), median(figure[1] for figure in calm)
    return {
        "p99_ms": p99,
        "undisturbed_p99_ms": calm_p99,
        "ratio": round(p99 / calm_p99, 2),
        "p50_ms": median(figure[0] for figure in disturbed),
        "undisturbed_p50_ms": median(figure[0] for figure in calm),
        "keys": options.keys,
        "failing": options.failing,
        "records_that_failed": parked,
        "longest_wait_ms": round(longest),
        "lost": 0,
        "out_of_order": 0,
        "rate": options.rate,
        "rounds": options.rounds,
    }


def main() -> None:
    """Parse, measure, print."""
    parser = ArgumentParser(prog="python -m bench.parking", description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000)
    parser.add_argument("--failing", type=int, default=50, help="keys that fail")
    parser.add_argument("--rate", type=int, default=1_000, help="records a second")
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--warm-up", type=int, default=4, help="seconds under load that do not count")
    parser.add_argument("--rounds", type=int, default=5, help="with and without failures, in turn")
    parser.add_argument("--bootstrap", help="a running Kafka (default: one of our own)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    print(json.dumps(run(options), indent=None if options.json else 2))


if __name__ == "__main__":
    main()
