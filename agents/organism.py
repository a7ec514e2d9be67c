"""What the seven organisms have in common: an inbox, a check of competence, an acknowledgement.

An organism's own module says what it is and, activity by activity, what it does.
"""

from dataclasses import dataclass

import structlog

from agents.emission import MANDATE_HEADER, attributes
from agents.intake import acknowledge
from agents.world import World
from coordination.acknowledgement import answer
from coordination.intake import instant
from schemas.records import MANDATE, EventRef, Mandate
from streaming.context import named
from streaming.records import Record, Result, State

_log = structlog.get_logger(__name__)


class NoMandateError(ValueError):
    """A record in an inbox that no decision put there: it lacks its mandate or its event."""


@dataclass(frozen=True, slots=True)
class Request:
    """What reaches an organism: an event, and what a decision asks of it."""

    event: EventRef
    payload: bytes
    mandate: Mandate


class Organism:
    """The handler of an organism's inbox. Subclasses name the agent and the article it comes from."""

    agent: str
    article: str

    def __init__(self, world: World) -> None:
        self._directory = world.directory

    def __call__(self, record: Record, state: State) -> Result:
        """Receive a request: `received` when the organism is served here and competent, else `refused`."""
        request = read(record)
        given = answer(request.mandate, request.event, self.agent, self._directory, instant(record.timestamp))
        if given.level == "refused":
            _log.warning("organism_refused", organism=given.organism, **named(record))
        return Result([acknowledge(self.agent, given)])


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
    return Request(event, record.value, MANDATE.validate_json(mandate))
