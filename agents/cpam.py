"""CPAM (CSS art. L211-1): health. Takes the events of the workers who live in its territory."""

from agents.organism import Organism


class Cpam(Organism):
    """Sickness, maternity, daily allowances; receives what contributions and delays mean for them."""

    agent = "cpam"
    article = "L211-1"
