"""Collection: the ledger of incomes, contributions and payment delays, and what it proves to the others.

The health organism asks for what daily allowances need (CSS art. D622-7, L), the retirement organism for the
proof that contributions were paid (CSS art. L225-1, L).
"""

from collections.abc import Mapping
from typing import Final

from agents.missions import mission
from agents.missions.causes import Cause
from agents.missions.files import File
from agents.missions.mission import NOTHING_FOLLOWS, Followed
from agents.requests import Acts, Request
from agents.world import World
from coordination import proofs
from schemas.codes import Kind
from schemas.events import CareerDisputed
from streaming.records import State


class Collection:
    """Keeps everything that is said of a worker's contributions."""

    kind: Kind = "collection"
    takes = frozenset(
        {
            "income.declared",
            "turnover.declared",
            "contribution.called",
            "contribution.paid",
            "contribution.unpaid",
            "payment-delay.granted",
            "payment-delay.broken",
        }
    )
    asked = frozenset(
        {"sick-leave.received", "maternity.declared", "career.disputed", "retirement.requested"}
    )

    def follow(self, before: File, after: File, cause: Cause, world: World) -> Followed:
        """Tell nothing: the events themselves reach the others."""
        return NOTHING_FOLLOWS

    def timers(self, before: File, after: File, cause: Cause, world: World) -> Mapping[bytes, bytes | None]:
        """Nothing here depends on the day."""
        return {}

    def answer(self, request: Request, file: File) -> tuple[str, ...]:
        """Return the proofs that the support of a sick leave, a maternity, a career or a pension needs."""
        match request.name:
            case "sick-leave.received" | "maternity.declared":
                return proofs.for_allowances(file.account)
            case "career.disputed":
                year = CareerDisputed.model_validate_json(request.payload).year
                return proofs.of_year(file.account, year)
            case "retirement.requested":
                return proofs.of_career(file.account)
            case _:
                return ()


COLLECTION: Final = Collection()


def act_collection(request: Request, state: State, world: World) -> Acts:
    """Return what a collection organism does: it keeps its ledger, and proves from it what others ask."""
    return mission.act(COLLECTION, request, state, world)
