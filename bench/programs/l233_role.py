"""A role of l233 as it ships: slices, lanes, state and transactions."""

import sys

from bench.job import INPUT, Job
from streaming.client import Connection
from streaming.handling import Role
from streaming.records import Output
from streaming.worker import run


def main() -> int:
    """Run the role until SIGTERM."""
    job = Job.parse()
    role = Role(
        name=job.name,
        inputs=(INPUT,),
        changelog=f"{job.name}.state",
        handler=job.handler(),
        dead_letter=lambda _, error: _refuse(error),
    )
    return run([role], Connection(job.bootstrap, job.folder))


def _refuse(error: Exception) -> list[Output]:
    raise RuntimeError("every measured record is a good one") from error


if __name__ == "__main__":
    sys.exit(main())
