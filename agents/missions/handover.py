"""A worker moves to an organism that another agent serves: his account goes there, what comes late follows.

Until it is there, whoever he comes to can neither accept him nor do anything for him: his requests wait.
Everything between two agents is a record in an inbox, in the transaction of what caused it: exactly once.
"""

from dataclasses import replace
from typing import Final

from agents.emission import MANDATE_HEADER, cloud_event
from agents.missions.causes import Cause, cause_of
from agents.missions.files import File
from agents.requests import NOTHING, Acts, Request, name_of
from agents.world import World
from coordination import ids
from coordination.contributions import Account, encode, instant_of
from coordination.custody import Move
from coordination.situation import situation_of
from schemas.codes import Kind
from schemas.events import TerritoryChanged
from schemas.records import ACCOUNT, ACCOUNT_TYPE, MANDATE, AccountReleased, Mandate
from schemas.topics import inbox
from streaming.parking import Retry
from streaming.records import Output, Record

MOVED: Final = "territory.changed"
RELEASED: Final = "account.released"
MOVING: Final = frozenset({MOVED, RELEASED})
_WHOLE: Final = ("l233-account", b"whole")
LIMIT: Final = 3
"""So often an entry is passed on at most, should two agents each think that the other holds the account."""


def moved(request: Request, file: File, world: World) -> tuple[File, Acts]:
    """Take a move in: hand the account over if it goes to another agent, await it if it comes from one.

    Raises `Retry` as long as the account is not here: whatever follows for the worker waits behind the move.
    """
    data = TerritoryChanged.model_validate_json(request.payload)
    siren = data.worker.siren
    left, joined = (
        world.directory.organisms_of(situation_of(place, siren)).get(file.mission, "")
        for place in (data.previous, data.worker)
    )
    me, before, after = (_agent(one, world) for one in (request.task.organism, left, joined))
    move = Move(data.effective.isoformat(), instant_of(request.event.time), request.event.id, left, joined)
    custody = file.custody.after(move)
    if me not in (before, after) or custody is file.custody:
        return file, NOTHING
    if before == me and after not in (me, None):
        account, told = encode(file.account).decode(), None if file.told is None else file.told.decode()
        handed = AccountReleased(file.mission, joined, account, told, request.event, 0)
        given = replace(request.mandate, organism=joined)
        return file._replace(custody=custody), Acts(
            outputs=[record(handed, cause_of(request, world), given, world)]
        )
    if before in (me, None):
        return file._replace(custody=custody), NOTHING
    accepted = custody.accepted(request.event.id)
    if accepted is None:
        raise Retry(f"the account is on its way from {left}")
    return file._replace(custody=accepted), NOTHING


def elsewhere(file: File, agent: str, world: World) -> str | None:
    """Return the organism that holds the account, when it is not `agent` that serves it."""
    holder = file.custody.holder()
    if not holder:  # as nearly always
        return None
    return None if _agent(holder, world) in (None, agent) else holder


def late(holder: str, mission: Kind, news: Account, cause: Cause, passed: int = 0) -> AccountReleased:
    """Return what came late for the organism that holds the account, once more passed on."""
    return AccountReleased(mission, holder, encode(news).decode(), None, cause.event, passed + 1)


def cause_handed(handed: AccountReleased, request: Request, world: World) -> Cause:
    """Return what something was handed over because of, as the cause of what is told here."""
    task = request.task
    return Cause(
        event=handed.event,
        name=name_of(handed.event.type),
        organism=task.organism,
        scheme=task.scheme,
        case=request.case,
        at=request.at,
        competent=task.competent,
        agent=_agent(handed.to, world) or "",
    )


def brings_account(record: Record) -> bool:
    """Return whether a record of an inbox is a whole account handed over: what the parked wait for."""
    return _WHOLE in record.headers


def record(handed: AccountReleased, cause: Cause, mandate: Mandate, world: World) -> Output:
    """Return what is handed over as a record for the agent that it goes to."""
    step = f"{RELEASED}/{handed.mission}/{handed.passed}"
    return cloud_event(
        inbox(world.directory.organisms[handed.to].agent),
        type_=ACCOUNT_TYPE,
        id_=ids.emitted_id(cause.event, cause.scheme, cause.name, handed.to, step),
        role=cause.agent,
        subject=cause.event.subject,
        time=cause.at,
        data=ACCOUNT.dump_json(handed),
        case=cause.case,
        cause=cause.event.id,
        marks=[(MANDATE_HEADER, MANDATE.dump_json(mandate)), *([] if handed.passed else [_WHOLE])],
    )


def _agent(organism: str, world: World) -> str | None:
    known = world.directory.organisms.get(organism)
    return None if known is None else known.agent
