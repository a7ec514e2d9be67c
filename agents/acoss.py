"""ACOSS, today Urssaf Caisse nationale (CSS art. L225-1): national head of the URSSAF."""

from agents.national_head import NationalHead


class Acoss(NationalHead):
    """Relays declared income; informed of mediations that concern a URSSAF."""

    agent = "acoss"
    article = "L225-1"
