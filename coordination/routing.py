"""Decides who is concerned by an event, in which role and by when: the scheme put to work (CSS art. L233-1).

A pure function, used unchanged by the intake agent, by `l233 check`, by replay and by simulation.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, Literal, assert_never

from coordination import ids
from coordination.calendar import deadline_from
from coordination.clocks import started
from coordination.directory import Competence, Directory, Obstacle, departement_of
from coordination.expressions import (
    AsCorrected,
    Choice,
    Expression,
    Fixed,
    HeadsOf,
    Named,
    Own,
    Previous,
    alternatives,
)
from coordination.rulebook import ROLES, Assignment, Rule, Scheme
from coordination.situation import situation_of
from schemas.codes import Kind
from schemas.events import EventData, TerritoryChanged
from schemas.inputs import EVENT_NAMES
from schemas.records import CorrectedEvent, Decision, EventRef, Recipient, Situation, Unresolved
from schemas.refusal import Refusal, Violation
from schemas.validation import Event

_RANK: Final = {role: rank for rank, role in enumerate(ROLES)}


class _Unmet:
    """A mission that nobody exercises for this worker, and why."""

    __slots__ = ("kind", "obstacle", "place", "situation")

    def __init__(self, kind: Kind, obstacle: Obstacle, place: str, situation: Situation) -> None:
        self.kind: Final = kind
        self.obstacle: Final[Obstacle] = obstacle
        self.place: Final = place
        self.situation: Final = situation


def route(event: Event, scheme: Scheme, directory: Directory, worker: Situation) -> Decision | Refusal:
    """Return the decision on an event by the scheme's own rule, as `decide`; or the refusal no_rule."""
    rule = rule_for(event, scheme)
    return rule if isinstance(rule, Refusal) else decide(event, rule, scheme, directory, worker)


def decide(
    event: Event,
    rule: Rule,
    scheme: Scheme,
    directory: Directory,
    worker: Situation | None,
    *,
    corrects: CorrectedEvent | None = None,
    says: EventData | None = None,
) -> Decision | Refusal:
    """Return the decision on an event, or the reason why there is none.

    Recipients are merged per organism: the strongest role wins, with its obligation and deadline; among equal
    roles the first in the rule. They stand by role (lead, support, informed), then id. What can't be resolved
    is listed once per kind and role; if that is the lead, the event is refused.

    Args:
        event: a valid event.
        rule: the rule to decide by.
        scheme: the version it is of.
        directory: organisms and territories.
        worker: the worker's situation: the event's own block, or what is known at the event's time. None is
            enough for a rule that `asks_of_the_territory` nothing.
        corrects: the event that a correction is about.
        says: what that event says now; its clocks start anew.

    Returns:
        A refusal has the reason outside_scheme or ambiguous_territory.
    """
    shared = _shared(rule, event, scheme, directory, worker)
    if isinstance(shared, Refusal):
        return shared
    recipients, unresolved = shared
    return Decision(
        id=ids.decision_id(event, scheme.version, rule.name),
        event=EventRef(event.id, event.source, event.type, event.subject, event.attributes["time"]),
        case=ids.case_id(event, event.correlationid),
        scheme=scheme.version,
        scheme_hash=scheme.hash,
        rule=rule.name,
        basis=rule.basis,
        activity=rule.activity,
        situation=worker,
        situation_from=_origin(event, worker),
        recipients=recipients,
        unresolved=unresolved,
        clocks=started(
            event.name if corrects is None else EVENT_NAMES[corrects.type],
            event.data if corrects is None else says,
            event.time,
            scheme=scheme,
            recipients=recipients,
            worker=worker,
            directory=directory,
        ),
        corrects=corrects,
        rule_path=f"/rules/{rule.name}",
    )


