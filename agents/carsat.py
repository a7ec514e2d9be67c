"""CARSAT (CSS art. L215-1), and the CNAV for Île-de-France (L222-1): retirement, by residence."""

from agents.missions.retirement import act_retirement
from agents.organism import Organism
from agents.requests import Acts, Request
from streaming.records import State


class Carsat(Organism):
    """Career, pension, preparation of retirement; records the rights that paid contributions open.

    Tells `rights.recorded` at every change of a year's income or quarters, and `rights.mismatch` when what is
    declared is not what is recorded: a case for the worker's URSSAF.
    """

    agent = "carsat"
    article = "L215-1"

    def act(self, request: Request, state: State) -> Acts:
        """Record and reconcile the rights of the worker."""
        return act_retirement(request, state, self.world)
