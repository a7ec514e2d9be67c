"""Decides whether a mediation can be opened: the worker has to have approached the organism before.

Source: CSS art. R612-9 (L). The mediation then ends after three months, which the scheme counts.
"""

from typing import Literal

from schemas.events import MediationOpened
from schemas.types import Role


def objection(name: str, role: Role, payload: bytes) -> Literal["no_prior_approach"] | None:
    """Return why the organism that the mediation is about refuses it by itself, None when it does not.

    Args:
        name: the event's name; only `mediation.opened` is refused so.
        role: the organism's role; the national heads are only informed and refuse nothing.
        payload: the event's data as JSON, by its contract.
    """
    if name != "mediation.opened" or role != "lead":
        return None
    opened = MediationOpened.model_validate_json(payload)
    return None if opened.prior_approach else "no_prior_approach"
