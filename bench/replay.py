"""Records a stream on a Kafka of its own and replays it: whether it agrees, how fast, in how much memory.

`l233 replay` runs as its users run it, in processes of its own, over a short range of the stream and twice
over all of it. Beside it: how long pydantic alone takes to validate the data of the same events.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from bench.kafka import kafka
from bench.recording import day, record, written
from schemas.envelope import unpack
from schemas.inputs import EVENT_NAMES, INPUTS
from streaming import admin
from streaming.topics import Registry

SHORT: Final = 10
"""The short range is one in so many of the events."""
_COUNTS: Final = ("events", "identical", "different", "missing", "extra", "erased")
_MIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay printed, its wall clock, the CPU seconds and the memory of its processes."""

    said: Mapping[str, Any]
    seconds: float
    cpu_seconds: float
    peak_mib: float

    def told(self) -> dict[str, object]:
        """Return what is printed of it beside its counts."""
        events = self.said["events"]
        return {
            "events": events,
            "events_per_second": self.said["events_per_second"],
            "events_per_cpu_second": round(events / self.cpu_seconds),
            "seconds_with_start": round(self.seconds, 1),
            "peak_mib_of_a_process": round(self.peak_mib),
        }


def replayed(bootstrap: str, folder: str, processes: int, *options: str) -> Replayed:
    """Run `l233 replay` in processes of its own."""
    command = [sys.executable, "-m", "l233.cli", "replay", "--json", "--processes", str(processes), *options]
    began = time.perf_counter()
    environment = {**os.environ, "L233_BOOTSTRAP": bootstrap, "L233_HOME": folder}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None  # noqa: S101  it is a pipe
        text = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"l233 replay ended with {process.returncode}")
    seconds = time.perf_counter() - began
    return Replayed(json.loads(text), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / _MIB)


def pydantic_alone(events: int) -> float:
    """Return the CPU seconds in which pydantic alone validates the data of a day's events."""
    validators = {name: model.__pydantic_validator__ for name, model in INPUTS.items()}
    used, records = 0.0, day(events)
    while some := list(islice(records, 20_000)):
        given = []
        for one in some:
            envelope = unpack(one.value, one.headers)
            name = EVENT_NAMES.get(str(envelope.attributes.get("type")))
            if name is not None and envelope.payload is not None:
                given.append((validators[name].validate_json, envelope.payload))
        began = time.process_time()
        for validate, payload in given:
            try:
                validate(payload)
            except ValueError:  # planted
                continue
        used += time.process_time() - began
    return used


async def _create(bootstrap: str) -> None:
    async with admin.connect({"bootstrap_servers": bootstrap}) as client:
        await admin.apply(client, Registry.load())


def run(events: int, processes: int) -> dict[str, object]:
    """Record, replay, and return what is printed."""
    with kafka(None) as bootstrap, tempfile.TemporaryDirectory(prefix="l233-bench-") as folder:
        asyncio.run(_create(bootstrap))
        began, records = time.perf_counter(), day(events)
        written(bootstrap, islice(records, events // SHORT))
        time.sleep(0.01)  # so that no record of what follows is of the millisecond that ends the short range
        middle = datetime.now(UTC).isoformat()
        written(bootstrap, records)
        record(bootstrap, processes)
        recording = time.perf_counter() - began
        print(f"recorded in {recording:.0f} s", file=sys.stderr)
        short = replayed(bootstrap, folder, processes, "--to", middle)
        first = replayed(bootstrap, folder, processes)
        second = replayed(bootstrap, folder, processes)
    alone = pydantic_alone(events)
    return {
        **{name: first.said[name] for name in _COUNTS},
        "events_per_second": first.said["events_per_second"],
        "digest": first.said["digest"],
        "second_digest": second.said["digest"],
        "differences": first.said["differences"][:5],
        "processes": processes,
        "recorded_in_seconds": round(recording),
        "short": short.told(),
        "first": first.told(),
        "second": second.told(),
        "pydantic_alone_cpu_seconds": round(alone, 2),
        "replay_cpu_by_pydantic": round(first.cpu_seconds / alone, 1),
    }


def main() -> None:
    """Parse, measure, print."""
    parser = ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true", help="on one line")
    options = parser.parse_args()
    print(json.dumps(run(options.events, options.processes), indent=None if options.json else 2))


if __name__ == "__main__":
    main()
