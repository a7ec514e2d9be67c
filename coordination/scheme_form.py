"""The form of a scheme version: which keys a file has and what may stand under each.

Everything is text in the file; what a key means beyond its form is looked at in `scheme_lint`.
"""

from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from coordination.calendar import Delay
from coordination.expressions import Choice, Expression, Simple, parse
from coordination.rulebook import Level, Role, Status
from schemas.codes import Kind


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


def _written(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty: write it")
    return value


def _delay(value: object) -> object:
    return Delay.parse(value) if isinstance(value, str) else value


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )


_Text = Annotated[str, AfterValidator(_written)]
_Lead = Annotated[Simple | Choice, BeforeValidator(_expression)]
_Roles = Annotated[tuple[Simple | Choice, ...], BeforeValidator(_expressions)]
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


class RuleForm(_Sourced):
    """What stands under the name of an event."""

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


class ClockForm(_Sourced):
    """A further delay of a case."""

    from_: _Text = Field(alias="from")
    when: dict[str, list[str]] = {}
    provided: _Text | None = None
    counted_from: _Text | None = None
    until: _Text
    within: _DelayText


class SchemeForm(_Part):
    """The whole file."""

    scheme: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}(\.[0-9]+)?$")]
    title: _Text
    status: Status
    in_force: AwareDatetime
    in_force_until: AwareDatetime | None = None
    legal_basis: _Text
    established_by: list[_Signatory]
    approved_by: list[_Text]
    missions: dict[Kind, _Mission]
    activities: dict[str, _Activity]
    national_heads: dict[str, list[_Text]]
    acknowledge: _Acknowledge
    deadlines: _Deadlines
    rules: dict[str, RuleForm]
    clocks: dict[str, ClockForm] = {}
