"""Events a second rehearsed on one core, every agent included.

From the file's lines to the printed events, so reading, sorting and writing count; starting Python does not.
The day is the demonstration's, as `l233 rehearse` would be given it. One process, one thread: CPU seconds
are those of one core, and tell the rate when others use the machine too.
"""

import json
import os
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import median
from typing import Final

from agents.roles import ACTING, roles
from l233 import rehearsal_input
from l233 import settings as configuration
from l233.day import generate
from l233.reference import world
from l233.rehearsal import Rehearsal, quiet
from schemas.envelope import pack_structured, unpack
from schemas.topics import INPUT

DAY: Final = date(2026, 3, 2)


def lines(events: int) -> Iterator[bytes]:
    """Return events of a day in structured JSON; records that hold none are left out."""
    for record in generate(233, events, DAY):
        envelope = unpack(record.value, record.headers)
        if envelope.payload is not None:
            yield pack_structured(envelope.attributes, envelope.payload)


def measure(file: Path) -> dict[str, float]:
    """Rehearse a file, its output thrown away, and return counts, wall and CPU seconds."""
    known = world(configuration.load())
    rehearsal = Rehearsal(roles(ACTING, known))
    emitted: Counter[str] = Counter()
    began, used = time.perf_counter(), time.process_time()
    with quiet(), Path(os.devnull).open("w", encoding="utf-8") as out:
        inputs = rehearsal_input.read(str(file), known.registry.topics[INPUT].partitions)
        for moment in rehearsal.run(inputs):
            out.write(moment.as_json())
            emitted["events"] += len(moment.emitted)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    return {"inputs": len(inputs), "emitted": emitted["events"], "seconds": seconds, "cpu_seconds": used}


def run(options: Namespace) -> dict[str, object]:
    """Measure several times and return the median."""
    with tempfile.TemporaryDirectory(prefix="l233-bench-") as folder:
        file = Path(folder) / "day.jsonl"
        file.write_bytes(b"".join(line + b"\n" for line in lines(options.events)))
        rounds = [measure(file) for _ in range(options.rounds)]
    return {
        "inputs": rounds[0]["inputs"],
        "emitted": rounds[0]["emitted"],
        "events_per_second": round(median(one["inputs"] / one["seconds"] for one in rounds)),
        "events_per_cpu_second": round(median(one["inputs"] / one["cpu_seconds"] for one in rounds)),
        "rounds": options.rounds,
    }


def main() -> None:
    """Measure, and print what came out."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = run(options)
    text = (
        json.dumps(found) if options.json else "\n".join(f"{name}: {value}" for name, value in found.items())
    )
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
