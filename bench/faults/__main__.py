"""The command line of the fault run. Exit code 0 when nothing was lost, repeated or changed, else 1."""

import json
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from bench.faults.experiment import Plan, run
from bench.kafka import kafka
from streaming.topics import Registry


def options() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=233)
    parser.add_argument("--bootstrap", help="a Kafka without l233 topics; default: one of our own")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument(
        "--folder", type=Path, help="where logs and state are kept; default: nowhere for long"
    )
    return parser.parse_args()


def tell(text: str) -> None:
    """Show progress."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run, print, and return the exit code."""
    given = options()
    registry = Registry.load()
    with kafka(given.bootstrap) as bootstrap, tempfile.TemporaryDirectory(prefix="l233-faults-") as scratch:
        plan = Plan(given.events, given.kills, given.seed)
        findings = run(plan, bootstrap, given.folder or Path(scratch), registry, tell)
    if given.json:
        print(json.dumps(asdict(findings)))
    else:
        for name, count in asdict(findings).items():
            print(f"{name:17} {count}")
    return 0 if findings.clean else 1


if __name__ == "__main__":
    sys.exit(main())
