"""The stories of the demonstration: one per activity of CSS art. L233-1, 1°, and what else an agent can say.

Months of events of invented workers, each said by whoever would say it: the counter, the tax authority, an
organism's own system, the CPSTI. Nothing in them answers by itself; what l233 makes of them is not in here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from stdnum import luhn

from coordination.instants import PARIS
from schemas.events import type_of
from schemas.strict_json import write

_COUNTER: Final = "urn:fr:single-counter"
_TAX: Final = "urn:fr:tax-authority"
_CPSTI: Final = "urn:fr:cpsti"

Data = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Organisms:
    """The three organisms of a worker, and the commune where he lives and works."""

    commune: str
    health: str
    collection: str
    retirement: str


TOULOUSE: Final = Organisms("31555", "cpam:311", "urssaf:midi-pyrenees", "carsat:31")
BORDEAUX: Final = Organisms("33063", "cpam:331", "urssaf:aquitaine", "carsat:33")
NANTES: Final = Organisms("44109", "cpam:441", "urssaf:pays-de-la-loire", "carsat:44")
RENNES: Final = Organisms("35238", "cpam:351", "urssaf:bretagne", "carsat:35")


@dataclass(slots=True)
class Story:
    """What happens to one worker, from his registration on; `cases` are those that are worth telling."""

    title: str
    number: int
    at: Organisms
    cases: tuple[str, ...]
    lines: list[bytes] = field(default_factory=list)
    """Structured CloudEvents, in the order of time."""

    @property
    def subject(self) -> str:
        """The worker's reference: invented, as the worker is, and that of no SIREN."""
        return f"worker:{self.number:032x}"

    @property
    def names(self) -> list[str]:
        """The names of the events, in order."""
        return [line.split(b'"type":"fr.l233.', 1)[1].split(b'.v1"', 1)[0].decode() for line in self.lines]

    def says(self, id_: str, at: str, name: str, data: Data, *, case: str, by: str) -> None:
        """Add an event: `at` is the time in Paris, `id_` its id and that of nothing else in the story."""
        event = {
            "specversion": "1.0",
            "id": f"demo-{self.number}-{id_}",
            "source": by,
            "type": type_of(name),
            "subject": self.subject,
            "time": datetime.fromisoformat(at).replace(tzinfo=PARIS).isoformat(),
            "correlationid": self.case(case),
            "data": data,
        }
        self.lines.append(write(event))

    def case(self, name: str) -> str:
        """Return the id of a case of the story."""
        return f"demo-{self.number}-{name}"

    def registered(self) -> None:
        """Add the worker's registration, with which every story begins."""
        body = f"09{self.number:06d}"
        place = {"residence": self.at.commune, "establishment": self.at.commune}
        worker = {"siren": body + luhn.calc_check_digit(body), **place}
        data = {"worker": worker, "start": "2026-01-05", "micro": False}
        self.says(
            "registered", "2026-01-12T09:00", "activity.registered", data, case="registration", by=_COUNTER
        )

    def answers(
        self, id_: str, at: str, case: str, *, by: str, role: str, code: int, reason: str | None = None
    ) -> None:
        """Add the business account-rendering of an organism's own system."""
        data: dict[str, object] = {"organism": by, "role": role, "code": code}
        if reason is not None:
            data["reasons"] = [reason]
        self.says(id_, at, "acknowledgement.reported", data, case=case, by=f"urn:fr:{by}")


def stories() -> Sequence[Story]:
    """Return every story, (a) to (d) first."""
    return [_accompaniment(), _requests(), _social_action(), _future_rights(), _radiation()]


def lines() -> Iterator[bytes]:
    """Yield the events of all stories."""
    for story in stories():
        yield from story.lines


