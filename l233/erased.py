"""Whether what lies on the input topic is of somebody who was erased since: nobody is shown it any more."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from coordination import ids
from schemas.envelope import unpack


class Lying(Protocol):
    """A record as it lies on its topic."""

    @property
    def topic(self) -> str: ...  # noqa: D102  the protocol's names are Kafka's own
    @property
    def partition(self) -> int: ...  # noqa: D102  as above
    @property
    def offset(self) -> int: ...  # noqa: D102  as above
    @property
    def timestamp(self) -> int: ...  # noqa: D102  as above
    @property
    def key(self) -> bytes | None: ...  # noqa: D102  as above
    @property
    def value(self) -> bytes | None: ...  # noqa: D102  as above
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102  as above


def input_was_erased(record: Lying, erasures: Mapping[bytes, int]) -> bool:
    """Say whether an input record came before its worker was erased.

    One that names no worker goes with its dead letter: that has a key of its own id.
    """
    if not erasures:
        return False
    if (at := erasures.get(record.key or b"")) is not None and record.timestamp <= at:
        return True
    subject = unpack(record.value, record.headers).subject
    name = subject or ids.refusal_id(record.topic, record.partition, record.offset, "dead-letter")
    at = erasures.get(name.encode())
    return at is not None and record.timestamp <= at
