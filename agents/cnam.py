"""CNAM (CSS art. L221-1): national head of the CPAM. Establishes the scheme, receives escalations."""

from agents.national_head import NationalHead


class Cnam(NationalHead):
    """Informed of mediations that concern a CPAM; leads no worker's case (CSS art. L233-1)."""

    agent = "cnam"
    article = "L221-1"
