"""Decides offline what production would decide: `l233 check`, over a file of events in structured JSON.

Lines in order build the known situations, as intake would. A duplicate is answered with its first verdict.
"""

from typing import Final, TypedDict

from coordination.intake import Intake
from coordination.verdicts import Duplicate, InputRecord, Refused, Rekeyed, Routed
from schemas.envelope import STRUCTURED
from schemas.records import Receipt

_HEADERS: Final = (("content-type", STRUCTURED.encode()),)


class CheckedViolation(TypedDict):
    """One thing that is wrong, and where."""

    path: str
    message: str


class CheckedRecipient(TypedDict):
    """A recipient as `check --json` shows it."""

    organism: str
    role: str
    activity: str
    acknowledge: str
    by: str
    basis: str
    status: str


class CheckedUnresolved(TypedDict):
    """A role without an organism as `check --json` shows it."""

    kind: str
    role: str
    reason: str


class Checked(TypedDict):
    """What `check --json` shows of one event: public names."""

    id: str | None
    verdict: str
    reason: str | None
    errors: list[CheckedViolation]
    scheme: str | None
    case: str | None
    recipients: list[CheckedRecipient]
    unresolved: list[CheckedUnresolved]


class Preflight:
    """A check of events in their order. Give it an `Intake` without partitions, so that nothing is rekeyed.

    For a forced scheme or another date, build the intake with `Rulebook.only` or `Rulebook.as_on`.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake: Final = intake
        self._memory: Final[dict[bytes, bytes]] = {}
        self._lines = 0

    def check(self, line: bytes) -> Checked:
        """Return the verdict on the next event: one CloudEvent in structured JSON."""
        record = InputRecord("check", 0, self._lines, 0, None, line, _HEADERS)
        self._lines += 1
        verdict = self._intake.judge(record, self._memory)
        match verdict:
            case Routed():
                self._memory.update(verdict.writes)
                return _shown(verdict.receipt)
            case Duplicate() | Refused():
                return _shown(verdict.receipt)
            case Rekeyed():
                raise ValueError("a check has no partitions: build its intake with partitions=None")


def _shown(receipt: Receipt) -> Checked:
    return {
        "id": receipt.event.id,
        "verdict": "routed" if receipt.verdict == "registered" else "dead_letter",
        "reason": receipt.reason,
        "errors": [{"path": error.path, "message": error.message} for error in receipt.errors],
        "scheme": receipt.scheme,
        "case": receipt.case,
        "recipients": [
            {
                "organism": to.organism,
                "role": to.role,
                "activity": to.activity,
                "acknowledge": to.acknowledge,
                "by": to.by,
                "basis": to.basis,
                "status": to.status,
            }
            for to in receipt.recipients
        ],
        "unresolved": [
            {"kind": gap.kind, "role": gap.role, "reason": gap.reason} for gap in receipt.unresolved
        ],
    }