def _accompaniment() -> Story:
    story = Story("(a) Dedicated reception and accompaniment", 1, TOULOUSE, ("pathway", "appointment"))
    at = story.at
    story.registered()
    data: Data = {"detected_by": at.retirement, "themes": ["contributions", "health"]}
    story.says(
        "difficulty",
        "2026-02-02T14:00",
        "difficulty.detected",
        data,
        case="pathway",
        by=f"urn:fr:{at.retirement}",
    )
    story.answers("health", "2026-02-05T10:00", "pathway", by=at.health, role="support", code=0)
    story.answers("retirement", "2026-02-09T10:00", "pathway", by=at.retirement, role="lead", code=0)
    story.answers(
        "collection",
        "2026-02-20T10:00",
        "pathway",
        by=at.collection,
        role="support",
        code=2,
        reason="no delay for 2024",
    )
    asked = {"place": "Accueil commun, Toulouse", "subject": "contributions", "received_by": at.health}
    story.says(
        "appointment", "2026-03-03T11:00", "appointment.requested", asked, case="appointment", by=_COUNTER
    )
    story.answers(
        "met",
        "2026-03-09T15:00",
        "appointment",
        by=at.collection,
        role="lead",
        code=1,
        reason="a document is missing",
    )
    return story


def _requests() -> Story:
    story = Story("(b) Reception of requests", 2, BORDEAUX, ("question", "complaint"))
    at = story.at
    story.registered()
    asked = {"channel": "counter", "subject": "retirement", "received_by": at.collection}
    story.says("question", "2026-03-02T10:00", "contact.received", asked, case="question", by=_COUNTER)
    clarify = {"organism": at.retirement, "to": at.collection, "text": "Which years does he ask about?"}
    story.says(
        "clarify",
        "2026-03-04T09:00",
        "case.clarified",
        clarify,
        case="question",
        by=f"urn:fr:{at.retirement}",
    )
    story.answers(
        "clarified",
        "2026-03-06T16:00",
        "question",
        by=at.collection,
        role="lead",
        code=0,
        reason="2024 and 2025",
    )
    story.answers("answered", "2026-03-09T10:00", "question", by=at.retirement, role="lead", code=0)
    against = {"against": at.health, "subject": "contributions"}
    story.says("complaint", "2026-04-07T10:00", "complaint.lodged", against, case="complaint", by=_COUNTER)
    handed = {"organism": at.health, "to": at.collection}
    story.says(
        "handed-on", "2026-04-09T10:00", "case.forwarded", handed, case="complaint", by=f"urn:fr:{at.health}"
    )
    story.answers("looked-into", "2026-04-15T10:00", "complaint", by=at.collection, role="lead", code=0)
    online = {"channel": "online", "subject": "other", "received_by": at.health}
    story.says("other", "2026-05-04T10:00", "contact.received", online, case="other", by=_COUNTER)
    refusal = {"organism": at.health, "role": "lead", "reason": "out_of_scope"}
    story.says(
        "refused",
        "2026-05-06T10:00",
        "acknowledgement.refused",
        refusal,
        case="other",
        by=f"urn:fr:{at.health}",
    )
    story.says(
        "too-early",
        "2026-06-02T10:00",
        "mediation.opened",
        {"against": at.collection, "prior_approach": False},
        case="mediation",
        by=_COUNTER,
    )
    return story


def _social_action() -> Story:
    story = Story("(c) Instruction of social-action requests", 3, NANTES, ("aid",))
    at = story.at
    story.registered()
    asked = {"kind": "contributor_in_difficulty", "received_by": at.collection, "amount": "1500.00"}
    story.says("aid", "2026-03-02T09:30", "social-aid.requested", asked, case="aid", by=_COUNTER)
    story.answers("instructed", "2026-03-09T11:00", "aid", by=at.collection, role="lead", code=0)
    granted = {"organism": at.collection, "granted": True, "amount": "1200.00"}
    story.says("decided", "2026-04-20T15:00", "social-aid.decided", granted, case="aid", by=_CPSTI)
    paid = {"organism": at.collection, "role": "lead"}
    story.says(
        "paid", "2026-04-27T09:00", "acknowledgement.settled", paid, case="aid", by=f"urn:fr:{at.collection}"
    )
    return story


