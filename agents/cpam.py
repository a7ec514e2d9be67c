"""CPAM (CSS art. L211-1): health. Takes the events of the workers who live in its territory."""

from agents.missions.health import act_health, delay_ended
from agents.organism import Organism
from agents.requests import Acts, Request
from streaming.records import Result, State
from streaming.timers import Timer


class Cpam(Organism):
    """Sickness, maternity, daily allowances; receives what contributions and delays mean for them.

    Tells `entitlement.updated` whenever what counts for the daily allowances changes: by what is paid and
    unpaid, by a payment delay granted or broken, and by the end of one.
    """

    agent = "cpam"
    article = "L211-1"

    def act(self, request: Request, state: State) -> Acts:
        """Keep the entitlement of the worker."""
        return act_health(request, state, self.world)

    def due(self, timer: Timer, state: State) -> Result:
        """Tell what the end of a payment delay changes."""
        return self.told(delay_ended(timer, state, self.world))
