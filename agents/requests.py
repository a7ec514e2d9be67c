"""What reaches an organism, and what it does on it: the values between its inbox and its module."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, Self

from pydantic_core import from_json

from agents.emission import MANDATE_HEADER
from coordination.acknowledgement import Acknowledgement
from coordination.instants import recorded
from coordination.outcomes import Outcome
from schemas.codes import Kind
from schemas.events import TYPE_PREFIX
from schemas.records import MANDATE, Acknowledge, CorrectedEvent, EventRef, Mandate, Status
from schemas.types import Role
from streaming.records import Output, Record


class NoMandateError(ValueError):
    """A record in an inbox that no decision put there: it lacks its mandate or its event."""


class Task(NamedTuple):
    """What a mandate asks, whatever the case is: many cases ask the same. Fields as in `Mandate`."""

    organism: str
    role: Role
    activity: str
    acknowledge: Acknowledge
    by: str
    basis: str
    status: Status
    scheme: str
    corrects: CorrectedEvent | None
    competent: dict[Kind, str]

    @classmethod
    def of(cls, mandate: Mandate) -> Self:
        """Return what a mandate asks."""
        return cls(*[getattr(mandate, name) for name in cls._fields])


class Request(NamedTuple):
    """What reaches an organism: an event, and what a decision asks of it; `at` RFC 3339 when it arrived.

    `name` is the event's, such as `contribution.paid`.
    """

    event: EventRef
    name: str
    payload: bytes
    case: str
    task: Task
    at: str
    causation: str | None = None
    """The id of the event that this one is about, if it says so."""

    @property
    def mandate(self) -> Mandate:
        """All that the mandate says."""
        return Mandate(self.case, *self.task)

    @property
    def about(self) -> str:
        """The name of the event that a correction is about, of any other event its own."""
        corrects = self.task.corrects
        return self.name if corrects is None else name_of(corrects.type)

    @property
    def is_told(self) -> bool:
        """Whether this is only told: what the organism's own system said, a reminder, a file handed over."""
        return self.name in _OWN_WORDS or (self.name == _ESCALATION and self.task.role != "informed")


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


_NO_WRITES: Final[Mapping[bytes, bytes | None]] = MappingProxyType({})


class Acts(NamedTuple):
    """What an organism does on a request, beside saying that it has it.

    `proofs` go as reasons into the report that the organism gives by itself, if it gives one;
    `acknowledgements` are what it says beyond.
    """

    outcomes: Sequence[Outcome] = ()
    acknowledgements: Sequence[Acknowledgement] = ()
    outputs: Sequence[Output] = ()
    writes: Mapping[bytes, bytes | None] = _NO_WRITES
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
    headers = dict(record.headers)
    mandate, value = headers.get(MANDATE_HEADER), record.value
    said = tuple(map(headers.get, _OF_AN_EVENT))
    if mandate is None or value is None or None in said:
        raise NoMandateError(f"an inbox takes only what intake routes: no {MANDATE_HEADER} or no event")
    event, name = _event(said)
    case, task = _case_and_task(mandate)
    causation = headers.get("ce_causationid")
    return Request(
        event,
        name,
        value,
        case,
        task,
        recorded(record.timestamp),
        None if causation is None else causation.decode(),
    )


_OF_AN_EVENT: Final = ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_time")


@lru_cache(maxsize=1_024)
def _event(said: tuple[bytes, ...]) -> tuple[EventRef, str]:
    """Return which event is meant, and its name; its recipients read of it one soon after another."""
    event = EventRef(*[value.decode() for value in said])
    return event, name_of(event.type)


def _case_and_task(mandate: bytes) -> tuple[str, Task]:
    """Return what a mandate says. The case comes first; the rest is the same in many cases, so it is kept."""
    case, comma, rest = mandate.partition(_AFTER_THE_CASE)
    if not (comma and case.startswith(_CASE)):
        said = MANDATE.validate_json(mandate)
        return said.case, Task.of(said)
    return from_json(case[len(_CASE) :] + b'"'), _task(rest)


_CASE: Final = b'{"case":'
_AFTER_THE_CASE: Final = b'","organism":'
"""The first of these ends the case: within a text, JSON has a backslash before each quote."""


@lru_cache(maxsize=4_096)
def _task(rest: bytes) -> Task:
    """Return what is asked; `rest` is what follows the case in a mandate."""
    return Task.of(MANDATE.validate_json(_CASE + b'"' + _AFTER_THE_CASE + rest))