def taken_note_of(event: Event, scheme: Scheme, worker: Situation | None) -> Decision:
    """Return the decision on what asks nobody anything: an acknowledgement from outside."""
    return Decision(
        id=ids.decision_id(event, scheme.version, event.name),
        event=EventRef(event.id, event.source, event.type, event.subject, event.attributes["time"]),
        case=ids.case_id(event, event.correlationid),
        scheme=scheme.version,
        scheme_hash=scheme.hash,
        rule=event.name,
        basis=scheme.legal_basis,
        activity=None,
        situation=worker,
        situation_from=_origin(event, worker),
        recipients=(),
        unresolved=(),
    )


def _origin(event: Event, worker: Situation | None) -> Literal["event", "known", "nothing"]:
    if worker is None:
        return "nothing"
    return "known" if event.data.worker is None else "event"


def asks_of_the_territory(rule: Rule) -> bool:
    """Tell whether a rule names the worker's own organism of a mission: then his situation must be known."""
    return any(
        isinstance(simple, Own)
        for assignment in rule.assignments
        for simple in alternatives(assignment.expression)
    )


def rule_for(event: Event, scheme: Scheme) -> Rule | Refusal:
    """Return the rule of a scheme for an event, or the refusal no_rule."""
    rule = scheme.rules.get(event.name)
    if rule is not None:
        return rule
    message = f"scheme {scheme.version} has no rule for {event.name}: its owners must add one"
    return Refusal("no_rule", (Violation("/type", message),))


def _shared(
    rule: Rule, event: Event, scheme: Scheme, directory: Directory, worker: Situation | None
) -> tuple[tuple[Recipient, ...], tuple[Unresolved, ...]] | Refusal:
    """Share the event out. Most rules ask of the territory alone: there a place has the same organisms."""
    shares: _Shares | _Unmet | None = None
    if worker is not None:
        attachments = tuple(worker.attachments.items())
        shares = _of_a_place(rule, directory, worker.residence, worker.establishment, attachments)
    if shares is None:
        assignments = rule.assignments
        found = (_resolve(one.expression, event, scheme, directory, worker) for one in assignments)
        shares = _merged(rule.activity, zip(assignments, found, strict=True))
    if isinstance(shares, _Unmet):
        return _without_lead(shares, event)
    days = tuple([event.time.astimezone(zone).date() for zone in shares.zones])
    return _from_days(shares, days), shares.unresolved


class _Shares:
    """The organisms of an event with what each is assigned, as they stand in the decision; what is missing.

    `zones` are the organisms' time zones, each once.
    """

    __slots__ = ("activity", "shares", "unresolved", "zones")

    def __init__(
        self,
        activity: str,
        shares: tuple[tuple[Competence, Assignment], ...],
        unresolved: tuple[Unresolved, ...],
    ) -> None:
        self.activity: Final = activity
        self.shares: Final = shares
        self.unresolved: Final = unresolved
        self.zones: Final = tuple(dict.fromkeys(found.organism.zone for found, _ in shares))


def _merged(
    activity: str, assigned: Iterable[tuple[Assignment, Sequence[Competence | _Unmet]]]
) -> _Shares | _Unmet:
    """Return who has a share, or the lead that is missing.

    Assignments stand strongest role first, so the first of an organism stays.
    """
    chosen: dict[str, tuple[Competence, Assignment]] = {}
    unresolved: dict[tuple[Kind, str], Unresolved] = {}
    for assignment, several in assigned:
        for found in several:
            if isinstance(found, Competence):
                chosen.setdefault(found.organism.id, (found, assignment))
            elif assignment.role == "lead":
                return found
            else:
                gap = Unresolved(found.kind, assignment.role, found.obstacle)
                unresolved.setdefault((gap.kind, gap.role), gap)
    return _Shares(activity, tuple(sorted(chosen.values(), key=_place)), tuple(unresolved.values()))


def _place(share: tuple[Competence, Assignment]) -> tuple[int, str]:
    return _RANK[share[1].role], share[0].organism.id


