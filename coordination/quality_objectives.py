"""Decides whether the text of the quality objectives is one, and reads it; mistakes are told with their line.

Source: CSS art. L233-1, 2° (L): the scheme secures the objectives of quality of service of the agreements of
art. L227-1 for the self-employed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal, assert_never, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coordination import yaml_text
from coordination.periods import Length
from schemas.records import Status

Measure = Literal[
    "received-in-time",
    "reported-in-time",
    "oldest-open-case",
    "time-to-registration",
    "time-to-reception",
    "time-to-report",
    "wrongly-addressed",
    "time-to-forward",
    "rights-recorded-in-time",
    "rights-mismatch",
    "social-aid-in-time",
]
"""What can be computed from the topics."""
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)

Direction = Literal["higher", "lower"]
Public = Literal["self-employed", "all"]
Unit = Literal["percent", "days"]
State = Literal["met", "between", "missed", "not measurable"]
"""between: beyond the threshold, short of the target, so at risk. not measurable: nothing to measure, or no
objective to compare it with."""

_UNITS: Final[Mapping[Measure, Unit]] = {
    measure: "days" if measure.startswith("time-to-") or measure == "oldest-open-case" else "percent"
    for measure in MEASURES
}
_NEED_DAYS: Final = frozenset[Measure]({"rights-recorded-in-time"})


class ObjectivesError(ValueError):
    """Objectives that can't be used: one line per mistake, each with file, line, what and what to do."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """What is looked at, and what was promised. `measure` None: l233 can't compute it from its topics."""

    id: str
    name: str
    convention: str
    public: Public
    unit: Unit
    threshold: Decimal | None
    target: Decimal | None
    weight: Decimal | None
    period: Length
    direction: Direction
    source: str
    status: Status
    measure: Measure | None
    within: int | None
    observed: str | None

    def state_of(self, value: Decimal | None) -> State:
        """Compare a value (in `unit`; None: there is none) with threshold and target."""
        if value is None or self.threshold is None or self.target is None:
            return "not measurable"
        if _reaches(value, self.target, self.direction):
            return "met"
        return "between" if _reaches(value, self.threshold, self.direction) else "missed"


def _reaches(value: Decimal, bound: Decimal, direction: Direction) -> bool:
    match direction:
        case "higher":
            return value >= bound
        case "lower":
            return value <= bound
        case _:
            assert_never(direction)


_Text = Annotated[str, Field(min_length=1)]
_Number = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class _IndicatorForm(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    name: _Text
    convention: _Text
    public: Public
    unit: Unit
    threshold: _Number | None
    target: _Number | None
    weight: _Number | None
    period: Length
    direction: Direction
    source: _Text
    status: Status
    measure: Measure | None = None
    within: Annotated[int, Field(ge=1)] | None = None
    observed: _Text | None = None


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    indicators: Annotated[list[_IndicatorForm], Field(min_length=1)]


def read_objectives(file: str, text: str) -> tuple[Indicator, ...]:
    """Read the objectives. `file` only serves the messages.

    Raises:
        ObjectivesError: listing every mistake.
    """
    try:
        document = yaml_text.read(file, text)
    except yaml_text.YamlError as error:
        raise ObjectivesError(str(error)) from error
    try:
        form = _Form.model_validate(document.value)
    except ValidationError as error:
        found = [(tuple(one["loc"]), _in_words(one["type"], one["msg"])) for one in error.errors()]
        raise ObjectivesError(_told(file, document, found)) from error
    if mistakes := list(_mistakes(form)):
        raise ObjectivesError(_told(file, document, mistakes))
    return tuple(Indicator(**dict(one)) for one in form.indicators)


_Mistake = tuple[tuple[str | int, ...], str]


def _mistakes(form: _Form) -> Iterator[_Mistake]:
    known: set[str] = set()
    measured: set[Measure] = set()
    for number, one in enumerate(form.indicators):
        at = ("indicators", number)
        if one.id in known:
            yield (*at, "id"), f"{one.id} stands twice: give each its own id"
        known.add(one.id)
        yield from _mistakes_of_bounds(at, one)
        if one.measure is None:
            continue
        if one.measure in measured:
            yield (*at, "measure"), f"{one.measure} has an objective already: remove one of them"
        measured.add(one.measure)
        if one.unit != _UNITS[one.measure]:
            yield (*at, "unit"), f"{one.measure} is measured in {_UNITS[one.measure]}: write that"
        if (one.within is None) == (one.measure in _NEED_DAYS):
            need = "needs `within`, a number of days" if one.measure in _NEED_DAYS else "takes no `within`"
            yield (*at, "within"), f"{one.measure} {need}: {'add' if one.within is None else 'remove'} it"


def _mistakes_of_bounds(at: tuple[str | int, ...], one: _IndicatorForm) -> Iterator[_Mistake]:
    if (one.threshold is None) != (one.target is None):
        yield (*at, "threshold"), "threshold and target go together: give both, or null for both"
    elif one.threshold is not None and one.target is not None:
        if not _reaches(one.target, one.threshold, one.direction):
            yield (*at, "target"), f"is worse than the threshold where {one.direction} is better: correct one"
        for name, bound in (("threshold", one.threshold), ("target", one.target)):
            if one.unit == "percent" and bound > 100:
                yield (*at, name), "is more than 100 percent: correct it"


def _told(file: str, document: yaml_text.Document, found: list[_Mistake]) -> str:
    return "\n".join(
        f"{file}:{document.line_of(path)}: {' > '.join(map(str, path)) or 'the file'}: {message}"
        for path, message in found
    )


def _in_words(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "is missing: add it (null where none was found)"
        case "extra_forbidden":
            return "is not known here: correct the name or remove it"
        case _:
            return message.removeprefix("Value error, ")
