"""Decides what a case learns from a decision, from an acknowledgement and from an outcome: one fact each."""

from typing import Final, NamedTuple

from coordination.case_facts import Ask, Asked, DeadlineLevel, Silence
from coordination.clocks import competence_of
from coordination.deadlines import instants_of
from coordination.directory import Competence, Directory
from coordination.instants import milliseconds
from schemas.events import TYPE_PREFIX
from schemas.records import Decision, Mandate, Recipient, StartedClock

SILENCE_ANSWERS: Final = frozenset({("radiation.envisaged", "support")})
"""Event and role whose silence is an answer. Source: CSS art. R611-2 (L)."""
MISMATCH: Final = "rights.mismatch"
RECORDED: Final = "rights.recorded"


def asked(decision: Decision, at: str, directory: Directory) -> Asked:
    """Return what a decision asks, `at` RFC 3339 when it was taken.

    The deadlines of an organism go by the public holidays of the département by which it became competent.
    """
    event = decision.event
    name = name_of(event.type)
    asks = [
        _ask_of(to, name, event.time, competence_of(to.organism, decision.situation, directory))
        for to in decision.recipients
    ]
    asks += [
        _clock_of(clock, decision, competence_of(clock.organism, decision.situation, directory))
        for clock in decision.clocks
    ]
    corrects = decision.corrects
    return Asked(
        id=decision.id,
        at=at,
        event=event.id,
        source=event.source,
        name=name,
        time=event.time,
        scheme=decision.scheme,
        asks=tuple(asks),
        corrects=None if corrects is None else (corrects.id, corrects.source),
    )


def mismatch(id_: str, source: str, at: str, mandate: Mandate, directory: Directory) -> Asked:
    """Return what a difference between declared and recorded income asks of the collection organism.

    It is resolved by the rights recorded anew, or by the report of the organism.
    """
    clock = _clock(directory.named(mandate.organism), mandate.by, "resolved", at)
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
        start_ms=clock.start_ms,
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
    start_ms: int
    near_ms: int
    missed_ms: int


def _clock(competence: Competence, by: str, level: DeadlineLevel, time: str) -> _Clock:
    zone, holidays = competence.organism.zone.key, competence.holidays
    return _Clock(zone, holidays, milliseconds(time), *instants_of(by, level, zone, holidays))


def _ask_of(to: Recipient, name: str, time: str, competence: Competence) -> Ask:
    silence: Silence = "answered" if (name, to.role) in SILENCE_ANSWERS else "missed"
    clock = _clock(competence, to.by, to.acknowledge, time)
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
        *clock,
    )


def _clock_of(started: StartedClock, decision: Decision, competence: Competence) -> Ask:
    clock = _clock(competence, started.due, started.level, decision.event.time)
    return Ask(
        started.organism,
        "lead",
        decision.activity or "",
        None,
        started.level,
        started.due,
        started.basis,
        started.status,
        started.until,
        "missed",
        *clock,
    )
