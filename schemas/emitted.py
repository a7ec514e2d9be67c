"""What the agents say: one frozen model per type of event that l233 emits, version 1.

Same envelope as the input: `subject` the worker, `correlationid` the case; what is measured of an organism
(`quality.measured`) has neither. Field names are public. Four of them also come from outside, from an
organism's own system (`schemas.follow_ups`): one contract for both.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from schemas.events import Contract, EventData
from schemas.marks import Mark, Personal
from schemas.types import (
    AnyOrganism,
    DistinctList,
    Expect,
    Flag,
    IsoDate,
    Money,
    NationalHead,
    Optional,
    OrganismId,
    Quarters,
    Rfc3339,
    Role,
    Text,
    Year,
)

# --- acknowledgements ----------------------------------------------------------------------------


class Acknowledgement(Contract):
    """What every acknowledgement says: who gives it, and in which role if it has one."""

    organism: AnyOrganism
    role: Optional[Role] = None


class InRole(Acknowledgement):
    """An acknowledgement of what a decision asked: only a recipient gives it, so the role is known."""

    role: Role


class AcknowledgementRegistered(InRole):
    """The event is registered and will reach the organism: given by intake, at once."""


class AcknowledgementReceived(InRole):
    """The organism has the event and is competent."""


class AcknowledgementForwarded(Acknowledgement):
    """The organism is not competent and names the one that is. Source: CRPA art. L114-2 (M).

    The one that a request reached first may be nobody the decision asks: then it has no role.
    """

    to: AnyOrganism


class OfAnySource(Acknowledgement, EventData):
    """An acknowledgement that an organism's own system may give too: which part it has, the case knows."""


RefusalGround = Literal[
    "not_served_here",
    "not_competent",
    "no_prior_approach",
    "incomplete",
    "not_entitled",
    "out_of_scope",
    "withdrawn",
    "duplicate",
    "other",
]
"""Why an organism does not act: a closed set.

not_served_here: the directory names another agent. not_competent: this is not the organism's mission.
no_prior_approach: a mediation needs one (CSS art. R612-9, L). incomplete: something is missing from the
request. not_entitled: the conditions are not met. out_of_scope: no organism of article L233-1 does this.
withdrawn: the worker gave the request up. duplicate: the same was asked before. other: none of these.
"""


class AcknowledgementRefused(OfAnySource):
    """The organism does not act, and says why."""

    reason: RefusalGround


ReportCode = Annotated[int, Field(strict=True, ge=0, le=3), Expect("expected an integer, 0 to 3")]
"""0 taken into account, 1 with corrections to make, 2 partly, 3 not. Source: DSN compte rendu métier (S)."""


class AcknowledgementReported(OfAnySource):
    """Business account-rendering: what became of the event."""

    code: ReportCode
    reasons: Annotated[Optional[DistinctList[Text]], Mark('["erased"]')] = None


class AcknowledgementSettled(OfAnySource):
    """All is done."""


# --- rights and entitlements ---------------------------------------------------------------------


class RightsRecorded(Contract):
    """Income with contributions paid, and the quarters it validates. Source: CSS art. L215-1, L225-1 (L)."""

    organism: OrganismId
    year: Personal[Year]
    income: Personal[Money]
    quarters: Personal[Quarters]


class RightsMismatch(Contract):
    """Declared and recorded income of a year differ."""

    organism: OrganismId
    year: Personal[Year]
    declared: Personal[Money]
    recorded: Personal[Money]


Ratio = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^(?:0\.[0-9]{4}|1\.0000)$"),
    Expect('expected a ratio from 0 to 1 as a string with four decimals, such as "0.7500"'),
]


class EntitlementUpdated(Contract):
    """Ratio of daily allowances on a day. Source: CSS art. D622-7 (L)."""

    organism: OrganismId
    on: Personal[IsoDate]
    ratio: Personal[Ratio]
    full: Personal[Flag]
    because: Personal[Text]


class RadiationAnswered(EventData):
    """An organism's answer to an envisaged radiation. Source: CSS art. R611-2 (L)."""

    organism: OrganismId
    objection: Personal[Flag]
    by_silence: Flag


# --- social aid ----------------------------------------------------------------------------------


class SocialAidInstructed(Contract):
    """The organism has instructed the request. Source: CSS art. L612-4 (L)."""

    organism: OrganismId


class SocialAidReferred(Contract):
    """The file goes to the CPSTI's regional instance, anonymously. Source: CSS art. L612-4 (L)."""

    organism: OrganismId
    file: Personal[Text]


class SocialAidPaid(Contract):
    """The aid that the CPSTI granted is paid."""

    organism: OrganismId
    amount: Personal[Money]


# --- deadlines -----------------------------------------------------------------------------------


Awaited = Literal["received", "reported", "paid", "decided", "resolved"]
"""What a deadline waits for: an acknowledgement, or the end of a further clock of the case."""


class Deadline(Contract):
    """A deadline of an organism: what is awaited of it, and by when."""

    organism: AnyOrganism
    level: Awaited
    due: Rfc3339


class DeadlineNear(Deadline):
    """The deadline comes soon."""


class DeadlineMissed(Deadline):
    """The deadline has passed."""


class EscalationRaised(Contract):
    """A missed deadline is brought before a national head."""

    to: NationalHead
    organism: AnyOrganism
    level: Awaited


# --- quality -------------------------------------------------------------------------------------

Count = Annotated[int, Field(strict=True, ge=0), Expect("expected an integer, 0 or more")]


class Occurrences(Contract):
    """How often a duration occurred; durations are rounded to half a percent."""

    milliseconds: Count
    times: Count


class QualityMeasured(Contract):
    """What one lane counted for an indicator over a period: the last word of each lane, added up.

    Shares are numerator / denominator. Of a duration the numerator is the sum of milliseconds, the
    denominator how many, and `spread` how often each occurred. Source: CSS art. L233-1, 2° (L).
    """

    organism: AnyOrganism
    indicator: Text
    activity: Optional[Text] = None
    period: Text
    lane: Count
    numerator: Count
    denominator: Count
    spread: Optional[DistinctList[Occurrences]] = None


EMITTED: Final[Mapping[str, type[Contract]]] = MappingProxyType(
    {
        "acknowledgement.registered": AcknowledgementRegistered,
        "acknowledgement.received": AcknowledgementReceived,
        "acknowledgement.forwarded": AcknowledgementForwarded,
        "acknowledgement.refused": AcknowledgementRefused,
        "acknowledgement.reported": AcknowledgementReported,
        "acknowledgement.settled": AcknowledgementSettled,
        "rights.recorded": RightsRecorded,
        "rights.mismatch": RightsMismatch,
        "entitlement.updated": EntitlementUpdated,
        "radiation.answered": RadiationAnswered,
        "social-aid.instructed": SocialAidInstructed,
        "social-aid.referred": SocialAidReferred,
        "social-aid.paid": SocialAidPaid,
        "deadline.near": DeadlineNear,
        "deadline.missed": DeadlineMissed,
        "escalation.raised": EscalationRaised,
        "quality.measured": QualityMeasured,
    }
)
"""Event name -> model of its data, for what l233 itself emits. The types of later chapters come with them."""
