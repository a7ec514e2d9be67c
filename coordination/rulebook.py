"""Decides which version of the scheme is in force at a time, and holds what a version says.

Source: CSS art. L233-1 (L): missions are exercised within a scheme; without one in force nothing is routed.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from coordination.calendar import Delay
from coordination.expressions import Expression

Role = Literal["lead", "support", "informed"]
Level = Literal["received", "reported"]
Status = Literal["law", "convention", "example"]
ROLES: Final[tuple[Role, ...]] = ("lead", "support", "informed")
"""Strongest first."""
CORRECTED: Final = "corrected"
"""Stands for the activity of the event that a correction is about."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What a recipient must acknowledge, within which delay, and where that delay comes from."""

    acknowledge: Level
    delay: Delay
    basis: str
    status: Status


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """One organism of a rule: its role, how it is found, what it owes.

    Built once with the scheme; compared and hashed by identity, as a quick key of what follows from it.
    """

    role: Role
    expression: Expression
    obligation: Obligation


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What happens with one event type. `name` is the event's; assignments stand strongest role first.

    Built once with the scheme; compared and hashed by identity, as an assignment is. `addressed_to` is the
    field naming the organism that the worker turned to: when another one leads, the request counts as
    received there and is forwarded.
    """

    name: str
    activity: str
    assignments: tuple[Assignment, ...]
    addressed_to: str | None
    basis: str
    status: Status


@dataclass(frozen=True, slots=True)
class Clock:
    """A further clock of a case, beside the deadline of an acknowledgement."""

    name: str
    event: str
    when: Mapping[str, tuple[str, ...]]
    provided: str | None
    counted_from: str | None
    until: str
    delay: Delay
    basis: str
    status: Status


@dataclass(frozen=True, slots=True)
class Scheme:
    """One version of the scheme. `hash` is the SHA-256 of the text that was read, in hexadecimal.

    It is in force from `in_force` until the next one is, or until `until` where the version names an end.
    """

    version: str
    hash: str
    title: str
    status: Status
    legal_basis: str
    in_force: datetime
    heads: Mapping[str, tuple[str, ...]]
    rules: Mapping[str, Rule]
    clocks: Mapping[str, Clock]
    until: datetime | None = None


class RulebookError(ValueError):
    """Versions that can't stand side by side, or a version that doesn't exist."""


class Rulebook:
    """The versions of the scheme. Each is in force from its date until the next one's."""

    __slots__ = ("_by_version", "_dates", "_schemes")

    def __init__(self, schemes: Iterable[Scheme]) -> None:
        """Order the versions by date.

        Raises:
            RulebookError: when two versions have one name or come into force together.
        """
        self._schemes: Final = tuple(sorted(schemes, key=lambda scheme: scheme.in_force))
        self._dates: Final = [scheme.in_force for scheme in self._schemes]
        self._by_version: Final = {scheme.version: scheme for scheme in self._schemes}
        if len(self._by_version) < len(self._schemes):
            raise RulebookError("two scheme versions have the same name: give each its own")
        if len(set(self._dates)) < len(self._dates):
            raise RulebookError("two scheme versions come into force at the same time: change one date")

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """Every version, the earliest in force first."""
        return self._schemes

    def in_force(self, at: datetime) -> Scheme | None:
        """Return the version in force at a time (aware), None before the first one or after an end."""
        index = bisect_right(self._dates, at)
        if not index:
            return None
        scheme = self._schemes[index - 1]
        return scheme if scheme.until is None or at < scheme.until else None

    def only(self, version: str) -> "Rulebook":
        """Return a rulebook in which this version alone exists and always is in force.

        Raises:
            RulebookError: when there is no such version.
        """
        return Rulebook((_always(self.version(version)),))

    def as_on(self, at: datetime) -> "Rulebook":
        """Return a rulebook in which the version in force at `at` always is; an empty one when none was."""
        scheme = self.in_force(at)
        return Rulebook(() if scheme is None else (_always(scheme),))

    def version(self, name: str) -> Scheme:
        """Return a version by its name.

        Raises:
            RulebookError: when there is none, naming those that exist.
        """
        try:
            return self._by_version[name]
        except KeyError:
            known = ", ".join(self._by_version) or "none"
            raise RulebookError(f"no scheme version {name!r}: known are {known}") from None


_BEFORE_EVERYTHING: Final = datetime.min.replace(tzinfo=UTC)


def _always(scheme: Scheme) -> Scheme:
    return replace(scheme, in_force=_BEFORE_EVERYTHING, until=None)
