"""CGSS (CSS art. L752-4): every mission in its overseas territory; the Lozère CCSS is served here too."""

from agents.missions.collection import act_collection
from agents.missions.health import act_health, delay_ended
from agents.missions.retirement import act_retirement
from agents.organism import Organism
from agents.requests import Acts, Request, together
from streaming.records import Result, State
from streaming.timers import Timer


class Cgss(Organism):
    """What CPAM, URSSAF and CARSAT do elsewhere, in Guadeloupe, Martinique, Guyane and La Réunion.

    Each mission acts where the organism has it for the worker: he may live here and work elsewhere.
    """

    agent = "cgss"
    article = "L752-4"

    def act(self, request: Request, state: State) -> Acts:
        """Do what each of its missions asks."""
        return together(
            act_collection(request, state, self.world),
            act_retirement(request, state, self.world),
            act_health(request, state, self.world),
        )

    def due(self, timer: Timer, state: State) -> Result:
        """Tell what the end of a payment delay changes."""
        return self.told(delay_ended(timer, state, self.world))
