"""Decides whether a scheme of the right form makes sense: names that exist, roles that can be resolved.

What article L233-1 demands is checked too: three signatories, two approvals, no national head that leads (L).
"""

from collections.abc import Iterator
from typing import Final, get_args

from coordination.clock_lint import mistakes_of_clocks
from coordination.directory import Directory
from coordination.expressions import (
    AsCorrected,
    Choice,
    Fixed,
    HeadsOf,
    Named,
    Previous,
    Simple,
    alternatives,
)
from coordination.rulebook import CORRECTED, ROLES, Role
from coordination.scheme_form import RuleForm, SchemeForm
from schemas.events import EventData
from schemas.follow_ups import ACKNOWLEDGEMENTS, Correction
from schemas.inputs import INPUTS

Mistake = tuple[tuple[str | int, ...], str]
"""A path in the file, and what is wrong there."""
_SIGNATORIES: Final = {"cnam", "cnav", "acoss"}


def mistakes(model: SchemeForm, directory: Directory) -> Iterator[Mistake]:
    """Find every mistake: where it stands, and what to do."""
    if {entry.organism for entry in model.established_by} != _SIGNATORIES:
        yield ("established_by",), "must be cnam, cnav and acoss, jointly (CSS art. L233-1): name the three"
    if len(set(model.approved_by)) != 2:
        yield (
            ("approved_by",),
            "must be two ministers, social security and budget (CSS art. L233-1): name both",
        )
    if model.in_force_until is not None and model.in_force_until <= model.in_force:
        yield ("in_force_until",), "is not after in_force: correct one of them"
    yield from _mistakes_of_heads(model, directory)
    yield from mistakes_of_clocks(model.clocks)
    for name, rule in model.rules.items():
        contract = INPUTS.get(name)
        if contract is None:
            yield ("rules", name), "is no event type: correct the name"
            continue
        if name in ACKNOWLEDGEMENTS:
            yield ("rules", name), "is an acknowledgement, which asks nobody anything: remove the rule"
            continue
        if rule.activity == CORRECTED:
            if not issubclass(contract, Correction):
                yield ("rules", name, "activity"), "corrected is for case.updated and case.annulled: name one"
        elif rule.activity not in model.activities:
            yield ("rules", name, "activity"), f"{rule.activity} is not among activities: add it there"
        yield from _mistakes_of_rule(name, rule, contract, directory)


def _mistakes_of_heads(model: SchemeForm, directory: Directory) -> Iterator[Mistake]:
    local = {organism.kind for organism in directory.organisms.values() if not organism.national}
    for kind in sorted(local - model.national_heads.keys()):
        yield ("national_heads",), f"{kind} is missing: name its heads"
    for kind, heads in model.national_heads.items():
        for head in heads:
            known = directory.organisms.get(head)
            if known is None or not known.national:
                yield ("national_heads", kind), f"{head} is no national head: write cnam, cnav or acoss"


def _mistakes_of_rule(
    name: str, rule: RuleForm, contract: type[EventData], directory: Directory
) -> Iterator[Mistake]:
    at = ("rules", name)
    for role in ROLES:
        for expression in rule.of(role):
            if isinstance(expression, Choice):
                yield from _mistakes_of_choice((*at, role), expression, contract)
            for simple in alternatives(expression):
                yield from _mistakes_of_expression((*at, role), role, simple, contract, directory)
        for key, told in (("acknowledge", rule.acknowledge), ("deadlines", rule.deadlines)):
            if role in told and not rule.of(role):
                yield (*at, key, role), f"nobody has the role {role} in this rule: remove it"
    if rule.addressed_to is not None and rule.addressed_to not in contract.model_fields:
        yield (*at, "addressed_to"), f"the event has no field {rule.addressed_to}: correct the name"


def _mistakes_of_choice(
    at: tuple[str | int, ...], choice: Choice, contract: type[EventData]
) -> Iterator[Mistake]:
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
) -> Iterator[Mistake]:
    match simple:
        case Named(field) | HeadsOf(field) if field not in contract.model_fields:
            yield at, f"the event has no field {field}: correct the name"
        case Previous() if "previous" not in contract.model_fields:
            yield at, "the event tells no previous situation: write the mission alone"
        case AsCorrected(told) if not issubclass(contract, Correction):
            yield at, f"the event corrects none, so nobody is {told} of it: name an organism"
        case AsCorrected(told) if told != role:
            yield at, f"who is {told} of the corrected event stays so: write {role} of corrected"
        case Fixed(organism) if organism not in directory.organisms:
            yield at, f"{organism} is not in organisms.csv: correct the id"
        case HeadsOf() if role == "lead":
            yield at, "a national head never leads a worker's case (CSS art. L233-1): name a local organism"
        case Fixed(organism) if role == "lead" and directory.organisms[organism].national:
            yield at, "a national head never leads a worker's case (CSS art. L233-1): name a local organism"
