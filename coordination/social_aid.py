"""Decides where a request for social aid is, and what the organism of deposit tells on the way.

Requested, referred, decided, paid: the organism instructs and pays, the CPSTI's regional instance decides
(CSS art. L612-4, L), on a file that does not say whose it is (another source than the code). No step is taken
without the word of the organism's own system, and none of the words has to come in its order: what follows
is read off everything that was said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from coordination import ids
from schemas import emitted
from schemas.events import Contract
from schemas.records import EventRef

Step = Literal["requested", "referred", "decided", "paid", "ended"]
"""Where an aid is.

ended: the organism refused it or did not take it into account (code 3), or the request was annulled.
"""

_NOT_TAKEN_INTO_ACCOUNT: Final = 3


@dataclass(frozen=True, slots=True)
class Report:
    """The organism's own system has instructed the request, with a code of 0 to 3."""

    event: EventRef
    code: int


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the CPSTI decided; `amount` is money text, None when it grants what was asked."""

    event: EventRef
    granted: bool
    amount: str | None


@dataclass(frozen=True, slots=True)
class Aid:
    """A request for aid and everything that was said about it; `amount` is money text, if one was asked."""

    request: EventRef
    case: str
    kind: str
    amount: str | None
    report: Report | None = None
    ruling: Ruling | None = None
    settled: EventRef | None = None
    withdrawn: bool = False
    """Refused by the organism, or annulled."""

    @property
    def granted(self) -> str | None:
        """What is to be paid: the amount granted, else the amount asked; None when nothing is."""
        if self.ruling is None or not self.ruling.granted:
            return None
        return self.ruling.amount or self.amount

    @property
    def step(self) -> Step:
        """Where it is."""
        if self.withdrawn or (self.report is not None and self.report.code == _NOT_TAKEN_INTO_ACCOUNT):
            return "ended"
        if self.report is None:
            return "requested"
        if self.ruling is None:
            return "referred"
        return "paid" if self.granted and self._settled_since(self.ruling) else "decided"

    def _settled_since(self, ruling: Ruling) -> bool:
        """Nobody pays what is not decided yet: settled before, it meant something else."""
        return self.settled is not None and _instant(self.settled) >= _instant(ruling.event)


def file(aid: Aid) -> str:
    """Return the file that is referred: a number, the kind of aid, the amount asked.

    The number follows from the worker's reference, the case and the request together, so that whoever holds
    none of them can't find it by trying, and nothing of them can be read from it.
    """
    number = ids.uuid5("social-aid-file", aid.request.subject, aid.case, aid.request.source, aid.request.id)
    return " ".join((number, aid.kind, aid.amount or "no amount"))


@dataclass(frozen=True, slots=True)
class Made:
    """What an organism tells of an aid, and the event that made it do so."""

    cause: EventRef
    data: Contract


def made(organism: str, before: Aid | None, after: Aid, now: EventRef) -> Iterator[Made]:
    """Yield what an organism tells because an aid has come from `before` to `after`.

    Instructed and referred come from the report, paid from the settlement, whichever of the words was the
    last to arrive; a file that a correction changes (`now`) before the decision is referred again.
    """
    past: Step = "requested" if before is None else before.step
    reached = _PASSED[after.step] - _PASSED[past]
    if "referred" in reached and after.report is not None:
        yield Made(after.report.event, emitted.SocialAidInstructed(organism=organism))
        yield Made(after.report.event, emitted.SocialAidReferred(organism=organism, file=file(after)))
    elif before is not None and past == after.step == "referred" and file(before) != file(after):
        yield Made(now, emitted.SocialAidReferred(organism=organism, file=file(after)))
    if "paid" in reached and after.settled is not None and after.granted is not None:
        yield Made(after.settled, emitted.SocialAidPaid(organism=organism, amount=after.granted))


_PASSED: Final[Mapping[Step, frozenset[Step]]] = {
    "requested": frozenset(),
    "referred": frozenset({"referred"}),
    "decided": frozenset({"referred", "decided"}),
    "paid": frozenset({"referred", "decided", "paid"}),
    "ended": frozenset(),
}


def report(aid: Aid, said: Report) -> Aid:
    """Take the organism's report; the first one stands."""
    return replace(aid, report=aid.report or said)


def rule(aid: Aid, said: Ruling) -> Aid:
    """Take the CPSTI's decision; the first one stands, a correction of it replaces it."""
    if aid.ruling is not None and aid.ruling.event.id != said.event.id:
        return aid
    return replace(aid, ruling=said)


def settle(aid: Aid, said: EventRef) -> Aid:
    """Take the organism's word that all is done; a second one after the decision counts as well."""
    return aid if aid.step == "paid" else replace(aid, settled=said)


def withdraw(aid: Aid) -> Aid:
    """End an aid that the organism refuses, or that was requested by mistake."""
    return replace(aid, withdrawn=True)


def _instant(event: EventRef) -> datetime:
    return datetime.fromisoformat(event.time)
