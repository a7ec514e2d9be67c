"""CNAV (CSS art. L222-1): national head of retirement. Establishes the scheme, receives escalations."""

from agents.national_head import NationalHead


class Cnav(NationalHead):
    """Informed of mediations that concern a CARSAT; leads no worker's case (CSS art. L233-1)."""

    agent = "cnav"
    article = "L222-1"