@lru_cache(maxsize=16_384)
def _of_a_place(
    rule: Rule,
    directory: Directory,
    residence: str,
    establishment: str,
    attachments: tuple[tuple[str, str], ...],
) -> _Shares | _Unmet | None:
    """Return who has a share in a place; None for a rule that looks at more of an event than its place."""
    worker = Situation("", residence, establishment, dict(attachments))
    assigned: list[tuple[Assignment, Sequence[Competence | _Unmet]]] = []
    for assignment in rule.assignments:
        match assignment.expression:
            case Own(kind):
                assigned.append((assignment, (_competent(kind, "worker", directory, worker),)))
            case Fixed(organism):
                assigned.append((assignment, (directory.named(organism),)))
            case _:
                return None
    return _merged(rule.activity, assigned)


@lru_cache(maxsize=16_384)
def _from_days(shares: _Shares, days: tuple[date, ...]) -> tuple[Recipient, ...]:
    """Return what each organism owes, counted from the day in its time zone, in the order of the zones."""
    day_in = dict(zip(shares.zones, days, strict=True))
    return tuple(
        _recipient(found, assignment, shares.activity, day_in[found.organism.zone])
        for found, assignment in shares.shares
    )


def _resolve(
    expression: Expression, event: Event, scheme: Scheme, directory: Directory, worker: Situation | None
) -> Sequence[Competence | _Unmet]:
    match expression:
        case Own(kind):
            if worker is None:
                raise TypeError(f"{event.name} needs a situation: look at asks_of_the_territory before")
            found: Competence | _Unmet = _competent(kind, "worker", directory, worker)
        case Previous(kind):
            found = _competent(kind, "previous", directory, _left(event.data))
        case Named(field):
            found = directory.named(getattr(event.data, field))
        case Fixed(organism):
            found = directory.named(organism)
        case HeadsOf(field):
            named = directory.named(getattr(event.data, field)).organism
            return [directory.named(head) for head in scheme.heads[named.kind]]
        case Choice(field, cases, otherwise):
            chosen = cases.get(getattr(event.data, field), otherwise)
            return () if chosen is None else _resolve(chosen, event, scheme, directory, worker)
        case AsCorrected():
            raise TypeError(f"{event.name} corrects: fill its rule in with corrections.rule_of before")
        case _:
            assert_never(expression)
    return (found,)


def _left(data: EventData) -> Situation:
    """Return the situation that a move leaves; the scheme's reader lets no other event ask for it."""
    if not isinstance(data, TerritoryChanged):
        raise TypeError(f"{type(data).__name__} tells no previous situation")
    return situation_of(data.previous, data.worker.siren)


def _competent(kind: Kind, place: str, directory: Directory, situation: Situation) -> Competence | _Unmet:
    found = directory.competent(kind, situation.residence, situation.establishment, situation.attachments)
    return found if isinstance(found, Competence) else _Unmet(kind, found, place, situation)


@lru_cache(maxsize=65_536)
def _recipient(found: Competence, assignment: Assignment, activity: str, day: date) -> Recipient:
    """Return an organism with what it owes from one of its days on; the same few come up again and again."""
    obligation, delay = assignment.obligation, assignment.obligation.delay
    return Recipient(
        organism=found.organism.id,
        role=assignment.role,
        activity=activity,
        acknowledge=obligation.acknowledge,
        by=deadline_from(day, delay.unit, delay.count, found.organism.zone, found.holidays),
        basis=obligation.basis,
        status=obligation.status,
    )


def _without_lead(unmet: _Unmet, event: Event) -> Refusal:
    by_establishment = unmet.kind == "collection"
    field = "establishment" if by_establishment else "residence"
    commune = unmet.situation.establishment if by_establishment else unmet.situation.residence
    where = "/data/worker" if event.data.worker is None else f"/data/{unmet.place}/{field}"
    departement = departement_of(commune)
    match unmet.obstacle:
        case "outside_scheme":
            message = f"no {unmet.kind} organism of article L233-1 serves the département {departement}"
        case "ambiguous_territory":
            message = (
                f"several {unmet.kind} organisms share the département {departement}: "
                f"give the worker's own in attachments.{unmet.kind}"
            )
        case _:
            assert_never(unmet.obstacle)
    return Refusal(unmet.obstacle, (Violation(where, message),))
