"""From produce to the organism's `received`, through two hops, beside two raw transactional loops.

Measured twice: the two hops alone, as the raw loops are, and with all the roles beside that `l233 up` starts.
The load is the same: so many events a second, each timed from the moment it was due. Of l233 every
`received` of every recipient counts, read with `read_committed`; of the raw loops the one forwarded record.
Either must answer everything. What came during the first seconds, while programs warm up, does not count.
"""

import asyncio
import gc
import json
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, Producer

from bench.job import Job
from bench.kafka import LARGE, client, create, kafka, reader
from bench.process import Process, alive, cpu_seconds, running
from bench.samples import DAY, Sample, samples
from l233.workers import PLAN
from schemas.topics import INPUT
from streaming import admin
from streaming.topics import Registry

RAW: Final = ("bench.raw.1", "bench.raw.2", "bench.raw.3")
ACKNOWLEDGEMENTS: Final = "l233.acknowledgements"
REGISTERED: Final = b"fr.l233.acknowledgement.registered.v1"
RECEIVED: Final = b"fr.l233.acknowledgement.received.v1"
PROCESSES: Final = [",".join(roles) for roles in PLAN.values()]
"""As `l233 up` starts them."""
HOPS: Final = [",".join(PLAN[name]) for name in ("intake", "organisms")]
"""Those of them that an event passes through until it is answered."""
TICK: Final = 0.005
READY_TIMEOUT: Final = 90.0
ANSWER_TIMEOUT: Final = 60.0


@dataclass(slots=True)
class Load:
    """Events that are due at a steady rate, and what came back for each."""

    rate: int
    due: dict[bytes, float] = field(default_factory=dict)
    """Event id -> when it was due (monotonic seconds)."""
    silent: set[bytes] = field(default_factory=set)
    """Ids of events that nothing has answered yet."""
    open: dict[bytes, int] = field(default_factory=dict)
    """Event id -> answers announced and still to come; below 0 while one is seen before it is announced."""
    taken: list[tuple[bytes, float]] = field(default_factory=list)
    """Event id and seconds from due to answer, one for each answer."""

    def send(self, producer: Producer, topic: str, records: Sequence[Sample]) -> None:
        """Produce the records when they are due."""
        start = time.monotonic()
        for number, record in enumerate(records):
            due = start + int(number / self.rate / TICK) * TICK
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            event = event_id(record.headers)
            self.silent.add(event)
            self.due[event] = due
            producer.produce(topic, record.value, record.key, record.partition, headers=record.headers)
            producer.poll(0)

    def announced(self, event: bytes, answers: int = 1) -> None:
        """Note that so many more answers belong to an event."""
        left = self.open.get(event, 0) + answers
        if left:
            self.open[event] = left
        else:
            self.open.pop(event, None)

    def answered(self, event: bytes, at: float) -> None:
        """Note an answer."""
        self.silent.discard(event)
        self.taken.append((event, at - self.due[event]))

    def milliseconds(self, since: float) -> list[float]:
        """Return how long the answers to events due after `since` took."""
        return [seconds * 1000 for event, seconds in self.taken if self.due[event] >= since]


