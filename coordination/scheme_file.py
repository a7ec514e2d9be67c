"""Decides whether the text of a scheme version is one, and reads it: every mistake is told with its line."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from pydantic import ValidationError

from coordination import yaml_text
from coordination.directory import Directory
from coordination.rulebook import ROLES, Assignment, Clock, Level, Obligation, Role, Rule, Rulebook, Scheme
from coordination.scheme_form import ClockForm, RuleForm, SchemeForm
from coordination.scheme_lint import Mistake, mistakes
from coordination.scheme_reach import without_lead
from coordination.signing import text_hash


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
    document, model = _form(file, text)
    refuse(file, document, mistakes(model, directory))
    return _scheme(model, text_hash(text))


def read_whole_scheme(file: str, text: str, directory: Directory) -> tuple[Scheme, yaml_text.Document]:
    """Read a version that is to be signed: besides, every event type must have a lead in every territory.

    Raises:
        SchemeError: listing every mistake.
    """
    document, model = _form(file, text)
    refuse(file, document, (*mistakes(model, directory), *without_lead(model, directory)))
    return _scheme(model, text_hash(text)), document


def refuse(file: str, document: yaml_text.Document, found: Iterable[Mistake]) -> None:
    """Raise SchemeError, one line per mistake, if there is any."""
    told = [f"{file}:{document.line_of(path)}: {_dotted(path)}: {message}" for path, message in found]
    if told:
        raise SchemeError("\n".join(told))


def _form(file: str, text: str) -> tuple[yaml_text.Document, SchemeForm]:
    try:
        document = yaml_text.read(file, text)
    except yaml_text.YamlError as error:
        raise SchemeError(str(error)) from error
    try:
        return document, SchemeForm.model_validate(document.value)
    except ValidationError as error:
        raise SchemeError("\n".join(form_mistakes(file, document, error))) from error


def _dotted(path: tuple[str | int, ...]) -> str:
    return " > ".join(str(step) for step in path) or "the file"


def form_mistakes(file: str, document: yaml_text.Document, error: ValidationError) -> Iterator[str]:
    """Return what a file of another form than its own is told: one line per mistake."""
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        path = tuple(found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        if found["type"] == "missing":
            message = "is missing: add it"
        elif found["type"] == "extra_forbidden":
            message = "is not known here: correct the name or remove it"
        yield f"{file}:{document.line_of(path)}: {_dotted(path)}: {message}"


def _scheme(model: SchemeForm, digest: str) -> Scheme:
    return Scheme(
        version=model.scheme,
        hash=digest,
        title=model.title,
        status=model.status,
        legal_basis=model.legal_basis,
        in_force=datetime.fromisoformat(model.in_force.isoformat()),
        until=model.in_force_until,
        heads=MappingProxyType({kind: tuple(heads) for kind, heads in model.national_heads.items()}),
        rules=MappingProxyType({name: _rule(name, rule, model) for name, rule in model.rules.items()}),
        clocks=MappingProxyType({name: _clock(name, clock) for name, clock in model.clocks.items()}),
    )


def _rule(name: str, rule: RuleForm, model: SchemeForm) -> Rule:
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


def _obligation(role: Role, rule: RuleForm, model: SchemeForm) -> Obligation:
    default: dict[Role, Level] = {
        "lead": model.acknowledge.lead,
        "support": model.acknowledge.support,
        "informed": model.acknowledge.informed,
    }
    level = rule.acknowledge.get(role, default[role])
    usual = model.deadlines.received if level == "received" else model.deadlines.reported
    deadline = rule.deadlines.get(role, usual)
    return Obligation(level, deadline.within, deadline.basis, deadline.status)


def _clock(name: str, clock: ClockForm) -> Clock:
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
