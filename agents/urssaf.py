"""URSSAF (CSS art. L213-1): collection. Takes the events of the workers established in its territory."""

from agents.organism import Organism


class Urssaf(Organism):
    """Registration, calls and collection, payment delays, radiation; hosts the common reception."""

    agent = "urssaf"
    article = "L213-1"
