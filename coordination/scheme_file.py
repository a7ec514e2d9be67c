"""Decides whether the text of a scheme version is one, and reads it: every mistake is told with its line."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Final, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from coordination import yaml_text
from coordination.calendar import Delay
from coordination.directory import Directory
from coordination.expressions import (
    Choice,
    Expression,
    Fixed,
    HeadsOf,
    Named,
    Own,
    Previous,
    Simple,
    alternatives,
    parse,
)
from coordination.rulebook import (
    ROLES,
    Assignment,
    Clock,
    Level,
    Obligation,
    Role,
    Rule,
    Rulebook,
    Scheme,
    Status,
)
from schemas.codes import Kind
from schemas.events import CONTRACTS, EventData


class SchemeError(ValueError):
    """A scheme that can't be used: one line per mistake, each with file, line, what and what to do."""


def read_rulebook(versions: Mapping[str, str], directory: Directory) -> Rulebook:
    """Read every version, given as file name -> text.

    Raises:
        SchemeError: when a text is no scheme.
        RulebookError: when the versions can't stand side by side.
    """
    return Rulebook(read_scheme(file, text, directory) for file, text in versions.items())


def read_scheme(file: str, text: str, directory: Directory) -> Scheme:
    """Read one version. `file` only serves the messages.

    Raises:
        SchemeError: listing every mistake.
    """
    try:
        document = yaml_text.read(file, text)
    except yaml_text.YamlError as error:
        raise SchemeError(str(error)) from error
    try:
        model = _Scheme.model_validate(document.value)
    except ValidationError as error:
        raise SchemeError("\n".join(_lines(file, document, error))) from error
    mistakes = [
        f"{file}:{document.line_of(path)}: {_dotted(path)}: {message}"
        for path, message in _mistakes(model, directory)
    ]
    if mistakes:
        raise SchemeError("\n".join(mistakes))
    return _scheme(model, sha256(text.replace("\r\n", "\n").encode()).hexdigest())


# --- the file as it is written -------------------------------------------------------------------


def _expression(value: object) -> object:
    if isinstance(value, str):
        return parse(value)
    if isinstance(value, dict):
        cases = {str(key): case for key, case in value.items() if key not in {"by", "otherwise"}}
        field, otherwise = value.get("by"), value.get("otherwise")
        if not isinstance(field, str) or not all(isinstance(case, str) for case in value.values()):
            raise ValueError("a choice reads: by: FIELD, then VALUE: organism, and otherwise: organism")
        return Choice(
            field,
            MappingProxyType({key: parse(str(case)) for key, case in cases.items()}),
            None if otherwise is None else parse(otherwise),
        )
    raise ValueError(
        "write the name of an organism (health, organism in FIELD, acoss…) or a choice by a field"
    )


def _expressions(value: object) -> object:
    items = value if isinstance(value, list) else [value]
    return tuple(_expression(item) for item in items)


def _delay(value: object) -> object:
    return Delay.parse(value) if isinstance(value, str) else value


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )


_Text = Annotated[str, Field(min_length=1)]
_Lead = Annotated[Own | Previous | Named | HeadsOf | Fixed | Choice, BeforeValidator(_expression)]
_Roles = Annotated[
    tuple[Own | Previous | Named | HeadsOf | Fixed | Choice, ...], BeforeValidator(_expressions)
]
_DelayText = Annotated[Delay, BeforeValidator(_delay)]


class _Sourced(_Part):
    basis: _Text
    status: Status


class _Signatory(_Part):
    organism: _Text
    signatory: _Text


class _Mission(_Sourced):
    organisms: list[_Text] = Field(min_length=1)
    place: _Text
    text: _Text


class _Activity(_Sourced):
    text: _Text


class _Deadline(_Sourced):
    within: _DelayText


class _Deadlines(_Part):
    received: _Deadline
    reported: _Deadline


class _Acknowledge(_Part):
    lead: Level
    support: Level
    informed: Level


class _Rule(_Sourced):
    activity: _Text
    lead: _Lead
    support: _Roles = ()
    informed: _Roles = ()
    acknowledge: dict[Role, Level] = {}
    deadlines: dict[Role, _Deadline] = {}
    addressed_to: _Text | None = None

    def of(self, role: Role) -> tuple[Expression, ...]:
        """Return the expressions of one role."""
        return {"lead": (self.lead,), "support": self.support, "informed": self.informed}[role]


class _Clock(_Sourced):
    from_: _Text = Field(alias="from")
    when: dict[str, list[str]] = {}
    provided: _Text | None = None
    counted_from: _Text | None = None
    until: _Text
    within: _DelayText


class _Scheme(_Part):
    scheme: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}(\.[0-9]+)?$")]
    title: _Text
    status: Status
    in_force: AwareDatetime
    legal_basis: _Text
    established_by: list[_Signatory]
    approved_by: list[_Text]
    missions: dict[Kind, _Mission]
    activities: dict[str, _Activity]
    national_heads: dict[str, list[_Text]]
    acknowledge: _Acknowledge
    deadlines: _Deadlines
    rules: dict[str, _Rule]
    clocks: dict[str, _Clock] = {}


def _dotted(path: tuple[str | int, ...]) -> str:
    return " > ".join(str(step) for step in path) or "the file"


