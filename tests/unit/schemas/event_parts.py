"""Parts to build records from: attributes and data that are right, to be made wrong one by one."""

import json
from collections.abc import Mapping
from typing import Final

from stdnum.fr import nir

from schemas.envelope import Envelope, pack_binary, unpack
from schemas.validation import Event, validate

ATTRIBUTES: Final[Mapping[str, str]] = {
    "specversion": "1.0",
    "id": "a1",
    "source": "urn:fr:urssaf",
    "type": "fr.l233.contribution.paid.v1",
    "subject": "worker:5f0c1e2d3b4a59687766554433221100",
    "time": "2026-03-02T09:30:00+01:00",
    "datacontenttype": "application/json",
}
DATA: Final[Mapping[str, object]] = {
    "period": "2026-03",
    "paid": "206.00",
    "due": "412.00",
    "base": "2060.00",
}


def binary(data: object = DATA, **attributes: str) -> Envelope:
    """Take apart a binary record of a payment, with other attributes or other data."""
    return raw(json.dumps(data).encode(), **attributes)


def raw(payload: bytes | None, **attributes: str) -> Envelope:
    """Take apart a binary record with these very bytes as its value."""
    headers, _ = pack_binary({**ATTRIBUTES, **attributes}, b"")
    return unpack(payload, headers)


def of_type(name: str, data: object) -> Envelope:
    """Take apart a binary record of a type."""
    return binary(data, type=f"fr.l233.{name}.v1")


def accepted(envelope: Envelope) -> Event:
    """Return the event, which must keep its contract."""
    result = validate(envelope)
    assert isinstance(result, Event), result
    return result


def refused_paths(envelope: Envelope) -> list[str]:
    """Return the paths of everything that is wrong, in the order listed; empty for an event."""
    result = validate(envelope)
    return [] if isinstance(result, Event) else [violation.path for violation in result.errors]


def with_key(thirteen: str) -> str:
    """Make a NIR of thirteen characters: computed, so that none stands in a file."""
    return thirteen + str(nir.calc_check_digits(thirteen))
