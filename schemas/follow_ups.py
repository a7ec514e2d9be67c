"""What is said later of an event and its case, from outside: decisions, answers, corrections.

Acknowledgements of an organism's own system are among them. Each names its case in `correlationid`, which it
needs. Field names are public.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from schemas.emitted import (
    AcknowledgementRefused,
    AcknowledgementReported,
    AcknowledgementSettled,
    RadiationAnswered,
)
from schemas.events import EventData
from schemas.marks import Personal
from schemas.types import Flag, Money, Optional, OrganismId, Text


class SocialAidDecided(EventData):
    """The CPSTI's regional instance has decided; the organism never does. Source: CSS art. L612-4 (L)."""

    organism: OrganismId
    granted: Personal[Flag]
    amount: Personal[Optional[Money]] = None


class Correction(EventData):
    """What corrections have in common: the event that is meant, by its id and source."""

    event: Text
    source: Text


class CaseUpdated(Correction):
    """The event said something wrong: `data` is what it says now, the whole of it, by its type's contract."""

    data: Personal[dict[str, JsonValue]]


class CaseAnnulled(Correction):
    """The event should not have been sent: nothing of it holds any more."""

    reason: Personal[Text]


class BetweenOrganisms(EventData):
    """What goes from one organism of a case to another."""

    organism: OrganismId
    to: OrganismId

    @field_validator("to")
    @classmethod
    def _to_another(cls, to: str, info: ValidationInfo) -> str:
        if to == info.data.get("organism"):
            raise PydanticCustomError("expectation", "expected another organism than `organism`")
        return to


class CaseClarified(BetweenOrganisms):
    """An organism asks another one something about the case."""

    text: Personal[Text]


class CaseForwarded(BetweenOrganisms):
    """An organism is not competent and hands the case to the one that is. Source: CRPA art. L114-2 (M)."""


FOLLOW_UPS: Final[Mapping[str, type[EventData]]] = MappingProxyType(
    {
        "social-aid.decided": SocialAidDecided,
        "radiation.answered": RadiationAnswered,
        "acknowledgement.reported": AcknowledgementReported,
        "acknowledgement.settled": AcknowledgementSettled,
        "acknowledgement.refused": AcknowledgementRefused,
        "case.updated": CaseUpdated,
        "case.annulled": CaseAnnulled,
        "case.clarified": CaseClarified,
        "case.forwarded": CaseForwarded,
    }
)
"""Event name -> model of its data, for what is said later of an event of the table."""

ACKNOWLEDGEMENTS: Final = frozenset(name for name in FOLLOW_UPS if name.startswith("acknowledgement."))
"""Those that are acknowledgements: they ask nobody anything."""
