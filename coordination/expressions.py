"""Decides what a role of a scheme's rule may say: a small language that a jurist can read.

health                      the worker's own organism of a mission (also collection, retirement)
health of previous          the same, of the situation that the event says is left
organism in received_by     the organism that a field of the event names
national heads of against   the heads of that organism
lead of corrected           who leads the event that a correction names (also support, informed)
acoss                       an organism by its id
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.codes import KINDS, Kind


@dataclass(frozen=True, slots=True)
class Own:
    """The worker's own organism of a mission."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Previous:
    """The organism of a mission in the situation that the worker leaves."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Named:
    """The organism that a field of the event's data names."""

    field: str


@dataclass(frozen=True, slots=True)
class HeadsOf:
    """The national heads of the organism that a field of the event's data names."""

    field: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """An organism of the directory, by its id."""

    organism: str


@dataclass(frozen=True, slots=True)
class AsCorrected:
    """Whoever has a role for the event that is corrected."""

    role: str


Simple = Own | Previous | Named | HeadsOf | Fixed | AsCorrected


@dataclass(frozen=True, slots=True)
class Choice:
    """One expression or another, by the value of a field."""

    field: str
    cases: Mapping[str, Simple]
    otherwise: Simple | None


Expression = Simple | Choice

_ID: Final = re.compile(r"[a-z]+(:[a-z0-9-]+)?")
_FIELD: Final = re.compile(r"[a-z_]+")
_ROLES: Final = ("lead", "support", "informed")
_KINDS: Final[Mapping[str, Kind]] = {kind: kind for kind in KINDS}


class ExpressionError(ValueError):
    """A text that is no role expression: the message says what may stand there."""


def parse(text: str) -> Simple:
    """Read one expression.

    Raises:
        ExpressionError: when the text is none.
    """
    if text in _KINDS:
        return Own(_KINDS[text])
    first, separator, rest = text.partition(" of ")
    if separator and first in _KINDS and rest == "previous":
        return Previous(_KINDS[first])
    if separator and first == "national heads" and _FIELD.fullmatch(rest):
        return HeadsOf(rest)
    if rest == "corrected" and first in _ROLES:
        return AsCorrected(first)
    if text.startswith("organism in ") and _FIELD.fullmatch(field := text.removeprefix("organism in ")):
        return Named(field)
    if _ID.fullmatch(text):
        return Fixed(text)
    raise ExpressionError(
        f"{text!r} names no organism: write health, collection or retirement (also: health of previous), "
        "organism in FIELD, national heads of FIELD, lead of corrected, the id of an organism such as acoss"
    )


def alternatives(expression: Expression) -> tuple[Simple, ...]:
    """Return every simple expression that an expression can come to."""
    if not isinstance(expression, Choice):
        return (expression,)
    last = () if expression.otherwise is None else (expression.otherwise,)
    return (*expression.cases.values(), *last)