def _lines(file: str, document: yaml_text.Document, error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        path = tuple(found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        if found["type"] == "missing":
            message = "is missing: add it"
        elif found["type"] == "extra_forbidden":
            message = "is not known here: correct the name or remove it"
        yield f"{file}:{document.line_of(path)}: {_dotted(path)}: {message}"


# --- what the file must say beyond its form ------------------------------------------------------

_Mistake = tuple[tuple[str | int, ...], str]
_SIGNATORIES: Final = {"cnam", "cnav", "acoss"}


def _mistakes(model: _Scheme, directory: Directory) -> Iterator[_Mistake]:
    if {entry.organism for entry in model.established_by} != _SIGNATORIES:
        yield ("established_by",), "must be cnam, cnav and acoss, jointly (CSS art. L233-1): name the three"
    if len(set(model.approved_by)) != 2:
        yield (
            ("approved_by",),
            "must be two ministers, social security and budget (CSS art. L233-1): name both",
        )
    yield from _mistakes_of_heads(model, directory)
    for name, rule in model.rules.items():
        contract = CONTRACTS.get(name)
        if contract is None:
            yield ("rules", name), "is no event type: correct the name"
            continue
        if rule.activity not in model.activities:
            yield ("rules", name, "activity"), f"{rule.activity} is not among activities: add it there"
        yield from _mistakes_of_rule(name, rule, contract, directory)


def _mistakes_of_heads(model: _Scheme, directory: Directory) -> Iterator[_Mistake]:
    local = {organism.kind for organism in directory.organisms.values() if not organism.national}
    for kind in sorted(local - model.national_heads.keys()):
        yield ("national_heads",), f"{kind} is missing: name its heads"
    for kind, heads in model.national_heads.items():
        for head in heads:
            known = directory.organisms.get(head)
            if known is None or not known.national:
                yield ("national_heads", kind), f"{head} is no national head: write cnam, cnav or acoss"


def _mistakes_of_rule(
    name: str, rule: _Rule, contract: type[EventData], directory: Directory
) -> Iterator[_Mistake]:
    at = ("rules", name)
    for role in ROLES:
        for expression in rule.of(role):
            if isinstance(expression, Choice):
                yield from _mistakes_of_choice((*at, role), expression, contract)
            for simple in alternatives(expression):
                yield from _mistakes_of_expression((*at, role), role, simple, contract, directory)
        if role in rule.deadlines and not rule.of(role):
            yield (*at, "deadlines", role), f"nobody has the role {role} in this rule: remove it"
    if rule.addressed_to is not None and rule.addressed_to not in contract.model_fields:
        yield (*at, "addressed_to"), f"the event has no field {rule.addressed_to}: correct the name"


def _mistakes_of_choice(
    at: tuple[str | int, ...], choice: Choice, contract: type[EventData]
) -> Iterator[_Mistake]:
    field = contract.model_fields.get(choice.field)
    if field is None:
        yield at, f"the event has no field {choice.field}: correct the name after by"
        return
    values = set(get_args(field.annotation))
    for value in sorted(choice.cases.keys() - values):
        yield at, f"{choice.field} never is {value}: it is one of {', '.join(sorted(values))}"
    if choice.otherwise is None and values - choice.cases.keys():
        left = ", ".join(sorted(values - choice.cases.keys()))
        yield at, f"says nothing for {choice.field} {left}: add otherwise"


def _mistakes_of_expression(
    at: tuple[str | int, ...], role: Role, simple: Simple, contract: type[EventData], directory: Directory
) -> Iterator[_Mistake]:
    match simple:
        case Named(field) | HeadsOf(field) if field not in contract.model_fields:
            yield at, f"the event has no field {field}: correct the name"
        case Previous() if "previous" not in contract.model_fields:
            yield at, "the event tells no previous situation: write the mission alone"
        case Fixed(organism) if organism not in directory.organisms:
            yield at, f"{organism} is not in organisms.csv: correct the id"
        case HeadsOf() if role == "lead":
            yield at, "a national head never leads a worker's case (CSS art. L233-1): name a local organism"
        case Fixed(organism) if role == "lead" and directory.organisms[organism].national:
            yield at, "a national head never leads a worker's case (CSS art. L233-1): name a local organism"


# --- from the file to the values -----------------------------------------------------------------


def _scheme(model: _Scheme, digest: str) -> Scheme:
    return Scheme(
        version=model.scheme,
        hash=digest,
        title=model.title,
        status=model.status,
        legal_basis=model.legal_basis,
        in_force=datetime.fromisoformat(model.in_force.isoformat()),
        heads=MappingProxyType({kind: tuple(heads) for kind, heads in model.national_heads.items()}),
        rules=MappingProxyType({name: _rule(name, rule, model) for name, rule in model.rules.items()}),
        clocks=MappingProxyType({name: _clock(name, clock) for name, clock in model.clocks.items()}),
    )


def _rule(name: str, rule: _Rule, model: _Scheme) -> Rule:
    return Rule(
        name=name,
        activity=rule.activity,
        assignments=tuple(
            Assignment(role, expression, _obligation(role, rule, model))
            for role in ROLES
            for expression in rule.of(role)
        ),
        addressed_to=rule.addressed_to,
        basis=rule.basis,
        status=rule.status,
    )


def _obligation(role: Role, rule: _Rule, model: _Scheme) -> Obligation:
    default: dict[Role, Level] = {
        "lead": model.acknowledge.lead,
        "support": model.acknowledge.support,
        "informed": model.acknowledge.informed,
    }
    level = rule.acknowledge.get(role, default[role])
    usual = model.deadlines.received if level == "received" else model.deadlines.reported
    deadline = rule.deadlines.get(role, usual)
    return Obligation(level, deadline.within, deadline.basis, deadline.status)


def _clock(name: str, clock: _Clock) -> Clock:
    return Clock(
        name=name,
        event=clock.from_,
        when=MappingProxyType({field: tuple(values) for field, values in clock.when.items()}),
        provided=clock.provided,
        counted_from=clock.counted_from,
        until=clock.until,
        delay=clock.within,
        basis=clock.basis,
        status=clock.status,
    )
