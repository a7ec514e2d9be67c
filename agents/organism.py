"""What the seven organisms have in common: an inbox, a check of competence, an acknowledgement.

An organism's own module says what it is and, activity by activity, what it does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from agents.emission import MANDATE_HEADER, attributes, outcome
from agents.intake import acknowledge
from agents.world import World
from coordination.acknowledgement import Acknowledgement, answer, reported
from coordination.intake import instant
from coordination.outcomes import Outcome
from coordination.reporting import reports_by_itself
from schemas.events import TYPE_PREFIX
from schemas.records import MANDATE, EventRef, Mandate
from streaming.context import named
from streaming.records import Output, Record, Result, State

_log = structlog.get_logger(__name__)


class NoMandateError(ValueError):
    """A record in an inbox that no decision put there: it lacks its mandate or its event."""


@dataclass(frozen=True, slots=True)
class Request:
    """What reaches an organism: an event, and what a decision asks of it; `at` RFC 3339 when it arrived."""

    event: EventRef
    payload: bytes
    mandate: Mandate
    at: str

    @property
    def name(self) -> str:
        """The event's name, such as `contribution.paid`."""
        return self.event.type.removeprefix(TYPE_PREFIX).removesuffix(".v1")


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


class Organism:
    """The handler of an organism's inbox. Subclasses name the agent and the article, and say what it does."""

    agent: str
    article: str

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, record: Record, state: State) -> Result:
        """Receive a request (or refuse it with its ground), act on it, and report where nobody is needed."""
        request = read(record)
        mandate = request.mandate
        given = answer(mandate, request.event, self.agent, self.world.directory, request.at)
        if given.level == "refused":
            _log.warning("organism_refused", organism=given.organism, **named(record))
            return Result([acknowledge(self.agent, given)])
        acts = self.act(request, state)
        outputs = [
            acknowledge(self.agent, given),
            *(outcome(self.agent, made) for made in acts.outcomes),
            *(acknowledge(self.agent, said) for said in acts.acknowledgements),
            *acts.outputs,
        ]
        if reports_by_itself(request.name, mandate.role):
            report = reported(mandate, request.event, request.at, acts.proofs)
            outputs.append(acknowledge(self.agent, report))
        return Result(outputs, acts.writes)

    def act(self, request: Request, state: State) -> Acts:
        """Return what the organism does on a request that it has received."""
        return NOTHING


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
    return Request(event, record.value, MANDATE.validate_json(mandate), instant(record.timestamp))
