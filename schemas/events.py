"""What happens to a worker, as producers say it: one frozen model per event type, version 1.

A type is `fr.l233.` + name + `.v1`; `CONTRACTS` maps the name to its model. Field names are public. What is
said later of such an event stands in `schemas.follow_ups`, and all that is taken in together in
`schemas.inputs`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from schemas.marks import Personal
from schemas.types import (
    Ape,
    CollectionOrganism,
    Commune,
    Count,
    DistinctList,
    Flag,
    HealthOrganism,
    IsoDate,
    LegalForm,
    Money,
    Optional,
    OrganismId,
    Period,
    Quarters,
    RetirementOrganism,
    Siren,
    Siret,
    Text,
    Year,
)

TYPE_PREFIX: Final = "fr.l233."


class Contract(BaseModel):
    """What every model of a contract has: frozen, strict, no unheard-of field."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    def to_json(self) -> bytes:
        """Write the data as JSON; what is absent is left out, never null."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)


class Attachments(Contract):
    """The organisms a worker is known to be attached to; they win over the territory's."""

    health: Optional[HealthOrganism] = None
    collection: Optional[CollectionOrganism] = None
    retirement: Optional[RetirementOrganism] = None


class Place(Contract):
    """Where a worker lives and works: what decides the competent organisms."""

    residence: Commune
    establishment: Commune
    attachments: Optional[Attachments] = None


class Worker(Place):
    """The worker's situation as the event gives it."""

    siren: Siren


class EventData(Contract):
    """What the data of every event has in common."""

    worker: Personal[Optional[Worker]] = None


# --- activity ------------------------------------------------------------------------------------


class ActivityRegistered(EventData):
    """A self-employed activity begins."""

    worker: Personal[Worker]
    start: Personal[IsoDate]
    legal_form: Personal[Optional[LegalForm]] = None
    ape: Personal[Optional[Ape]] = None
    siret: Personal[Optional[Siret]] = None
    micro: Personal[Optional[Flag]] = None


class ActivityModified(EventData):
    """Something of the registered activity changes."""

    changed: Personal[DistinctList[Literal["address", "activity", "spouse_status", "legal_form", "name"]]]
    effective: Personal[IsoDate]


class ActivityCeased(EventData):
    """The activity ends."""

    end: Personal[IsoDate]


class TerritoryChanged(EventData):
    """The worker moves: `worker` is the new situation, `previous` the old one."""

    worker: Personal[Worker]
    previous: Personal[Place]
    effective: Personal[IsoDate]


Ground = Literal["no_turnover", "no_declaration", "request"]


class RadiationEnvisaged(EventData):
    """The collection organism intends to strike the worker off. Source: CSS art. R611-2 (L)."""

    ground: Personal[Ground]
    notified: Personal[IsoDate]


class RadiationDecided(EventData):
    """The worker is struck off. Source: CSS art. R611-2 (L)."""

    ground: Personal[Ground]
    effective: Personal[IsoDate]


# --- contributions -------------------------------------------------------------------------------


class IncomeDeclared(EventData):
    """A year's income becomes known. Source: CSS art. R613-1-1 (L)."""

    year: Personal[Year]
    amount: Personal[Money]
    source: Personal[Literal["tax_authority", "worker"]]


class TurnoverDeclared(EventData):
    """A period's turnover is declared."""

    period: Personal[Period]
    amount: Personal[Money]


class ContributionCalled(EventData):
    """A contribution is called: `due` and `base` are the period's totals."""

    period: Personal[Period]
    due: Personal[Money]
    base: Personal[Money]


class ContributionPaid(EventData):
    """One payment: `paid` is its amount, `due` and `base` are the period's totals."""

    period: Personal[Period]
    paid: Personal[Money]
    due: Personal[Money]
    base: Personal[Money]


class ContributionUnpaid(EventData):
    """A period is not paid: `missed` counts the missed dates."""

    period: Personal[Period]
    due: Personal[Money]
    missed: Personal[Count]


class PaymentDelayGranted(EventData):
    """A payment delay is granted for a period. Source: CSS art. D622-7 (L)."""

    period: Personal[Period]
    until: Personal[IsoDate]


