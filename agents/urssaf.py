"""URSSAF (CSS art. L213-1): collection. Takes the events of the workers established in its territory."""

from agents.missions.collection import act_collection
from agents.organism import Organism
from agents.requests import Acts, Request
from streaming.records import State


class Urssaf(Organism):
    """Registration, calls and collection of contributions, payment delays, radiation.

    Keeps the ledger of incomes, contributions and delays, and proves from it: to CPAM what daily allowances
    need, to CARSAT what was paid. A mismatch of rights reaches it as a case to resolve.
    """

    agent = "urssaf"
    article = "L213-1"

    def act(self, request: Request, state: State) -> Acts:
        """Keep the ledger, and prove from it what is asked."""
        return act_collection(request, state, self.world)
