"""A worker's file in a mission: his account, what was told of it, and who holds it."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from agents.requests import Request
from coordination import contributions, custody
from coordination.contributions import EMPTY, Account, Correction, Entry
from coordination.custody import AT_HOME, Custody
from schemas.codes import Kind
from schemas.follow_ups import CaseAnnulled, CaseUpdated
from schemas.validation import read_payload
from streaming.records import State

CORRECTIONS: Final = frozenset({"case.updated", "case.annulled"})


class File(NamedTuple):
    """What a mission keeps of a worker. `told` is the mission's own; None when nothing was told."""

    mission: Kind
    worker: str
    account: Account = EMPTY
    told: bytes | None = None
    custody: Custody = AT_HOME

    def knowing(self, account: Account) -> "File":
        """Return the file with another account."""
        return File(self.mission, self.worker, account, self.told, self.custody)

    def having_told(self, told: bytes | None) -> "File":
        """Return the file once something else was told."""
        return File(self.mission, self.worker, self.account, told, self.custody)


def opened(mission: Kind, worker: str, state: State) -> File:
    """Return a worker's file in a mission."""
    account, told, held = (
        state.get(_key(name, mission, worker)) for name in (b"account", b"told", b"custody")
    )
    return File(
        mission,
        worker,
        EMPTY if account is None else _account(account),
        told,
        AT_HOME if held is None else custody.decode(held),
    )


def writes(before: File, after: File) -> Mapping[bytes, bytes | None]:
    """Return the state writes that make one file of the other."""
    found: dict[bytes, bytes | None] = {}
    if after.account is not before.account:
        stored = contributions.encode(after.account)
        _remembered(stored, after.account)
        found[_key(b"account", after.mission, after.worker)] = stored
    if after.told != before.told:
        found[_key(b"told", after.mission, after.worker)] = after.told
    if after.custody is not before.custody:
        found[_key(b"custody", after.mission, after.worker)] = custody.encode(after.custody)
    return found


def said_by(request: Request, takes: frozenset[str]) -> Entry | Correction | None:
    """Return the entry or correction that a request makes; None for what an account doesn't take.

    Raises `pydantic.ValidationError` for data that break their contract: intake lets none through.
    """
    name, event = request.name, request.event
    if name in takes:
        entry = contributions.entry_of(event, read_payload(name, request.payload))
        if entry is None or entry.kind != "granted":
            return entry
        return entry._replace(scheme=request.mandate.scheme, case=request.mandate.case)
    if name == "case.updated":
        update = CaseUpdated.model_validate_json(request.payload)
        return contributions.updated(event, (update.source, update.event), update.data)
    if name == "case.annulled":
        annulment = CaseAnnulled.model_validate_json(request.payload)
        return contributions.annulled(event, (annulment.source, annulment.event))
    return None


def known(account: Account, made: Entry | Correction) -> Account:
    """Return an account once an entry or correction is known; itself when it knew it."""
    return account.corrected(made) if isinstance(made, Correction) else account.after(made)


def _key(name: bytes, mission: Kind, worker: str) -> bytes:
    return b"%s\0%s\0%s" % (name, mission.encode(), worker.encode())


_RECENT: Final = 4_000
_recent: OrderedDict[bytes, Account] = OrderedDict()
"""What was last written or read, by its bytes: a worker mostly has several events in a row."""


def _account(stored: bytes) -> Account:
    found = _recent.get(stored)
    return _remembered(stored, contributions.decode(stored)) if found is None else found


def _remembered(stored: bytes, account: Account) -> Account:
    if len(_recent) >= _RECENT:
        _recent.popitem(last=False)
    _recent[stored] = account
    return account
