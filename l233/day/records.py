"""What the generator gives: a record to publish, and the verdict that was planted in it."""

from dataclasses import dataclass
from typing import Literal

from schemas.refusal import Reason

Outcome = Literal["routed", "duplicate", "rekeyed"] | Reason
"""What becomes of a record: `rekeyed` ones are put back and come in once more, then to be routed."""


@dataclass(frozen=True, slots=True)
class GeneratedRecord:
    """A record for the input topic."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    partition: int | None
    """Where to put it against the rule; None: where murmur2 of the key says."""
    expected: Outcome
    """What intake must find, given all records before it."""
    name: str
    """The event's name, such as `contribution.paid`; for a fault, of the event that it was made from."""
