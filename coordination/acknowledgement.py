"""Decides what an organism answers on a mandate, and what is acknowledged with the decision itself.

A request lodged with the wrong organism is accepted, dated at first reception and forwarded (CRPA art.
L114-2, unverified). A national head never leads a worker's case (CSS art. L233-1, L).
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Protocol

from pydantic_core import to_json

from coordination import ids
from coordination.directory import Directory
from coordination.rulebook import Role, Rule
from schemas import emitted
from schemas.codes import Kind
from schemas.events import TYPE_PREFIX, EventData
from schemas.follow_ups import CaseForwarded
from schemas.inputs import EVENT_NAMES
from schemas.records import MANDATE, CorrectedEvent, Decision, EventRef, Level, Mandate, Recipient
from schemas.validation import Event

Ground = Literal["not_served_here", "not_competent", "no_prior_approach"]
"""Why an organism refuses by itself.

not_served_here: the directory names another agent. not_competent: a national head was asked to lead.
no_prior_approach: a mediation needs one (CSS art. R612-9, L).
"""

_MODELS: Final[Mapping[Level, type[emitted.Acknowledgement]]] = {
    "registered": emitted.AcknowledgementRegistered,
    "received": emitted.AcknowledgementReceived,
    "forwarded": emitted.AcknowledgementForwarded,
    "refused": emitted.AcknowledgementRefused,
    "reported": emitted.AcknowledgementReported,
    "settled": emitted.AcknowledgementSettled,
}
_TYPES: Final[Mapping[Level, str]] = {level: f"{TYPE_PREFIX}acknowledgement.{level}.v1" for level in _MODELS}
_LEVELS: Final[Mapping[str, Level]] = {type_: level for level, type_ in _TYPES.items()}


class AcknowledgementError(ValueError):
    """A record that is no acknowledgement: the message says what is missing."""


class MandateError(ValueError):
    """A mandate that nobody can answer: the message says what to do."""


class Acknowledgement(NamedTuple):
    """What one organism says about one event of a case.

    `causation` is the event's id, `at` RFC 3339 text, `payload` the data as JSON.
    """

    id: str
    level: Level
    data: emitted.Acknowledgement
    causation: str | None
    case: str
    subject: str
    at: str
    payload: bytes

    @property
    def organism(self) -> str:
        """The organism that says it."""
        return self.data.organism

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return _TYPES[self.level]


def read(attributes: Mapping[str, str | int | bool], payload: bytes) -> Acknowledgement:
    """Read an acknowledgement from the attributes and data of its record.

    Raises:
        AcknowledgementError: when the type or an attribute is missing.
        pydantic.ValidationError: when the data breaks its contract.
    """
    level = _LEVELS.get(str(attributes.get("type")))
    missing = [name for name in ("id", "subject", "correlationid", "time") if name not in attributes]
    if level is None or missing:
        problem = f"without {', '.join(missing)}" if level else "of another type"
        raise AcknowledgementError(f"a record {problem} is no acknowledgement: look at its producer")
    causation = attributes.get("causationid")
    return Acknowledgement(
        id=str(attributes["id"]),
        level=level,
        data=_MODELS[level].model_validate_json(payload),
        causation=None if causation is None else str(causation),
        case=str(attributes["correlationid"]),
        subject=str(attributes["subject"]),
        at=str(attributes["time"]),
        payload=payload,
    )


def mandate_of(
    decision: Decision, recipient: Recipient, competent: Mapping[Kind, str] = MappingProxyType({})
) -> Mandate:
    """Return what a decision asks of one of its recipients, beside who is competent for the worker."""
    return _mandate(decision.case, recipient, decision.scheme, decision.corrects, dict(competent))


def _mandate(
    case: str,
    recipient: Recipient,
    scheme: str,
    corrects: CorrectedEvent | None,
    competent: dict[Kind, str],
) -> Mandate:
    return Mandate(
        case,
        recipient.organism,
        recipient.role,
        recipient.activity,
        recipient.acknowledge,
        recipient.by,
        recipient.basis,
        recipient.status,
        scheme,
        corrects,
        competent,
    )


def mandate_json(decision: Decision, recipient: Recipient, competent: tuple[tuple[Kind, str], ...]) -> bytes:
    """Return `mandate_of` as JSON: mostly all of it but the case was asked before."""
    if decision.corrects is not None:
        return MANDATE.dump_json(mandate_of(decision, recipient, dict(competent)))
    return _OF_A_CASE % (to_json(decision.case), _asked(recipient, decision.scheme, competent))


_OF_A_CASE: Final = b'{"case":%b%b'


@lru_cache(maxsize=16_384)
def _asked(recipient: Recipient, scheme: str, competent: tuple[tuple[Kind, str], ...]) -> bytes:
    """Return the JSON of a mandate from behind its case."""
    whole = MANDATE.dump_json(_mandate("", recipient, scheme, None, dict(competent)))
    return whole.removeprefix(_OF_A_CASE % (b'""', b""))


def with_decision(decision: Decision, rule: Rule, event: Event, at: str) -> tuple[Acknowledgement, ...]:
    """Return what is acknowledged at once: registered for each recipient, and the forwarding if there is one.

    A request that reached another organism than the one that leads is forwarded by the organism that the
    rule's `addressed_to` names; it counts as received there and then. Two follow-ups end the part that
    another decision of the case gave to an organism: its answer to a radiation is its report, and who hands
    the case over has forwarded it. These name no event: the case knows which part is open.
    """
    registered = tuple(
        [_given(decision, "registered", at, said) for said in _registered(decision.recipients)]
    )
    told = _BY_ITSELF.get(event.name)
    if told is not None:
        return (*registered, told(decision, event.data, at))
    if rule.addressed_to is None:
        return registered
    addressed = getattr(event.data, rule.addressed_to)
    lead = next(recipient.organism for recipient in decision.recipients if recipient.role == "lead")
    if addressed == lead:
        return registered
    role = next((known.role for known in decision.recipients if known.organism == addressed), None)
    return (*registered, _given(decision, "forwarded", at, _said("forwarded", addressed, role, to=lead)))


_Said = tuple[emitted.Acknowledgement, bytes]


def _answer_to_radiation(decision: Decision, data: EventData, at: str) -> Acknowledgement:
    if not isinstance(data, emitted.RadiationAnswered):
        raise TypeError(f"{type(data).__name__} is no answer to a radiation")
    said = _said("reported", data.organism, "support", code=0)
    return _given(decision, "reported", at, said)._replace(causation=None)


def _handed_over(decision: Decision, data: EventData, at: str) -> Acknowledgement:
    if not isinstance(data, CaseForwarded):
        raise TypeError(f"{type(data).__name__} forwards nothing")
    said = _said("forwarded", data.organism, None, to=data.to)
    return _given(decision, "forwarded", at, said)._replace(causation=None)


_BY_ITSELF: Final[Mapping[str, Callable[[Decision, EventData, str], Acknowledgement]]] = {
    "radiation.answered": _answer_to_radiation,
    "case.forwarded": _handed_over,
}


def _given(decision: Decision, level: Level, at: str, said: _Said) -> Acknowledgement:
    event, (data, payload) = decision.event, said
    id_ = ids.emitted_id(event, decision.scheme, decision.rule, data.organism, level)
    return Acknowledgement(id_, level, data, event.id, decision.case, event.subject, at, payload)


@lru_cache(maxsize=4_096)
def _said(
    level: Level,
    organism: str,
    role: Role | None,
    *,
    to: str | None = None,
    reason: Ground | None = None,
    code: int | None = None,
    reasons: tuple[str, ...] | None = None,
) -> _Said:
    """Return data and their JSON; a few hundred organisms say the same few things about every event."""
    told = {
        "organism": organism,
        "role": role,
        "to": to,
        "reason": reason,
        "code": code,
        "reasons": reasons,
    }
    present = {name: value for name, value in told.items() if value is not None}
    data = _MODELS[level].model_validate(present)
    return data, data.model_dump_json(exclude_none=True).encode()


@lru_cache(maxsize=16_384)
def _registered(recipients: tuple[Recipient, ...]) -> tuple[_Said, ...]:
    return tuple(_said("registered", recipient.organism, recipient.role) for recipient in recipients)


class Task(Protocol):
    """What an organism is asked, whatever the case is; a `Mandate` is one."""

    @property
    def organism(self) -> str: ...  # noqa: D102  the names are a mandate's

    @property
    def role(self) -> Role: ...  # noqa: D102  as above

    @property
    def scheme(self) -> str: ...  # noqa: D102  as above


def answer(
    task: Task,
    case: str,
    event: EventRef,
    agent: str,
    directory: Directory,
    *,
    at: str,
    objection: Ground | None = None,
) -> Acknowledgement:
    """Return what the organism of a mandate answers by itself: `received`, or `refused` with its ground.

    Args:
        task: what is asked.
        case: the case in which it is.
        event: the event it is about.
        agent: the agent that answers, such as `cgss`.
        directory: organisms, with the agent that serves each.
        at: the time of the answer, RFC 3339.
        objection: what the event's own data has against it, if the organism is competent.

    Raises:
        MandateError: when the directory has no such organism: intake and this agent read different ones.
    """
    ground = _incompetence(task, agent, directory) or objection
    level: Level = "received" if ground is None else "refused"
    said = _said(level, task.organism, task.role, reason=ground)
    return _answered(task, case, event, level, said, at=at)


def reported(
    task: Task, case: str, event: EventRef, at: str, proofs: tuple[str, ...] = ()
) -> Acknowledgement:
    """Return the report of what is asked that needs nobody: code 0, with what the organism's ledger tells."""
    said = _said("reported", task.organism, task.role, code=0, reasons=proofs or None)
    return _answered(task, case, event, "reported", said, at=at)


def _answered(
    task: Task, case: str, event: EventRef, level: Level, said: _Said, *, at: str
) -> Acknowledgement:
    rule = EVENT_NAMES.get(event.type, event.type)
    data, payload = said
    id_ = ids.emitted_id(event, task.scheme, rule, task.organism, level)
    return Acknowledgement(id_, level, data, event.id, case, event.subject, at, payload)


def _incompetence(task: Task, agent: str, directory: Directory) -> Ground | None:
    organism = directory.organisms.get(task.organism)
    if organism is None:
        raise MandateError(f"{task.organism} is not in the directory: run every role with one version")
    if organism.agent != agent:
        return "not_served_here"
    if task.role == "lead" and organism.national:
        return "not_competent"
    return None