def event_id(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the id of the event that a record is."""
    return next(value for header, value in headers if header == "ce_id")


def l233_answer(load: Load, message: Message, at: float) -> None:
    """Count an acknowledgement: each `registered` announces one `received`.

    Those to what an organism asks of another in turn are a third hop, and not counted.
    """
    headers = dict(message.headers() or ())
    kind, event = headers["ce_type"], headers.get("ce_causationid")
    if event not in load.due:
        return
    if kind == REGISTERED:
        load.announced(event)
    elif kind == RECEIVED:
        load.announced(event, -1)
        load.answered(event, at)


def raw_answer(load: Load, message: Message, at: float) -> None:
    """Count a record that was forwarded twice."""
    load.answered(event_id(message.headers() or []), at)


@dataclass(frozen=True, slots=True)
class System:
    """What is under load: the programs, where events go in, where answers come out and how they are read."""

    programs: Sequence[tuple[str, Job]]
    topic_in: str
    topic_out: str
    answer: Callable[[Load, Message, float], None]


def measure(system: System, bootstrap: str, options: Namespace) -> tuple[list[float], float]:
    """Return how long each answer took (ms), and the CPU of all programs in µs per event."""
    count = options.rate * (options.warm_up + options.seconds)
    # Of these days: older events would have missed their deadlines, and each would be told of that at once.
    first, *records = samples(count + 1, max(DAY, datetime.now(UTC).date()))
    gc.collect()
    gc.freeze()  # half a million objects of ours: walking through them would be measured as latency
    producer = Producer(client(bootstrap) | {"linger.ms": 0})
    with ExitStack() as stack:
        processes = [stack.enter_context(running(name, job)) for name, job in system.programs]
        consumer = stack.enter_context(reader(bootstrap, system.topic_out))
        probe = Load(options.rate)
        send(probe, producer, system, [first])
        until_answered(probe, consumer, system, processes, READY_TIMEOUT)
        load = Load(options.rate)
        used = sum(map(cpu_seconds, processes))
        sender = threading.Thread(target=send, args=(load, producer, system, records))
        sender.start()
        while sender.is_alive():
            look(load, consumer, system)
        until_answered(load, consumer, system, processes, ANSWER_TIMEOUT)
        used = sum(map(cpu_seconds, processes)) - used
        sender.join()
    since = min(load.due.values()) + options.warm_up
    return load.milliseconds(since), used / count * 1e6


def send(load: Load, producer: Producer, system: System, records: Sequence[Sample]) -> None:
    """Produce records at the load's rate."""
    load.send(producer, system.topic_in, records)
    producer.flush(30)


def look(load: Load, consumer: Consumer, system: System) -> int:
    """Take what answers are there; return how many records were seen."""
    messages = consumer.consume(2_000, timeout=0.005)
    at = time.monotonic()
    for message in messages:
        if message.error() is not None:
            raise KafkaException(message.error())
        system.answer(load, message, at)
    return len(messages)


def until_answered(
    load: Load, consumer: Consumer, system: System, processes: Sequence[Process], timeout: float
) -> None:
    """Look until everything is answered. Raises TimeoutError when it is not in time."""
    deadline = time.monotonic() + timeout
    while load.open or load.silent:
        look(load, consumer, system)
        for process in processes:
            alive(process)
        if time.monotonic() > deadline:
            waiting = load.silent | load.open.keys()
            raise TimeoutError(f"{len(waiting)} of {len(load.due)} events wait for an answer")


def l233_system(bootstrap: str, folder: Path, workers: Sequence[str]) -> System:
    """Return the real roles over the real topics; one process for each of `workers`."""
    jobs = [Job(bootstrap, f"worker-{at}", names, folder / f"{at}") for at, names in enumerate(workers)]
    asyncio.run(provision(bootstrap))
    return System([("l233_worker", job) for job in jobs], INPUT, ACKNOWLEDGEMENTS, l233_answer)


def raw_system(bootstrap: str, folder: Path) -> System:
    """Return two raw loops, one after the other."""
    create(bootstrap, dict.fromkeys(RAW, LARGE))
    hops = enumerate(pairwise(RAW))
    jobs = [
        Job(bootstrap, f"bench.raw.hop-{at}", f"{source},{target}", folder / f"raw-{at}")
        for at, (source, target) in hops
    ]
    return System([("raw_hop", job) for job in jobs], RAW[0], RAW[-1], raw_answer)


async def provision(bootstrap: str) -> None:
    """Create the project's topics as `l233 topics apply` does."""
    async with admin.connect({"bootstrap_servers": bootstrap}) as client_:
        await admin.apply(client_, Registry.load())


def percentiles(times: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    hundredths = quantiles(times, n=100)
    return round(hundredths[49], 1), round(hundredths[98], 1)


def run(options: Namespace) -> dict[str, object]:
    """Measure l233's two hops, then the raw loops on the same Kafka; then all roles, on another."""
    with kafka(options.bootstrap) as bootstrap, tempfile.TemporaryDirectory(prefix="l233-bench-") as folder:
        hops = options.workers or HOPS
        times, used = measure(l233_system(bootstrap, Path(folder), hops), bootstrap, options)
        raw_times, raw_used = measure(raw_system(bootstrap, Path(folder)), bootstrap, options)
    p50, p99 = percentiles(times)
    raw_p50, raw_p99 = percentiles(raw_times)
    found = {
        "p50_ms": p50,
        "p99_ms": p99,
        "raw_p50_ms": raw_p50,
        "raw_p99_ms": raw_p99,
        "rate": options.rate,
        "answers": len(times),
        "raw_answers": len(raw_times),
        "cpu_us": round(used, 1),
        "raw_cpu_us": round(raw_used, 1),
        "workers": hops,
    }
    return found if options.bootstrap or options.workers else found | everything(options)


def everything(options: Namespace) -> dict[str, object]:
    """Measure the same two hops with every other role at work beside them."""
    with kafka(None) as bootstrap, tempfile.TemporaryDirectory(prefix="l233-bench-") as folder:
        times, used = measure(l233_system(bootstrap, Path(folder), PROCESSES), bootstrap, options)
    p50, p99 = percentiles(times)
    return {"all_p50_ms": p50, "all_p99_ms": p99, "all_cpu_us": round(used, 1), "all_workers": PROCESSES}


def main() -> None:
    """Parse, measure, print."""
    parser = ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="events a second")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--warm-up", type=int, default=10, help="seconds under load that do not count")
    parser.add_argument("--workers", nargs="+", help="roles of each process (default: the hops; then all)")
    parser.add_argument("--bootstrap", help="a running Kafka without our topics (default: one of our own)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    print(json.dumps(run(options), indent=None if options.json else 2), file=sys.stdout)


if __name__ == "__main__":
    main()
