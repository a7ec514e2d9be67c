"""What the three missions have in common: take in what an event says of a worker, and tell what follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from agents.missions.files import CORRECTIONS, File, known, opened, said_by, writes
from agents.requests import NOTHING, Acts, Request
from agents.world import World
from coordination.outcomes import Outcome, outcome
from schemas.codes import Kind
from schemas.events import Contract
from schemas.records import EventRef
from streaming.records import Output, State


@dataclass(frozen=True, slots=True)
class Cause:
    """What something is told because of: an event, and for whom and in which case it is told."""

    event: EventRef
    name: str
    organism: str
    scheme: str
    case: str
    at: str
    competent: Mapping[Kind, str]

    def day(self, zone: ZoneInfo) -> str:
        """Return the local day of the event (ISO date)."""
        return datetime.fromisoformat(self.event.time.upper()).astimezone(zone).date().isoformat()

    def outcome(self, data: Contract, *, step: str = "", case: str | None = None) -> Outcome:
        """Return what the organism tells, in the event's case unless another is named."""
        case = self.case if case is None else case
        return outcome(self.event, self.scheme, case, data, at=self.at, organism=self.organism, step=step)


@dataclass(frozen=True, slots=True)
class Followed:
    """What follows from a change of an account: what was told by then, and what is to be told and written."""

    told: bytes | None
    outcomes: tuple[Outcome, ...] = ()
    outputs: tuple[Output, ...] = ()
    writes: Mapping[bytes, bytes | None] = field(default_factory=dict)
    proofs: tuple[str, ...] = ()


class Mission(Protocol):
    """A mission: which events its accounts take, and what it tells when one changes or is asked about."""

    kind: Kind
    takes: frozenset[str]

    def follow(self, before: File, after: File, cause: Cause, world: World) -> Followed:
        """Return what follows when an account changes."""
        ...

    def answer(self, request: Request, file: File) -> tuple[str, ...]:
        """Return what the account proves about what a request asks."""
        ...


def act(mission: Mission, request: Request, state: State, world: World) -> Acts:
    """Return what a mission does on a request that reached its organism."""
    if not _concerns(mission, request):
        return NOTHING
    made = said_by(request, mission.takes)
    before = opened(mission.kind, request.event.subject, state)
    if made is None:
        proofs = mission.answer(request, before)
        return Acts(proofs=proofs) if proofs else NOTHING
    after = replace(before, account=known(before.account, made))
    if after.account is before.account:
        return NOTHING
    followed = mission.follow(before, after, cause_of(request), world)
    kept = writes(before, replace(after, told=followed.told))
    return Acts(
        followed.outcomes,
        outputs=followed.outputs,
        writes={**kept, **followed.writes},
        proofs=followed.proofs,
    )


def cause_of(request: Request) -> Cause:
    """Return a request as the cause of what is told."""
    mandate = request.mandate
    return Cause(
        request.event,
        request.name,
        mandate.organism,
        mandate.scheme,
        mandate.case,
        request.at,
        mandate.competent,
    )


def _concerns(mission: Mission, request: Request) -> bool:
    """Return whether the organism is asked in this mission: a CGSS may have another one for this worker."""
    asked = request.mandate.competent
    return request.name in CORRECTIONS or asked.get(mission.kind) == request.mandate.organism
