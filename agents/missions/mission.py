"""What the three missions have in common: take in what an event says of a worker, and tell what follows."""

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from agents.missions import handover
from agents.missions.causes import Cause, cause_of
from agents.missions.files import CORRECTIONS, File, known, opened, said_by, writes
from agents.requests import NOTHING, Acts, Request
from agents.world import World
from coordination.contributions import EMPTY, decode
from coordination.outcomes import Outcome
from schemas.codes import Kind
from schemas.records import ACCOUNT, AccountReleased
from streaming.records import Output, State


class Followed(NamedTuple):
    """What follows from a change of an account: what was told by then, and what is to be told."""

    told: bytes | None
    outcomes: tuple[Outcome, ...] = ()
    outputs: tuple[Output, ...] = ()
    proofs: tuple[str, ...] = ()


NOTHING_FOLLOWS: Final = Followed(None)
"""For a mission that never tells anything: it has no timers either."""


class Mission(Protocol):
    """A mission: which events its accounts take, what it is asked, what it tells when an account changes."""

    kind: Kind
    takes: frozenset[str]
    asked: frozenset[str]

    def follow(self, before: File, after: File, cause: Cause, world: World) -> Followed:
        """Return what follows when an account changes."""
        ...

    def timers(self, before: File, after: File, cause: Cause, world: World) -> Mapping[bytes, bytes | None]:
        """Return the timers to set when an account changes."""
        ...

    def answer(self, request: Request, file: File) -> tuple[str, ...]:
        """Return what the account proves about what a request asks."""
        ...


def act(mission: Mission, request: Request, state: State, world: World) -> Acts:
    """Return what a mission does on a request that reached its organism."""
    if not _may_concern(mission, request):
        return NOTHING
    before = opened(mission.kind, request.event.subject, state)
    after, acts = _worked(mission, request, before, world)
    kept = writes(before, after)
    if not kept:
        return acts
    if acts is NOTHING:
        return Acts(writes=kept)
    return Acts(
        acts.outcomes,
        acts.acknowledgements,
        acts.outputs,
        {**kept, **acts.writes},
        acts.proofs,
    )


def _may_concern(mission: Mission, request: Request) -> bool:
    """Return whether the organism is asked in this mission: a CGSS may have another one for this worker."""
    name, task = request.name, request.task
    if name in handover.MOVING:
        return True
    if name not in mission.asked and request.about not in mission.takes:
        return False
    return task.competent.get(mission.kind) == task.organism or name in CORRECTIONS


def _worked(mission: Mission, request: Request, file: File, world: World) -> tuple[File, Acts]:
    """Work one request: the file by then, and what is to be told."""
    if request.name == handover.RELEASED:
        return _handed(mission, ACCOUNT.validate_json(request.payload), request, file, world)
    if request.name == handover.MOVED:
        return handover.moved(request, file, world)
    if request.name in mission.asked:
        return file, Acts(proofs=mission.answer(request, file))
    return _taken_in(mission, request, file, world)


def _taken_in(mission: Mission, request: Request, file: File, world: World) -> tuple[File, Acts]:
    """Take in what an event says; tell what follows, or pass it on to the agent that holds the account."""
    made = said_by(request, mission.takes)
    if made is None:
        return file, NOTHING
    after = file.knowing(known(file.account, made))
    cause = cause_of(request, world)
    holder = handover.elsewhere(file, cause.agent, world)
    if holder is None:
        return _followed(mission, file, after, cause, world)
    late = handover.late(holder, file.mission, known(EMPTY, made), cause)
    return after, Acts(outputs=[handover.record(late, cause, request.mandate, world)])


def _followed(mission: Mission, before: File, after: File, cause: Cause, world: World) -> tuple[File, Acts]:
    """Tell what follows from a change of the account."""
    if after.account is before.account:
        return before, NOTHING
    followed = mission.follow(before, after, cause, world)
    if followed is NOTHING_FOLLOWS:
        return after.having_told(None), NOTHING
    timers = mission.timers(before, after, cause, world)
    return after.having_told(followed.told), Acts(
        followed.outcomes, (), followed.outputs, timers, followed.proofs
    )


def _handed(
    mission: Mission, handed: AccountReleased, request: Request, file: File, world: World
) -> tuple[File, Acts]:
    """Take in what another agent hands over: a whole account, or what came late for one that is here."""
    if handed.mission != mission.kind:
        return file, NOTHING
    if not handed.passed:
        return _taken_over(mission, handed, handover.cause_handed(handed, request, world), file, world)
    news, cause = decode(handed.account.encode()), handover.cause_handed(handed, request, world)
    holder = handover.elsewhere(file, cause.agent, world)
    after = file.knowing(file.account.merged(news))
    if holder is None or handed.passed >= handover.LIMIT:
        return _followed(mission, file, after, cause, world)
    late = handover.late(holder, file.mission, news, cause, handed.passed)
    return after, Acts(outputs=[handover.record(late, cause, request.mandate, world)])


def _taken_over(
    mission: Mission, handed: AccountReleased, cause: Cause, file: File, world: World
) -> tuple[File, Acts]:
    """Take a worker's account over, with what was told of it: now the move can be accepted."""
    account, told = decode(handed.account.encode()), None if handed.told is None else handed.told.encode()
    given = file._replace(account=account, told=told, custody=file.custody.with_account(handed.event.id))
    after = given.knowing(account.merged(file.account))
    followed = mission.follow(given, after, cause, world)
    timers = mission.timers(File(file.mission, file.worker), after, cause, world)
    return after.having_told(followed.told), Acts(followed.outcomes, outputs=followed.outputs, writes=timers)
