"""What a case costs per message: reading, folding, its facts, and its public state once a transaction.

Sample events go through intake and every organism; what these say is given to `cases` hop by hop, in
transactions as large as a busy lane's, so that the messages of a case come one after the other but not in a
row. CPU time of one thread, the best round of several: others use the machine too.
"""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from agents.cases import ROLE as CASES
from agents.roles import ACTING, load_world, roles
from bench.faults.replayed import Lane
from bench.job import Memory, Seen
from bench.samples import samples
from streaming.records import Later, Output
from streaming.topics import Registry

TRANSACTION: Final = 1_000
"""Messages in one transaction."""
AT_MS: Final = 1_772_442_000_000
ROUNDS: Final = 7
READ: Final = frozenset({"l233.decisions", "l233.acknowledgements", "l233.outcomes"})


def messages(events: int) -> Sequence[Seen]:
    """Return what `cases` reads because of so many events, a transaction's worth of these at a time."""
    lanes = {role.name: Lane(role) for role in roles(ACTING, load_world(Registry.load()))}
    inputs = [
        Seen("l233.events", one.partition, 0, AT_MS, one.key, one.value, one.headers)
        for one in samples(events)
    ]
    found: list[Seen] = []
    for _, batch in groupby(enumerate(inputs), key=lambda one: one[0] // TRANSACTION):
        hop = [("intake", record) for _, record in batch]
        while hop:
            outputs = [out for name, record in hop for out in _worked(lanes[name], record)]
            found += [_seen(out) for out in outputs if out.topic in READ]
            hop = [(out.topic[11:], _seen(out)) for out in outputs if out.topic.startswith("l233.inbox.")]
    return found


def _worked(lane: Lane, record: Seen) -> Iterable[Output]:
    return [output for result in lane.work(record) for output in result.outputs]


def _seen(output: Output) -> Seen:
    return Seen(output.topic, 0, 0, AT_MS, output.key, output.value, output.headers)


def measure(found: Sequence[Seen]) -> float:
    """Return the CPU microseconds per message."""
    (role,) = roles((CASES,), load_world(Registry.load()))
    memory = Memory()
    began = time.thread_time()
    for transaction in _transactions(found):
        latest: dict[bytes | None, Output | Later] = {}
        for message in transaction:
            result = role.handler(message, memory)
            memory.update(result.writes)
            latest |= {one.key: one for one in result.latest}
        for last in latest.values():
            if isinstance(last, Later):
                last.output()
    return (time.thread_time() - began) / len(found) * 1e6


def _transactions(found: Sequence[Seen]) -> Iterator[Sequence[Seen]]:
    for start in range(0, len(found), TRANSACTION):
        yield found[start : start + TRANSACTION]


def main() -> int:
    """Print what was measured."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000, help="sample events")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    options = parser.parse_args()
    found = messages(options.events)
    rounds = sorted(measure(found) for _ in range(ROUNDS))
    told = {
        "messages_per_event": round(len(found) / options.events, 1),
        "best_us_per_message": round(rounds[0], 1),
        "median_us_per_message": round(rounds[ROUNDS // 2], 1),
    }
    print(json.dumps(told) if options.json else told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
