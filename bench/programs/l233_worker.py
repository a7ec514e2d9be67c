"""The real roles in one process, with the real topics: `--work` names them, separated by commas."""

import sys

from agents.roles import load_world, roles
from bench.job import Job
from streaming.client import Connection
from streaming.topics import Registry
from streaming.worker import run


def main() -> int:
    """Run the roles until SIGTERM."""
    job = Job.parse()
    return run(roles(job.work.split(","), load_world(Registry.load())), Connection(job.bootstrap, job.folder))


if __name__ == "__main__":
    sys.exit(main())
