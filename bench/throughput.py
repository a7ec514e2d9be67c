"""Events a second of l233 and of good programs without its promises, in one run over the same records.

The rule is the same for all: the input topic is full before a program starts; a `read_committed` reader
outside it counts the topic that gets one output per event; the rate is taken between the looks at which a
tenth and nine tenths of the outputs were there. So neither starting up nor what is under way when the first
output shows counts, for anybody.
"""

import json
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

from bench.job import INPUT, Job
from bench.kafka import COMPACTED, LARGE, create, delete, fill, kafka, reader, watch
from bench.process import alive, cpu_seconds, running
from bench.samples import samples

PROGRAMS: Final = {
    "l233": "l233_role",
    "aiokafka": "aiokafka_loop",
    "confluent": "confluent_loop",
    "faststream": "faststream_batch",
    "quixstreams": "quixstreams_app",
    "faust": "faust_agent",
}
SHARES: Final = {"faust": 10}
"""Programs that work on one in so many of the records: rates stay comparable, and the run ends."""
WORKS: Final = ("engine", "routing")
LEAST: Final = 20_000
WINDOW: Final = (0.1, 0.9)
TIMEOUT: Final = 300.0


def measure(program: str, job: Job, goal: int) -> tuple[float, float]:
    """Run a program until `goal` outputs are seen; return its events/s and its CPU in µs per event."""
    topics: dict[str, Mapping[str, str]] = dict.fromkeys(job.outs, LARGE)
    if program == "l233":
        topics[f"{job.name}.state"] = COMPACTED | LARGE
    create(job.bootstrap, topics)
    try:
        with running(PROGRAMS[program], job) as process, reader(job.bootstrap, job.out) as consumer:
            looks = watch(consumer, goal, TIMEOUT, lambda: alive(process))
            first = next(seen for seen in looks if seen >= goal * WINDOW[0])
            began, used = time.perf_counter(), cpu_seconds(process)
            last = next(seen for seen in looks if seen >= goal * WINDOW[1])
            seconds, used = time.perf_counter() - began, cpu_seconds(process) - used
    finally:
        delete(job.bootstrap, topics, [job.name, f"l233.{job.name}"])
    return (last - first) / seconds, used / (last - first) * 1e6


def run(options: Namespace) -> dict[str, object]:
    """Measure every program at every work, round after round in turn; return medians."""
    rates: dict[str, dict[str, list[float]]] = {
        work: {name: [] for name in options.programs} for work in WORKS
    }
    cpu: dict[str, dict[str, list[float]]] = {work: {name: [] for name in options.programs} for work in WORKS}
    with kafka(options.bootstrap) as bootstrap, tempfile.TemporaryDirectory(prefix="l233-bench-") as folder:
        create(bootstrap, {INPUT: {}})
        try:
            fill(bootstrap, INPUT, samples(options.events))
            for turn in range(options.rounds):
                for work in options.works:
                    for program in options.programs:
                        name = f"bench.{program}.{work}.{turn}"
                        goal = options.events // SHARES.get(program, 1)
                        job = Job(bootstrap, name, work, Path(folder) / name)
                        rate, used = measure(program, job, goal)
                        print(
                            f"{work:8} {program:12} {rate:9,.0f} events/s {used:7.1f} µs CPU", file=sys.stderr
                        )
                        rates[work][program].append(rate)
                        cpu[work][program].append(used)
        finally:
            delete(bootstrap, [INPUT])
    return report(options, rates, cpu)


def report(
    options: Namespace, rates: dict[str, dict[str, list[float]]], cpu: dict[str, dict[str, list[float]]]
) -> dict[str, object]:
    """Return the public result: medians, and l233's rate as a multiple of everybody's."""
    result: dict[str, object] = {}
    ratios: dict[str, dict[str, float]] = {}
    for work in options.works:
        medians = {name: median(values) for name, values in rates[work].items()}
        result[work] = {name: round(value) for name, value in medians.items()}
        if "l233" in medians:
            others = {name: value for name, value in medians.items() if name != "l233"}
            ratios[work] = {name: round(medians["l233"] / value, 2) for name, value in others.items()}
    result["ratios"] = ratios
    result["cpu_us"] = {
        work: {n: round(median(v), 1) for n, v in cpu[work].items()} for work in options.works
    }
    result["events"] = {name: options.events // SHARES.get(name, 1) for name in options.programs}
    result["rounds"] = options.rounds
    result["rule"] = "outputs seen by a read_committed reader between a tenth and nine tenths / time between"
    return result


def main() -> None:
    """Parse, measure, print."""
    parser = ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help=f"at least {LEAST:,}")
    parser.add_argument("--rounds", type=int, default=1, help="interleaved; the medians are printed")
    parser.add_argument("--bootstrap", help="a running Kafka (default: one of our own)")
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.events < LEAST:
        parser.error(f"--events {options.events}: a rate needs at least {LEAST}")
    result = run(options)
    print(json.dumps(result, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
