"""Decides how a case stands: `expected = given + in time still open + overdue`, whatever happened in it."""

from dataclasses import dataclass

from coordination.instants import milliseconds
from schemas.records import CaseClock, CaseRecipient, CaseState

_SECOND_MS = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How many acknowledgements a case expects, and how many of them are given, open in time, overdue."""

    expected: int
    given: int
    open: int
    overdue: int

    @property
    def residual(self) -> int:
        """What is neither: other than 0 it is an incident."""
        return self.expected - self.given - self.open - self.overdue


def standing(case: CaseState, at: str) -> Standing:
    """Return how a case stands at an instant (RFC 3339).

    An annulled event expects nothing. Silence that is an answer, and what resolved a difference of rights,
    count as given.
    """
    at_ms = milliseconds(at)
    expected = [part for part in case.recipients if part.ended != "annulled"]
    return Standing(
        expected=len(expected),
        given=sum(_is_given(part) for part in expected),
        open=sum(not _is_given(part) and not is_overdue(part, at_ms) for part in expected),
        overdue=sum(not _is_given(part) and is_overdue(part, at_ms) for part in expected),
    )


def _is_given(part: CaseRecipient) -> bool:
    return part.done_at is not None


def is_overdue(part: CaseRecipient | CaseClock, at_ms: int) -> bool:
    """Return whether the deadline of a part has passed at an instant (milliseconds since the epoch)."""
    return at_ms >= milliseconds(part.due) + _SECOND_MS
