"""What reaches an organism, and what it does on it: the values between its inbox and its module."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from agents.emission import MANDATE_HEADER, attributes
from coordination.acknowledgement import Acknowledgement
from coordination.instants import recorded
from coordination.outcomes import Outcome
from schemas.events import TYPE_PREFIX
from schemas.records import MANDATE, EventRef, Mandate
from streaming.records import Output, Record


class NoMandateError(ValueError):
    """A record in an inbox that no decision put there: it lacks its mandate or its event."""


@dataclass(frozen=True, slots=True)
class Request:
    """What reaches an organism: an event, and what a decision asks of it; `at` RFC 3339 when it arrived."""

    event: EventRef
    payload: bytes
    mandate: Mandate
    at: str
    causation: str | None = None
    """The id of the event that this one is about, if it says so."""

    @property
    def name(self) -> str:
        """The event's name, such as `contribution.paid`."""
        return name_of(self.event.type)

    @property
    def about(self) -> str:
        """The name of the event that a correction is about, of any other event its own."""
        corrects = self.mandate.corrects
        return self.name if corrects is None else name_of(corrects.type)

    @property
    def is_told(self) -> bool:
        """Whether this is only told: what the organism's own system said, a reminder, a file handed over."""
        return self.name in _OWN_WORDS or (self.name == _ESCALATION and self.mandate.role != "informed")


@lru_cache(maxsize=256)
def name_of(type_: str) -> str:
    """Return the name of a type of ours: `fr.l233.contribution.paid.v1` is `contribution.paid`."""
    return type_.removeprefix(TYPE_PREFIX).removesuffix(".v1")


_OWN_WORDS: Final = frozenset(
    {
        "acknowledgement.reported",
        "acknowledgement.settled",
        "acknowledgement.refused",
        "account.released",
    }
)
_ESCALATION: Final = "escalation.raised"


@dataclass(frozen=True, slots=True)
class Acts:
    """What an organism does on a request, beside saying that it has it.

    `proofs` go as reasons into the report that the organism gives by itself, if it gives one;
    `acknowledgements` are what it says beyond.
    """

    outcomes: Sequence[Outcome] = ()
    acknowledgements: Sequence[Acknowledgement] = ()
    outputs: Sequence[Output] = ()
    writes: Mapping[bytes, bytes | None] = field(default_factory=dict)
    proofs: tuple[str, ...] = ()


NOTHING: Final = Acts()


def together(*several: Acts) -> Acts:
    """Return what an organism with several missions does: all of it, in their order."""
    some = [acts for acts in several if acts is not NOTHING]
    if len(some) <= 1:
        return some[0] if some else NOTHING
    return Acts(
        outcomes=[made for acts in some for made in acts.outcomes],
        acknowledgements=[said for acts in some for said in acts.acknowledgements],
        outputs=[output for acts in some for output in acts.outputs],
        writes={key: value for acts in some for key, value in acts.writes.items()},
        proofs=tuple(dict.fromkeys(proof for acts in some for proof in acts.proofs)),
    )


def read(record: Record) -> Request:
    """Return the request that an inbox record is.

    Raises `NoMandateError` for a record that intake did not put there.
    """
    mandate = next((value for name, value in record.headers if name == MANDATE_HEADER), None)
    said = attributes(record)
    missing = [name for name in ("id", "source", "type", "subject", "time") if name not in said]
    if mandate is None or record.value is None or missing:
        raise NoMandateError(f"an inbox takes only what intake routes: no {MANDATE_HEADER} or no event")
    event = EventRef(said["id"], said["source"], said["type"], said["subject"], said["time"])
    at = recorded(record.timestamp)
    return Request(event, record.value, MANDATE.validate_json(mandate), at, said.get("causationid"))
