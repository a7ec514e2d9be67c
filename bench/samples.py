"""Makes the records every program is measured on: events of invented workers, always the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import Final

from stdnum import luhn

from coordination.partitioning import partition_of
from schemas.envelope import pack_binary

PARTITIONS: Final = 4
"""As shipped."""
WORKERS: Final = 5_000

_COMMUNES: Final = ("31555", "33063", "44109", "35238", "67482", "13055", "69123", "75056", "97209", "97411")
_COMMON: Final = (
    ("contribution.paid", '"period":"2026-T1","paid":"310.00","due":"310.00","base":"1803.00"'),
    ("contribution.called", '"period":"2026-T2","due":"310.00","base":"1803.00"'),
    ("contribution.paid", '"period":"2026-03","paid":"103.33","due":"103.33","base":"601.00"'),
    ("turnover.declared", '"period":"2026-03","amount":"2750.00"'),
    ("contribution.unpaid", '"period":"2026-T1","due":"310.00","missed":1'),
    ("activity.registered", '"start":"2026-02-02","micro":true,"legal_form":"1000"'),
    ("contribution.paid", '"period":"2026-T1","paid":"155.00","due":"310.00","base":"1803.00"'),
    ("sick-leave.received", '"starts":"2026-03-02","ends":"2026-03-13"'),
)
"""Types and own data, in believable proportions: contributions are most of what a worker's producers say."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A record to produce."""

    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


DAY: Final = date(2026, 3, 1)
"""When the events happen, give or take a month, unless a measurement says otherwise."""


def samples(count: int, day: date = DAY) -> Iterator[Sample]:
    """Return `count` valid events in binary mode, about 500 bytes each, worker after worker."""
    days = [f"{day + timedelta(days=after)}T09:30:00+01:00" for after in range(28)]
    workers = [_worker(number) for number in range(WORKERS)]
    for number in range(count):
        subject, block = workers[number % WORKERS]
        name, own = _COMMON[(number // WORKERS + number) % len(_COMMON)]
        attributes = {
            "id": f"bench-{number:09d}",
            "source": "urn:fr:bench:producer",
            "type": f"fr.l233.{name}.v1",
            "subject": subject,
            "time": days[number % 28],
        }
        headers, value = pack_binary(attributes, f"{{{block},{own}}}".encode())
        key = subject.encode()
        yield Sample(partition_of(key, PARTITIONS), key, value, headers)


def _worker(number: int) -> tuple[str, str]:
    """Return the reference and the `worker` block of an invented worker."""
    digits = f"{70_000_000 + number}"
    siren = digits + luhn.calc_check_digit(digits)
    commune = _COMMUNES[number % len(_COMMUNES)]
    reference = blake2b(siren.encode(), digest_size=16).hexdigest()
    block = f'"worker":{{"siren":"{siren}","residence":"{commune}","establishment":"{commune}"}}'
    return f"worker:{reference}", block
