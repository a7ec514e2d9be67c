"""Decides what a case learns from a decision, from an acknowledgement and from an outcome: one fact each."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple, TypedDict

from pydantic_core import from_json

from coordination.case_facts import Ask, Asked, DeadlineLevel, Silence
from coordination.clocks import competences_in
from coordination.deadlines import instants_of
from coordination.directory import Competence, Directory
from schemas.events import TYPE_PREFIX
from schemas.records import Acknowledge, ClockLevel, Mandate, Status
from schemas.types import Role

SILENCE_ANSWERS: Final = frozenset({("radiation.envisaged", "support")})
"""Event and role whose silence is an answer. Source: CSS art. R611-2 (L)."""
MISMATCH: Final = "rights.mismatch"
RECORDED: Final = "rights.recorded"


class _Event(TypedDict):
    id: str
    source: str
    type: str
    time: str


class _Situation(TypedDict):
    siren: str
    residence: str
    establishment: str
    attachments: dict[str, str]


class _Recipient(NamedTuple):
    """`schemas.records.Recipient` as a tuple: it is made for every recipient of every event."""

    organism: str
    role: Role
    activity: str
    acknowledge: Acknowledge
    by: str
    basis: str
    status: Status


class _StartedClock(TypedDict):
    organism: str
    level: ClockLevel
    until: str
    due: str
    basis: str
    status: Status


class _Decision(TypedDict):
    """What a case needs of `schemas.records.Decision` beside its recipients.

    Our own intake wrote it, so it is read, not judged.
    """

    id: str
    event: _Event
    scheme: str
    activity: str | None
    situation: _Situation | None
    clocks: list[_StartedClock]
    corrects: _Event | None


def asked(decision: bytes, at: str, directory: Directory) -> Asked:
    """Return what a decision, given as JSON, asks; `at` RFC 3339 when it was taken.

    The deadlines of an organism go by the public holidays of the département by which it became competent.
    """
    read = from_json(decision)
    said: _Decision = read
    event, corrects = said["event"], said["corrects"]
    name = name_of(event["type"])
    competences = _competences(said["situation"], directory)

    def competence(organism: str) -> Competence:
        return competences.get(organism) or directory.named(organism)

    recipients = [_Recipient(**to) for to in read["recipients"]]
    asks = [_ask_of(to, name, competence(to.organism)) for to in recipients]
    asks += [
        _clock_of(clock, said["activity"] or "", competence(clock["organism"])) for clock in said["clocks"]
    ]
    return Asked(
        said["id"],
        at,
        event["id"],
        event["source"],
        name,
        event["time"],
        said["scheme"],
        tuple(asks),
        None if corrects is None else (corrects["id"], corrects["source"]),
    )


def _competences(worker: _Situation | None, directory: Directory) -> Mapping[str, Competence]:
    if worker is None:
        return {}
    attachments = tuple(worker["attachments"].items())
    return competences_in(worker["residence"], worker["establishment"], attachments, directory)


def mismatch(id_: str, source: str, at: str, mandate: Mandate, directory: Directory) -> Asked:
    """Return what a difference between declared and recorded income asks of the collection organism.

    It is resolved by the rights recorded anew, or by the report of the organism.
    """
    clock = _clock(directory.named(mandate.organism), mandate.by, "resolved")
    ask = Ask(
        organism=mandate.organism,
        role=mandate.role,
        activity=mandate.activity,
        acknowledge=mandate.acknowledge,
        level="resolved",
        by=mandate.by,
        basis=mandate.basis,
        status=mandate.status,
        until=RECORDED,
        silence="missed",
        zone=clock.zone,
        holidays=clock.holidays,
        near_ms=clock.near_ms,
        missed_ms=clock.missed_ms,
    )
    return Asked(id_, at, id_, source, MISMATCH, at, mandate.scheme, (ask,), None)


def name_of(type_: str) -> str:
    """Return the name of a type of ours: `fr.l233.contribution.paid.v1` is `contribution.paid`."""
    return type_.removeprefix(TYPE_PREFIX).rpartition(".v")[0]


class _Clock(NamedTuple):
    """The part of an `Ask` that follows from where its organism is."""

    zone: str
    holidays: str | None
    near_ms: int
    missed_ms: int


def _clock(competence: Competence, by: str, level: DeadlineLevel) -> _Clock:
    zone, holidays = competence.organism.zone.key, competence.holidays
    return _Clock(zone, holidays, *instants_of(by, level, zone, holidays))


@lru_cache(maxsize=16_384)
def _ask_of(to: _Recipient, name: str, competence: Competence) -> Ask:
    """Return what a recipient is asked: on one day, of the same organisms the same of many workers."""
    silence: Silence = "answered" if (name, to.role) in SILENCE_ANSWERS else "missed"
    return Ask(
        to.organism,
        to.role,
        to.activity,
        to.acknowledge,
        to.acknowledge,
        to.by,
        to.basis,
        to.status,
        None,
        silence,
        *_clock(competence, to.by, to.acknowledge),
    )


def _clock_of(started: _StartedClock, activity: str, competence: Competence) -> Ask:
    return Ask(
        started["organism"],
        "lead",
        activity,
        None,
        started["level"],
        started["due"],
        started["basis"],
        started["status"],
        started["until"],
        "missed",
        *_clock(competence, started["due"], started["level"]),
    )
