"""Retirement: the rights that contributions open, recorded and reconciled (CSS art. L215-1, L225-1, L)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from agents.emission import asking
from agents.emission import outcome as record_of
from agents.missions import mission
from agents.missions.causes import Cause
from agents.missions.files import File
from agents.missions.mission import Followed
from agents.requests import Acts, Request
from agents.world import World
from coordination import ids, rights
from coordination.calendar import deadline
from coordination.contributions import changed
from coordination.rights import Told, reconcile
from coordination.rulebook import Clock
from schemas.codes import Kind
from schemas.emitted import RightsMismatch, RightsRecorded
from schemas.records import Mandate
from streaming.records import Output, State

_NOTHING_TOLD: Final = Told()


class Retirement:
    """Records incomes with contributions paid, and compares them with what was declared."""

    kind: Kind = "retirement"
    takes = frozenset({"income.declared", "contribution.paid", "contribution.unpaid"})
    asked = frozenset[str]()

    def follow(self, before: File, after: File, cause: Cause, world: World) -> Followed:
        """Tell the rights that change, year by year, and the differences that appear."""
        told = _NOTHING_TOLD if before.told is None else rights.decode(before.told)
        years = {int(about[:4]) for about in changed(before.account, after.account)}
        found = reconcile(cause.organism, after.account, told, world.parameters, years)
        outcomes = []
        outputs: list[Output] = []
        for said in found.said:
            year = said.year
            match said:
                case RightsRecorded():
                    closing = mismatch_case(after.worker, year) if year in found.closed else None
                    outcomes.append(cause.outcome(said, step=str(year), case=closing))
                case RightsMismatch():
                    outputs.extend(_raised(said, mismatch_case(after.worker, year), cause, world))
        return Followed(
            rights.encode(found.told), tuple(outcomes), tuple(outputs), proofs=_waiting(found.told)
        )

    def timers(self, before: File, after: File, cause: Cause, world: World) -> Mapping[bytes, bytes | None]:
        """Nothing here depends on the day."""
        return {}

    def answer(self, request: Request, file: File) -> tuple[str, ...]:
        """Retirement is never asked for proofs: it asks."""
        return ()


RETIREMENT: Final = Retirement()


def act_retirement(request: Request, state: State, world: World) -> Acts:
    """Return what a retirement organism does: `rights.recorded` at every change, `rights.mismatch`."""
    return mission.act(RETIREMENT, request, state, world)


def mismatch_case(worker: str, year: int) -> str:
    """Return the case in which the declared and the recorded income of a year are reconciled."""
    return ids.uuid5("rights-mismatch", worker, str(year))


def _waiting(told: Told) -> tuple[str, ...]:
    return tuple(
        f"rights of {year} wait: scheme/parameters.csv has no line for {year}" for year in told.waiting
    )


def _raised(said: RightsMismatch, case: str, cause: Cause, world: World) -> list[Output]:
    """Return a difference as records: among the outcomes, and in the inbox of the collection organism.

    Both say what is asked of it, so that its case knows its deadline. Without a clock in the scheme, or
    without a collection organism, nobody is asked.
    """
    mandate = _mandate(case, cause, world)
    made = cause.outcome(said, step=str(said.year), case=case)
    told = record_of(cause.agent, made)
    if mandate is None:
        return [told]
    asked = asking(told, world.directory.organisms[mandate.organism].agent, mandate)
    return [asked._replace(topic=told.topic), asked]


def _mandate(case: str, cause: Cause, world: World) -> Mandate | None:
    clock, organism = _clock(cause, world), cause.competent.get("collection")
    if clock is None or organism is None:
        return None
    asked = world.directory.named(organism)
    return Mandate(
        case=case,
        organism=organism,
        role="lead",
        activity="future-rights",
        acknowledge="reported",
        by=deadline(_instant(cause), clock.delay, asked.organism.zone, asked.holidays),
        basis=clock.basis,
        status=clock.status,
        scheme=cause.scheme,
        competent=dict(cause.competent),
    )


def _clock(cause: Cause, world: World) -> Clock | None:
    clocks = world.rulebook.version(cause.scheme).clocks.values()
    return next((clock for clock in clocks if clock.event == "rights.mismatch"), None)


def _instant(cause: Cause) -> datetime:
    return datetime.fromisoformat(cause.at)
