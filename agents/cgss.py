"""CGSS (CSS art. L752-4): every mission in its overseas territory; the Lozère CCSS is served here too."""

from agents.organism import Organism


class Cgss(Organism):
    """What CPAM, URSSAF and CARSAT do elsewhere, in Guadeloupe, Martinique, Guyane and La Réunion."""

    agent = "cgss"
    article = "L752-4"
