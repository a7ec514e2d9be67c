"""The names of the topics, as `topics.yaml` registers them; a role's own state has a name of its role."""

from typing import Final

INPUT: Final = "l233.events"
"""The topic that producers write to."""
DECISIONS: Final = "l233.decisions"
RECEIPTS: Final = "l233.receipts"
ACKNOWLEDGEMENTS: Final = "l233.acknowledgements"
OUTCOMES: Final = "l233.outcomes"
CASES: Final = "l233.cases"
QUALITY: Final = "l233.quality"
CHECKPOINTS: Final = "l233.checkpoints"
DEAD_LETTERS: Final = "l233.dead-letters"
SCHEME: Final = "l233.scheme"
OUTAGES: Final = "l233.outages"


def inbox(agent: str) -> str:
    """Return the inbox of an organism's agent."""
    return f"l233.inbox.{agent}"
