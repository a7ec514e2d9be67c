"""A worker's file in a mission: his account, what was told of it, and who holds it."""

from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
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
        if told == self.told:
            return self
        return File(self.mission, self.worker, self.account, told, self.custody)


def opened(mission: Kind, worker: str, state: State) -> File:
    """Return a worker's file in a mission."""
    keys = _keys(mission, worker)
    stored, told, held = state.get(keys.account), state.get(keys.told), state.get(keys.custody)
    account = EMPTY if stored is None else _account(keys.account, stored)
    return File(mission, worker, account, told, AT_HOME if held is None else custody.decode(held))


def writes(before: File, after: File) -> Mapping[bytes, bytes | None]:
    """Return the state writes that make one file of the other."""
    keys = _keys(after.mission, after.worker)
    found: dict[bytes, bytes | None] = {}
    if after.account is not before.account:
        found[keys.account] = _remembered(keys.account, after.account)
    if after.told != before.told:
        found[keys.told] = after.told
    if after.custody is not before.custody:
        found[keys.custody] = custody.encode(after.custody)
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
        return entry._replace(scheme=request.task.scheme, case=request.case)
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


class _Keys(NamedTuple):
    """Where the state keeps a file."""

    account: bytes
    told: bytes
    custody: bytes


@lru_cache(maxsize=4_096)
def _keys(mission: Kind, worker: str) -> _Keys:
    return _Keys(*[f"{name}\0{mission}\0{worker}".encode() for name in _Keys._fields])


_RECENT: Final = 4_000
_recent: OrderedDict[bytes, tuple[bytes, Account]] = OrderedDict()
"""Accounts as last written, by their keys: a worker mostly has several events in a row."""


def _account(key: bytes, stored: bytes) -> Account:
    """Return an account: as it is remembered, if that is what is stored, else decoded."""
    known = _recent.get(key)
    return known[1] if known is not None and known[0] == stored else contributions.decode(stored)


def _remembered(key: bytes, account: Account) -> bytes:
    """Return what is to be stored of an account, which is likely to be wanted again soon."""
    stored = contributions.encode(account)
    _recent[key] = stored, account
    _recent.move_to_end(key)
    if len(_recent) > _RECENT:
        _recent.popitem(last=False)
    return stored
