"""Because of what something is told: an event, for whom, and in which case."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from agents.requests import Request
from agents.world import World
from coordination.outcomes import Outcome, outcome
from schemas.codes import Kind
from schemas.events import Contract
from schemas.records import EventRef


class Cause(NamedTuple):
    """An event because of which something is told, for whom and in which case; `agent` tells it."""

    event: EventRef
    name: str
    organism: str
    scheme: str
    case: str
    at: str
    competent: Mapping[Kind, str]
    agent: str

    def day(self, zone: ZoneInfo) -> str:
        """Return the local day of the event (ISO date)."""
        return datetime.fromisoformat(self.event.time.upper()).astimezone(zone).date().isoformat()

    def outcome(self, data: Contract, *, step: str = "", case: str | None = None) -> Outcome:
        """Return what the organism tells, in the event's case unless another is named."""
        case = self.case if case is None else case
        return outcome(self.event, self.scheme, case, data, at=self.at, organism=self.organism, step=step)


def cause_of(request: Request, world: World) -> Cause:
    """Return a request as the cause of what is told."""
    task = request.task
    return Cause(
        event=request.event,
        name=request.name,
        organism=task.organism,
        scheme=task.scheme,
        case=request.case,
        at=request.at,
        competent=task.competent,
        agent=world.directory.organisms[task.organism].agent,
    )