def _future_rights() -> Story:
    story = Story("(d) Registration and reliability of future rights", 4, TOULOUSE, ("paid-2", "sick"))
    at = story.at
    collection = f"urn:fr:{at.collection}"
    story.registered()

    def payment(id_: str, when: str, period: str, *, paid: str, due: str, base: str) -> None:
        data = {"period": period, "paid": paid, "due": due, "base": base}
        story.says(id_, when, "contribution.paid", data, case=id_, by=collection)

    def of_period(id_: str, when: str, name: str, data: Data) -> None:
        story.says(id_, when, name, data, case=id_, by=collection)

    payment("paid-1", "2026-01-20T10:00", "2025-T4", paid="800.00", due="1600.00", base="4000.00")
    declared = {"year": 2025, "amount": "5000.00", "source": "tax_authority"}
    story.says("income", "2026-02-02T10:00", "income.declared", declared, case="income", by=_TAX)
    payment("paid-2", "2026-02-16T10:00", "2025-T4", paid="800.00", due="1600.00", base="4000.00")
    missed = {"period": "2026-01", "due": "500.00", "missed": 1}
    of_period("unpaid", "2026-03-02T10:00", "contribution.unpaid", missed)
    story.says(
        "sick",
        "2026-03-04T09:00",
        "sick-leave.received",
        {"starts": "2026-03-03", "ends": "2026-03-20"},
        case="sick",
        by=f"urn:fr:{at.health}",
    )
    until = {"period": "2026-01", "until": "2026-06-30"}
    of_period("delay", "2026-03-09T10:00", "payment-delay.granted", until)
    story.answers("allowances", "2026-03-12T10:00", "sick", by=at.health, role="lead", code=0)
    payment("paid-3", "2026-03-25T10:00", "2025-T3", paid="300.00", due="300.00", base="1000.00")
    of_period("broken", "2026-05-18T10:00", "payment-delay.broken", {"period": "2026-01"})
    payment("paid-4", "2026-06-01T10:00", "2026-01", paid="400.00", due="500.00", base="2500.00")
    meant = {"period": "2026-01", "paid": "500.00", "due": "500.00", "base": "2500.00"}
    correction = {"event": f"demo-{story.number}-paid-4", "source": collection, "data": meant}
    story.says("corrected", "2026-06-03T10:00", "case.updated", correction, case="paid-4", by=collection)
    payment("paid-5", "2026-06-15T10:00", "2026-T2", paid="900.00", due="900.00", base="4200.00")
    bounced = {
        "event": f"demo-{story.number}-paid-5",
        "source": collection,
        "reason": "the transfer came back",
    }
    story.says("annulled", "2026-06-18T10:00", "case.annulled", bounced, case="paid-5", by=collection)
    story.says(
        "dispute",
        "2026-07-06T10:00",
        "career.disputed",
        {"year": 2025, "claimed": 4},
        case="dispute",
        by=_COUNTER,
    )
    story.answers(
        "career",
        "2026-07-15T10:00",
        "dispute",
        by=at.retirement,
        role="lead",
        code=2,
        reason="two quarters are proven",
    )
    return story


def _radiation() -> Story:
    story = Story("Beside the four: a radiation, an answer and a silence", 5, RENNES, ("radiation",))
    at = story.at
    collection = f"urn:fr:{at.collection}"
    story.registered()
    ground = {"ground": "no_turnover", "notified": "2026-03-02"}
    story.says(
        "envisaged", "2026-03-02T10:00", "radiation.envisaged", ground, case="radiation", by=collection
    )
    answer = {"organism": at.health, "objection": False, "by_silence": False}
    story.says(
        "answer", "2026-04-15T10:00", "radiation.answered", answer, case="radiation", by=f"urn:fr:{at.health}"
    )
    effective = {"ground": "no_turnover", "effective": "2026-09-30"}
    story.says("decided", "2026-09-14T10:00", "radiation.decided", effective, case="radiation", by=collection)
    return story
