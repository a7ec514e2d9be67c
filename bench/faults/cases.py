"""What a case must be, from its decisions and acknowledgements taken all together.

Written apart from `coordination.cases`, which takes them one after the other as they come: a message that was
dropped, taken twice or forgotten in a restart makes the two differ.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from schemas.records import (
    CaseEvent,
    CaseRecipient,
    CaseState,
    Decision,
    GivenAcknowledgement,
    Level,
    WaitingAcknowledgement,
)

LEVELS: Final[Sequence[Level]] = ("registered", "received", "forwarded", "refused", "reported", "settled")
_ROLES: Final = ("lead", "support", "informed")
_OWED: Final = {
    "received": {"received", "forwarded", "refused", "reported", "settled"},
    "reported": {"refused", "reported", "settled"},
}
_ENDED_BY: Final[dict[str, set[Level]]] = {"lead": {"forwarded"}, "support": set(), "informed": set()}


class Given(NamedTuple):
    """An acknowledgement, as far as a case keeps it."""

    id: str
    organism: str
    level: Level
    at: str
    about: str | None
    """The id of the event that it answers."""


@dataclass(slots=True)
class Case:
    """Everything that was said of one case."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)

    def state(self, case: str, worker: str) -> CaseState:
        """Return the state that all of it together amounts to."""
        decisions = sorted(self.decisions.values(), key=lambda one: (*_when(one.event.time), one.id))
        parts = [part for decision in decisions for part in self._parts(decision)]
        taken = {given.id for part in parts for given in part.given}
        left = sorted(
            (g for g in self.given.values() if g.id not in taken), key=lambda g: (*_when(g.at), g.id)
        )
        opened = [one.event.time for one in decisions] or [given.at for given in left]
        heard = [one.event.time for one in decisions] + [given.at for given in self.given.values()]
        done = bool(parts) and all(
            _gave(part.given) & (_OWED[part.acknowledge] | _ENDED_BY[part.role]) for part in parts
        )
        return CaseState(
            case=case,
            worker=worker,
            opened=min(opened, key=_when),
            updated=max(heard, key=_when),
            status="closed" if done else "open",
            events=tuple(
                CaseEvent(one.event.id, one.event.source, one.event.type, one.event.time, one.id)
                for one in decisions
            ),
            recipients=tuple(parts),
            waiting=tuple(WaitingAcknowledgement(g.id, g.organism, g.level, g.at, g.about) for g in left),
        )

    def _parts(self, decision: Decision) -> Iterable[CaseRecipient]:
        for to in sorted(decision.recipients, key=lambda to: (_ROLES.index(to.role), to.organism)):
            answers = (
                GivenAcknowledgement(given.id, given.level, given.at)
                for given in self.given.values()
                if given.organism == to.organism and given.about == decision.event.id
            )
            told = tuple(sorted(answers, key=lambda one: (LEVELS.index(one.level), *_when(one.at), one.id)))
            yield CaseRecipient(decision.id, to.organism, to.role, to.activity, to.acknowledge, to.by, told)


def _gave(given: Iterable[GivenAcknowledgement]) -> set[Level]:
    return {one.level for one in given}


def _when(text: str) -> tuple[datetime, str]:
    return datetime.fromisoformat(text), text
