"""A role of l233 that can't work some records until a time that they name: their keys are parked."""

import sys
from typing import Final

from bench.job import INPUT, Job
from streaming.client import Connection
from streaming.handling import Role
from streaming.parking import Retry
from streaming.records import Handler, Output, Record, Result, State
from streaming.worker import run

UNTIL: Final = "until"
"""Header: the milliseconds since the epoch from which on a record can be worked."""


def main() -> int:
    """Run the role until SIGTERM."""
    job = Job.parse()
    role = Role(
        name=job.name,
        inputs=(f"{job.name}.{INPUT}",),
        changelog=f"{job.name}.state",
        handler=answering(job.out),
        dead_letter=lambda _, error: _refuse(error),
    )
    return run([role], Connection(job.bootstrap, job.folder))


def answering(topic: str) -> Handler:
    """Return a handler that numbers the records of each key, and parks those that can't be worked yet."""

    def handle(record: Record, state: State) -> Result:
        until = next((int(value) for name, value in record.headers if name == UNTIL), 0)
        if record.timestamp < until:
            raise Retry("the system of this key does not answer")
        key = record.key or b""
        number = int(state.get(key) or b"0")
        headers = [*record.headers, ("number", b"%d" % number)]
        return Result([Output(topic, key, record.value, headers)], {key: b"%d" % (number + 1)})

    return handle


def _refuse(error: Exception) -> list[Output]:
    raise RuntimeError("every measured record is a good one") from error


if __name__ == "__main__":
    sys.exit(main())
