"""CARSAT (CSS art. L215-1), and the CNAV for Île-de-France: career, pension, social service."""

from agents.organism import Organism


class Carsat(Organism):
    """Records and checks the careers that paid contributions build; prepares retirement."""

    agent = "carsat"
    article = "L215-1"
