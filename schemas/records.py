"""The records on our own topics: what was decided, answered, refused, asked of an organism; where a case is.

Frozen dataclasses, each with its adapter: `DECISION.dump_json(decision)` writes the data of the record,
`DECISION.validate_json(payload)` reads it back. Times are RFC 3339 text, money is text with two decimals.
"""

from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from pydantic import TypeAdapter

from schemas.codes import Kind
from schemas.marks import Mark, Personal
from schemas.refusal import Reason, Violation
from schemas.types import Role

Acknowledge = Literal["received", "reported"]
"""What a recipient is asked for."""

Level = Literal["registered", "received", "forwarded", "refused", "reported", "settled"]
"""What an acknowledgement says; `registered` is intake's, at once."""

Activity = Literal[
    "affiliation", "future-rights", "health", "retirement", "social-action", "accompaniment", "requests"
]
Status = Literal["law", "convention", "example"]
"""How binding a rule is: the statute has no lead and support matrix, so most are `example`."""

UnresolvedReason = Literal["outside_scheme", "ambiguous_territory"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """An organism that an event goes to, what it must answer and by when (end of `by`, RFC 3339)."""

    organism: str
    role: Role
    activity: str
    acknowledge: Acknowledge
    by: str
    basis: str
    status: Status


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A role beside the lead that no organism could be found for."""

    kind: Kind
    role: Role
    reason: UnresolvedReason


@dataclass(frozen=True, slots=True)
class EventRef:
    """Which event is meant."""

    id: str
    source: str
    type: str
    subject: str
    time: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a worker: communes, and the organisms he is attached to by role."""

    siren: str
    residence: str
    establishment: str
    attachments: dict[str, str] = field(default_factory=dict)


ClockLevel = Literal["paid", "decided", "resolved"]
"""What a further clock of a case waits for."""


@dataclass(frozen=True, slots=True)
class StartedClock:
    """A further clock that an event starts, beside the acknowledgements: until `until` happens, by `due`."""

    name: str
    organism: str
    level: ClockLevel
    until: str
    due: str
    basis: str
    status: Status


@dataclass(frozen=True, slots=True)
class CorrectedEvent:
    """The event that a correction is about, with its CloudEvents type."""

    id: str
    source: str
    type: str


@dataclass(frozen=True, slots=True)
class InputPlace:
    """Where the record of an input lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Who gets an event, and why: scheme, rule, legal basis and the inputs that were used.

    What needs no situation of the worker may have none; an acknowledgement from outside asks nobody, so that
    it has neither recipients nor an activity, and no rule of the scheme is behind it.
    """

    id: str
    event: EventRef
    case: str
    scheme: str
    scheme_hash: str
    rule: str
    basis: str
    activity: str | None
    situation: Annotated[Situation | None, Mark("null")]
    situation_from: Literal["event", "known", "nothing"]
    recipients: tuple[Recipient, ...]
    unresolved: tuple[Unresolved, ...]
    clocks: tuple[StartedClock, ...] = ()
    corrects: CorrectedEvent | None = None
    rule_path: str | None = None
    """Where the rule stands in the scheme's text: a JSON pointer."""
    input: InputPlace | None = None
    """The record that was decided on."""
    hash: str = ""
    """SHA-256 of the canonical JSON (RFC 8785) of all the rest, hexadecimal."""


@dataclass(frozen=True, slots=True)
class InputRef:
    """What could be read of an input record: unreadable parts are null."""

    id: str | None
    source: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a producer: registered with recipients and deadlines, or refused with every violation."""

    id: str
    verdict: Literal["registered", "refused"]
    event: InputRef
    reason: Reason | None
    errors: tuple[Violation, ...]
    scheme: str | None
    case: str | None
    recipients: tuple[Recipient, ...]
    unresolved: tuple[Unresolved, ...]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that can't go on, with its bytes (base64) for the day it can.

    For `personal_data` payload, key and headers are withheld: null, null and empty.
    """

    id: str
    reason: Reason
    errors: tuple[Violation, ...]
    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since 1970, as Kafka gave them."""
    key: Annotated[str | None, Mark("null")]
    headers: Annotated[tuple[tuple[str, str | None], ...], Mark("[]")]
    payload: Annotated[str | None, Mark("null")]
    redrives: int
    remembered: Annotated[tuple[tuple[str, str], ...], Mark("[]")] = ()
    """What intake remembered and looked at before it refused: keys and values of its state, base64."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """What an organism is asked, in the header `l233-mandate` of the records in its agent's inbox."""

    case: str
    organism: str
    role: Role
    activity: str
    acknowledge: Acknowledge
    by: str
    basis: str
    status: Status
    scheme: str
    corrects: CorrectedEvent | None = None
    competent: dict[Kind, str] = field(default_factory=dict)
    """The worker's organisms at the time of the event, by mission; those that could be resolved."""


@dataclass(frozen=True, slots=True)
class AccountReleased:
    """What one agent hands another of a worker who moved: his account, or an entry that came late for it.

    `to` is the organism that gets it; `account` and `told` are as the agents store them; `event` is what they
    are handed over because of; `passed` how often it was passed on, 0 for a whole account.
    """

    mission: Kind
    to: str
    account: Personal[str]
    told: Personal[str | None]
    event: EventRef
    passed: int


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """An event of a case and the decision that opened or joined it."""

    id: str
    source: str
    type: str
    time: str
    decision: str


@dataclass(frozen=True, slots=True)
class GivenAcknowledgement:
    """An acknowledgement that an organism gave; `late`: after the deadline. `code` is a report's."""

    id: str
    level: Level
    at: str
    code: int | None = None
    late: bool = False


Ended = Literal["answered", "silence", "stopped", "annulled"]
"""What ended a part: the answer asked, silence, the event its clock waited for, an annulment."""


@dataclass(frozen=True, slots=True)
class CaseRecipient:
    """One organism's part in a case: what one decision asks, and what was answered so far.

    `due` is `by`, unless an outage moved it. `done_at` is when the part ended, and `ended` how; `near_at` and
    `missed_at` are when the clock said so.
    """

    decision: str
    organism: str
    role: Role
    activity: str
    acknowledge: Acknowledge
    by: str
    given: tuple[GivenAcknowledgement, ...]
    due: str = ""
    near_at: str | None = None
    missed_at: str | None = None
    done_at: str | None = None
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class CaseClock:
    """A further clock of a case, as it stands; the fields are those of a recipient's clock."""

    decision: str
    organism: str
    level: ClockLevel
    until: str
    due: str
    near_at: str | None
    missed_at: str | None
    done_at: str | None
    ended: Ended | None


@dataclass(frozen=True, slots=True)
class WaitingAcknowledgement:
    """An acknowledgement that came before its decision."""

    id: str
    organism: str
    level: Level
    at: str
    causation: str | None


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """What an organism made of an event of the case, beside acknowledging it."""

    id: str
    name: str
    organism: str
    at: str
    causation: str | None


@dataclass(frozen=True, slots=True)
class CaseEscalation:
    """A missed deadline before a national head; its reminder to the organism is due by `remind_by`."""

    id: str
    to: str
    decision: str
    organism: str
    level: str
    at: str
    received_at: str | None
    remind_by: str | None


@dataclass(frozen=True, slots=True)
class DeclinedAcknowledgement:
    """An acknowledgement from outside that was not taken, and why."""

    id: str
    organism: str
    level: Level
    at: str
    why: str


@dataclass(frozen=True, slots=True)
class CaseCorrection:
    """A correction, and what depended on the corrected event: each by its id.

    `deadlines` are `<organism> <level> <due>` of those that still ran.
    """

    event: str
    source: str
    by: str
    kind: Literal["updated", "annulled"]
    at: str
    decisions: tuple[str, ...]
    acknowledgements: tuple[str, ...]
    outcomes: tuple[str, ...]
    deadlines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseState:
    """Where a case is: its events, who was asked what, what they answered, what the clock said."""

    case: str
    worker: str
    opened: str
    updated: str
    status: Literal["open", "closed"]
    events: tuple[CaseEvent, ...]
    recipients: tuple[CaseRecipient, ...]
    waiting: tuple[WaitingAcknowledgement, ...]
    clocks: tuple[CaseClock, ...] = ()
    outcomes: tuple[CaseOutcome, ...] = ()
    escalations: tuple[CaseEscalation, ...] = ()
    corrections: tuple[CaseCorrection, ...] = ()
    declined: tuple[DeclinedAcknowledgement, ...] = ()


DECISION: Final = TypeAdapter(Decision)
RECEIPT: Final = TypeAdapter(Receipt)
DEAD_LETTER: Final = TypeAdapter(DeadLetter)
MANDATE: Final = TypeAdapter(Mandate)
CASE: Final = TypeAdapter(CaseState)
ACCOUNT: Final = TypeAdapter(AccountReleased)
SITUATION: Final = TypeAdapter(Situation)

DECISION_TYPE: Final = "fr.l233.decision.v1"
RECEIPT_TYPE: Final = "fr.l233.receipt.v1"
DEAD_LETTER_TYPE: Final = "fr.l233.dead-letter.v1"
CASE_TYPE: Final = "fr.l233.case.v1"
ACCOUNT_TYPE: Final = "fr.l233.account.released.v1"
