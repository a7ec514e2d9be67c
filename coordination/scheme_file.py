"""Decides whether the text of a scheme version is one, and reads it: every mistake is told with its line."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType

from pydantic import ValidationError

from coordination import yaml_text
from coordination.directory import Directory
from coordination.rulebook import ROLES, Assignment, Clock, Level, Obligation, Role, Rule, Rulebook, Scheme
from coordination.scheme_form import ClockForm, RuleForm, SchemeForm
from coordination.scheme_lint import mistakes


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
        model = SchemeForm.model_validate(document.value)
    except ValidationError as error:
        raise SchemeError("\n".join(_lines(file, document, error))) from error
    found = [
        f"{file}:{document.line_of(path)}: {_dotted(path)}: {message}"
        for path, message in mistakes(model, directory)
    ]
    if found:
        raise SchemeError("\n".join(found))
    return _scheme(model, sha256(text.replace("\r\n", "\n").encode()).hexdigest())


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


def _scheme(model: SchemeForm, digest: str) -> Scheme:
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
