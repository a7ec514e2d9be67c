"""What intake can say of one input record: a closed union, one of four."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from coordination.acknowledgement import Acknowledgement
from schemas.envelope import Envelope, Headers
from schemas.records import Decision, Receipt
from schemas.refusal import Refusal
from schemas.validation import Event


class InputRecord(NamedTuple):
    """A record of the input topic as it lies there. `timestamp` in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    envelope: Envelope | None = None
    """What it comes to when it is taken apart, where somebody knows already."""


class Memory(Protocol):
    """What is remembered of the workers of a lane."""

    def get(self, key: bytes, /) -> bytes | None:
        """Return what stands under a key, None when nothing does."""


class Routed(NamedTuple):
    """The event goes to the recipients of its decision.

    `acknowledgements` are those given with the decision (registered; forwarded where it applies), `writes`
    what is to be remembered, `receipt_json` the receipt as it is remembered and sent.
    """

    event: Event
    decision: Decision
    receipt: Receipt
    receipt_json: bytes
    acknowledgements: tuple[Acknowledgement, ...]
    writes: Mapping[bytes, bytes]


class Duplicate(NamedTuple):
    """The event was routed before: its producer gets the original receipt again."""

    event: Event
    receipt: Receipt
    receipt_json: bytes


class Refused(NamedTuple):
    """The event becomes a dead letter. `subject` is the worker reference when it is well formed.

    `remembered` is what was looked at of the worker's memory and stood there: what decided beside the event.
    """

    refusal: Refusal
    receipt: Receipt
    subject: str | None
    remembered: Mapping[bytes, bytes] = MappingProxyType({})


class Rekeyed(NamedTuple):
    """The record lies on the wrong partition or under another key: it is put back, whole, under these."""

    key: bytes
    partition: int


Verdict = Routed | Duplicate | Refused | Rekeyed