class PaymentDelayBroken(EventData):
    """A granted payment delay is not respected. Source: CSS art. D622-7 (L)."""

    period: Personal[Period]


# --- health --------------------------------------------------------------------------------------


class Absence(EventData):
    """A span of days off work."""

    starts: Personal[IsoDate]
    ends: Personal[IsoDate]

    @field_validator("ends")
    @classmethod
    def _ends_after_start(cls, ends: IsoDate, info: ValidationInfo) -> IsoDate:
        starts = info.data.get("starts")
        if starts is not None and ends < starts:
            raise PydanticCustomError("expectation", "expected a date that is not before `starts`")
        return ends


class SickLeaveReceived(Absence):
    """A sick leave reaches the health organism."""


class MaternityDeclared(Absence):
    """A maternity is declared."""


# --- retirement ----------------------------------------------------------------------------------


class RetirementRequested(EventData):
    """A pension is asked for, from `starts`."""

    starts: Personal[IsoDate]
    complete: Personal[Flag]


class CareerDisputed(EventData):
    """The worker claims quarters that the career does not show."""

    year: Personal[Year]
    claimed: Personal[Quarters]


# --- social action and contacts ------------------------------------------------------------------

Subject = Literal["health", "contributions", "retirement", "social_action", "other"]


class SocialAidRequested(EventData):
    """Social aid is asked for. Source: CSS art. L612-4 (L)."""

    kind: Personal[Literal["contributor_in_difficulty", "emergency", "exceptional", "retirement_support"]]
    received_by: OrganismId
    amount: Personal[Optional[Money]] = None


class DifficultyDetected(EventData):
    """An organism sees that a worker is in difficulty."""

    detected_by: OrganismId
    themes: Personal[DistinctList[Literal["health", "contributions", "retirement", "family", "housing"]]]


class ContactReceived(EventData):
    """The worker gets in touch."""

    channel: Personal[Literal["counter", "phone", "email", "post", "online"]]
    subject: Personal[Subject]
    received_by: OrganismId


class AppointmentRequested(EventData):
    """The worker asks for an appointment at a place."""

    place: Personal[Text]
    subject: Personal[Subject]
    received_by: OrganismId


class ComplaintLodged(EventData):
    """The worker complains of an organism."""

    against: OrganismId
    subject: Personal[Subject]


class MediationOpened(EventData):
    """The worker asks for mediation. Source: CSS art. R612-9 (L)."""

    against: OrganismId
    prior_approach: Personal[Flag]


CONTRACTS: Final[Mapping[str, type[EventData]]] = MappingProxyType(
    {
        "activity.registered": ActivityRegistered,
        "activity.modified": ActivityModified,
        "activity.ceased": ActivityCeased,
        "territory.changed": TerritoryChanged,
        "radiation.envisaged": RadiationEnvisaged,
        "radiation.decided": RadiationDecided,
        "income.declared": IncomeDeclared,
        "turnover.declared": TurnoverDeclared,
        "contribution.called": ContributionCalled,
        "contribution.paid": ContributionPaid,
        "contribution.unpaid": ContributionUnpaid,
        "payment-delay.granted": PaymentDelayGranted,
        "payment-delay.broken": PaymentDelayBroken,
        "sick-leave.received": SickLeaveReceived,
        "maternity.declared": MaternityDeclared,
        "retirement.requested": RetirementRequested,
        "career.disputed": CareerDisputed,
        "social-aid.requested": SocialAidRequested,
        "difficulty.detected": DifficultyDetected,
        "contact.received": ContactReceived,
        "appointment.requested": AppointmentRequested,
        "complaint.lodged": ComplaintLodged,
        "mediation.opened": MediationOpened,
    }
)
"""Event name -> model of its data: the 23 types of the table in docs/contracts.md, and no follow-up."""


def type_of(name: str) -> str:
    """Give the CloudEvents type of an event name: `contribution.paid` -> `fr.l233.contribution.paid.v1`."""
    return f"{TYPE_PREFIX}{name}.v1"
