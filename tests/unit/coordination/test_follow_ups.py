"""What is said later of an event: corrections, forwardings, decisions and acknowledgements from outside."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import pytest

from coordination import remembered, situation
from coordination.intake import Intake
from coordination.partitioning import partition_of
from coordination.verdicts import Duplicate, Refused, Routed, Verdict
from schemas.records import Recipient
from tests.unit.coordination.examples import (
    OTHER_SUBJECT,
    OWN_DATA,
    SUBJECT,
    Data,
    directory,
    place,
    record,
    rulebook,
    structured,
    worker,
)

SOURCE: Final = "urn:example:counter"
LATER: Final = "2026-04-13T10:00:00+02:00"
AT_HOME: Final = worker("31555")


class Lane:
    """An intake with the memory of its lane."""

    def __init__(self) -> None:
        self.intake = Intake(rulebook(), directory(), {}, 4)
        self.memory: dict[bytes, bytes] = {}

    def take(self, name: str, data: Data, *, subject: str = SUBJECT, **attributes: object) -> Verdict:
        """Judge an event that lies where it should, and remember what the verdict says."""
        key = subject.encode()
        line = structured(name, data, subject=subject, **attributes)  # type: ignore[arg-type]  # the names of `structured`
        verdict = self.intake.judge(record(line, key=key, partition=partition_of(key, 4)), self.memory)
        if isinstance(verdict, Routed):
            self.memory.update(verdict.writes)
        return verdict

    def routed(self, name: str, data: Data, **attributes: object) -> Routed:
        """Judge an event that must be routed."""
        verdict = self.take(name, data, **attributes)  # type: ignore[arg-type]  # the names of `structured`
        assert isinstance(verdict, Routed), verdict
        return verdict

    def opened(self, name: str, own: Data | None = None, *, at: Data = AT_HOME, id_: str = "1") -> Routed:
        """Judge an example of a type with a worker block."""
        return self.routed(name, {**(OWN_DATA[name] if own is None else own), "worker": at}, id_=id_)

    def residence(self, day: str) -> str | None:
        """Return where the worker is known to live on a day."""
        stored = self.memory.get(remembered.known_key(SUBJECT))
        history = situation.UNKNOWN if stored is None else situation.decode(stored)
        found = history.at(datetime.fromisoformat(f"{day}T12:00:00+01:00"))
        return None if found is None else found.residence

    def updated(self, case: str, data: Data, *, event: str = "1", id_: str = "u1") -> Verdict:
        """Judge a correction of what an event says."""
        said = {"event": event, "source": SOURCE, "data": data}
        return self.take("case.updated", said, id_=id_, time=LATER, correlationid=case)

    def annulled(self, case: str, *, event: str = "1", id_: str = "n1") -> Verdict:
        """Judge an annulment."""
        said = {"event": event, "source": SOURCE, "reason": "sent by mistake"}
        return self.take("case.annulled", said, id_=id_, time=LATER, correlationid=case)


def paths(verdict: Verdict) -> list[str]:
    """Return where a verdict finds a broken contract."""
    assert isinstance(verdict, Refused), verdict
    assert verdict.refusal.reason == "contract"
    return [violation.path for violation in verdict.refusal.errors]


def parts(recipients: tuple[Recipient, ...]) -> set[tuple[str, str]]:
    return {(to.organism, to.role) for to in recipients}


# --- corrections ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(OWN_DATA))
def test_a_correction_goes_to_exactly_whom_the_event_went_to(name: str) -> None:
    """Same organisms, same roles, same activity and case; what was corrected is named with its type."""
    for correct in (Lane.updated, Lane.annulled):
        lane = Lane()
        opened = lane.opened(name).decision
        if correct is Lane.updated:
            verdict = lane.updated(opened.case, {**OWN_DATA[name], "worker": AT_HOME})
        else:
            verdict = lane.annulled(opened.case)
        assert isinstance(verdict, Routed), verdict
        decision = verdict.decision
        assert parts(decision.recipients) == parts(opened.recipients)
        assert {to.activity for to in decision.recipients} == {opened.activity} == {decision.activity}
        assert decision.case == opened.case
        assert decision.corrects is not None
        assert (decision.corrects.id, decision.corrects.source) == ("1", SOURCE)
        assert decision.corrects.type == f"fr.l233.{name}.v1"


def test_a_correction_counts_its_deadlines_from_its_own_day() -> None:
    """Ten working days to report, as of any event; the six months of a radiation are not given again."""
    lane = Lane()
    opened = lane.opened("radiation.envisaged").decision
    verdict = lane.annulled(opened.case)
    assert isinstance(verdict, Routed)
    assert {(to.role, to.acknowledge, to.by[:10]) for to in verdict.decision.recipients} == {
        ("lead", "reported", "2026-04-27"),
        ("support", "reported", "2026-04-27"),
    }


def test_a_correction_reaches_the_organisms_of_then_when_the_worker_has_moved() -> None:
    lane = Lane()
    opened = lane.opened("sick-leave.received").decision
    lane.opened("territory.changed", id_="2", at=worker("35238"))
    verdict = lane.annulled(opened.case)
    assert isinstance(verdict, Routed)
    assert parts(verdict.decision.recipients) == parts(opened.recipients)


def test_what_an_update_says_keeps_the_contract_of_the_corrected_event() -> None:
    """Every violation, with the path from the correction's own data."""
    lane = Lane()
    case = lane.opened("contribution.paid").decision.case
    wrong = {**OWN_DATA["contribution.paid"], "paid": 900, "note": "x", "worker": {**AT_HOME, "siren": "1"}}
    assert sorted(paths(lane.updated(case, wrong))) == [
        "/data/data/note",
        "/data/data/paid",
        "/data/data/worker/siren",
    ]


@pytest.mark.parametrize("event", ["2", "u1"])
def test_only_what_was_registered_of_this_worker_can_be_corrected(event: str) -> None:
    lane = Lane()
    lane.routed(
        "contribution.paid",
        {**OWN_DATA["contribution.paid"], "worker": AT_HOME},
        subject=OTHER_SUBJECT,
        id_="2",
    )
    case = lane.opened("contribution.paid").decision.case
    assert paths(lane.annulled(case, event=event)) == ["/data/event"]


def test_a_correction_names_the_case_of_what_it_corrects() -> None:
    lane = Lane()
    lane.opened("contribution.paid")
    assert paths(lane.annulled("another case")) == ["/correlationid"]


def test_corrections_forwardings_and_acknowledgements_are_not_corrected_themselves() -> None:
    lane = Lane()
    case = lane.opened("contribution.paid").decision.case
    lane.updated(case, OWN_DATA["contribution.paid"], id_="u1")
    lane.routed("case.forwarded", {"organism": "cpam:311", "to": "cpam:811"}, id_="f1", correlationid=case)
    lane.routed("acknowledgement.settled", {"organism": "cpam:311"}, id_="a1", correlationid=case)
    for event in ("u1", "f1", "a1"):
        assert paths(lane.annulled(case, event=event)) == ["/data/event"]


def test_an_event_can_be_corrected_again_until_it_is_annulled() -> None:
    lane = Lane()
    case = lane.opened("contribution.paid").decision.case
    assert isinstance(lane.updated(case, OWN_DATA["contribution.paid"], id_="u1"), Routed)
    assert isinstance(lane.updated(case, OWN_DATA["contribution.paid"], id_="u2"), Routed)
    assert isinstance(lane.annulled(case, id_="n1"), Routed)
    assert paths(lane.updated(case, OWN_DATA["contribution.paid"], id_="u3")) == ["/data/event"]
    assert paths(lane.annulled(case, id_="n2")) == ["/data/event"]


def test_a_correction_sent_twice_and_an_annulled_event_sent_again_are_duplicates() -> None:
    """Both get their original receipts."""
    lane = Lane()
    opened = lane.opened("contribution.paid")
    first = lane.annulled(opened.decision.case)
    again = lane.annulled(opened.decision.case)
    assert isinstance(first, Routed)
    assert isinstance(again, Duplicate)
    assert again.receipt_json == first.receipt_json
    paid = lane.take("contribution.paid", {**OWN_DATA["contribution.paid"], "worker": AT_HOME})
    assert isinstance(paid, Duplicate)
    assert paid.receipt_json == opened.receipt_json


def test_an_event_from_before_corrections_is_told_so() -> None:
    """A store of an older version holds digest and receipt alone: still a duplicate, not to be corrected."""
    lane = Lane()
    opened = lane.opened("contribution.paid")
    key = remembered.seen_key(SUBJECT, SOURCE, "1")
    stored = lane.memory[key]
    lane.memory[key] = remembered.digest_of(stored) + remembered.receipt_json_of(stored)
    assert isinstance(
        lane.take("contribution.paid", {**OWN_DATA["contribution.paid"], "worker": AT_HOME}), Duplicate
    )
    assert paths(lane.annulled(opened.decision.case)) == ["/data/event"]


# --- corrections of where a worker lives ------------------------------------------------------------


def test_a_corrected_registration_changes_where_the_worker_is_known_to_live() -> None:
    lane = Lane()
    case = lane.opened("activity.registered", {"start": "2026-01-05"}).decision.case
    lane.updated(case, {"start": "2026-01-05", "worker": worker("35238")})
    assert lane.residence("2026-03-01") == "35238"


def test_an_annulled_move_was_never_made() -> None:
    lane = Lane()
    lane.opened("activity.registered", {"start": "2026-01-05"})
    moved = {"previous": place("31555"), "effective": "2026-02-01"}
    case = lane.opened("territory.changed", moved, id_="2", at=worker("35238")).decision.case
    assert lane.residence("2026-03-01") == "35238"
    lane.annulled(case, event="2")
    assert lane.residence("2026-03-01") == "31555"


def test_a_move_to_another_day_leaves_nothing_on_the_first() -> None:
    lane = Lane()
    lane.opened("activity.registered", {"start": "2026-01-05"})
    moved = {"previous": place("31555"), "effective": "2026-02-01"}
    case = lane.opened("territory.changed", moved, id_="2", at=worker("35238")).decision.case
    lane.updated(case, {**moved, "effective": "2026-06-01", "worker": worker("35238")}, event="2")
    assert (lane.residence("2026-03-01"), lane.residence("2026-07-01")) == ("31555", "35238")


def test_a_worker_known_by_a_move_alone_lived_where_its_correction_says() -> None:
    lane = Lane()
    moved = {"previous": place("31555"), "effective": "2026-02-01"}
    case = lane.opened("territory.changed", moved, at=worker("35238")).decision.case
    lane.updated(case, {**moved, "previous": place("13055"), "worker": worker("75101")})
    assert (lane.residence("2026-01-10"), lane.residence("2026-03-01")) == ("13055", "75101")
    lane.annulled(case)
    assert lane.residence("2026-03-01") is None


def test_of_two_registrations_on_one_day_the_first_counts_again_when_the_second_is_annulled() -> None:
    lane = Lane()
    lane.opened("activity.registered", {"start": "2026-01-05"})
    second = lane.opened("activity.registered", {"start": "2026-01-05"}, id_="2", at=worker("35238"))
    assert lane.residence("2026-03-01") == "35238"
    lane.annulled(second.decision.case, event="2")
    assert lane.residence("2026-03-01") == "31555"


def test_an_older_history_is_read_and_its_entries_come_from_nowhere() -> None:
    """Stored before corrections: the situations count, and a correction finds none of them."""
    old = json.dumps([["2026-01-05", "123456782", "31555", "31555", {}]]).encode()
    history = situation.decode(old)
    assert history.at(datetime.fromisoformat(LATER)) is not None
    assert history.corrected(None, b"x" * 16) is history


# --- forwarding and asking --------------------------------------------------------------------------


def forwarded(lane: Lane, case: str, organism: str, to: str, id_: str) -> Verdict:
    data = {"organism": organism, "to": to}
    return lane.take("case.forwarded", data, id_=id_, time=LATER, correlationid=case)


def test_whoever_a_case_is_forwarded_to_leads_and_the_other_has_forwarded() -> None:
    """The acknowledgement names no event: the case knows the part that it ends."""
    lane = Lane()
    case = lane.opened("sick-leave.received").decision.case
    verdict = forwarded(lane, case, "cpam:311", "cpam:811", "f1")
    assert isinstance(verdict, Routed)
    assert parts(verdict.decision.recipients) == {("cpam:811", "lead")}
    assert verdict.decision.recipients[0].acknowledge == "reported"
    registered, told = verdict.acknowledgements
    assert registered.level == "registered"
    assert (told.level, told.causation, told.case) == ("forwarded", None, case)
    assert told.data.model_dump(exclude_none=True) == {"organism": "cpam:311", "to": "cpam:811"}


@pytest.mark.parametrize(
    ("way", "back"),
    [
        ([("cpam:311", "cpam:811")], ("cpam:811", "cpam:311")),
        ([("cpam:311", "cpam:811"), ("cpam:811", "cpam:121")], ("cpam:121", "cpam:311")),
        ([("cpam:311", "cpam:811"), ("cpam:811", "cpam:121")], ("cpam:121", "cpam:811")),
    ],
)
def test_a_case_that_would_go_in_a_circle_is_refused(
    way: list[tuple[str, str]], back: tuple[str, str]
) -> None:
    lane = Lane()
    case = lane.opened("sick-leave.received").decision.case
    for number, (organism, to) in enumerate(way):
        assert isinstance(forwarded(lane, case, organism, to, f"f{number}"), Routed)
    assert paths(forwarded(lane, case, *back, "f9")) == ["/data/to"]
    assert isinstance(forwarded(lane, case, back[0], "cpam:301", "f10"), Routed)


def test_a_request_does_not_go_back_to_where_it_was_lodged() -> None:
    """The organism that received it forwarded it at once: it had the case."""
    lane = Lane()
    decision = lane.opened("contact.received").decision
    assert paths(forwarded(lane, decision.case, "cpam:311", "urssaf:bretagne", "f1")) == ["/data/to"]


def test_a_forwarding_sent_twice_is_a_duplicate_and_no_circle() -> None:
    lane = Lane()
    case = lane.opened("sick-leave.received").decision.case
    forwarded(lane, case, "cpam:311", "cpam:811", "f1")
    assert isinstance(forwarded(lane, case, "cpam:311", "cpam:811", "f1"), Duplicate)


def test_another_case_of_the_worker_goes_its_own_way() -> None:
    lane = Lane()
    for number in ("1", "2"):
        case = lane.opened("sick-leave.received", id_=number).decision.case
        assert isinstance(forwarded(lane, case, "cpam:311", "cpam:811", f"f{number}"), Routed)


def test_an_organism_that_is_asked_owes_a_report() -> None:
    lane = Lane()
    case = lane.opened("social-aid.requested").decision.case
    said = {"organism": "urssaf:bretagne", "to": "cpam:311", "text": "Are there unpaid allowances?"}
    decision = lane.routed("case.clarified", said, id_="c1", correlationid=case).decision
    assert [(to.organism, to.role, to.acknowledge) for to in decision.recipients] == [
        ("cpam:311", "lead", "reported")
    ]


# --- decisions and answers from outside -------------------------------------------------------------


def test_the_decision_on_an_aid_reaches_the_organism_that_pays() -> None:
    """Only a reception is asked of it; nothing need be known of where the worker lives."""
    lane = Lane()
    case = lane.opened("social-aid.requested").decision.case
    said = {"organism": "urssaf:bretagne", "granted": True, "amount": "300.00"}
    decision = lane.routed("social-aid.decided", said, id_="d1", correlationid=case).decision
    assert [(to.organism, to.role, to.acknowledge) for to in decision.recipients] == [
        ("urssaf:bretagne", "lead", "received")
    ]
    assert (decision.situation, decision.situation_from) == (None, "nothing")


def test_an_answer_to_a_radiation_reaches_the_collection_organism_and_counts_as_a_report() -> None:
    lane = Lane()
    lane.opened("activity.registered", id_="0")
    case = lane.opened("radiation.envisaged").decision.case
    said = {"organism": "cpam:311", "objection": True, "by_silence": False}
    verdict = lane.routed("radiation.answered", said, id_="r1", correlationid=case)
    assert [(to.organism, to.acknowledge) for to in verdict.decision.recipients] == [
        ("urssaf:midi-pyrenees", "received")
    ]
    report = verdict.acknowledgements[-1]
    assert (report.level, report.causation, report.case) == ("reported", None, case)
    assert json.loads(report.payload) == {"organism": "cpam:311", "role": "support", "code": 0}


def test_an_answer_to_a_radiation_needs_to_know_where_the_worker_is() -> None:
    lane = Lane()
    case = lane.opened("radiation.envisaged").decision.case  # its block served it alone
    said = {"organism": "cpam:311", "objection": True, "by_silence": False}
    verdict = lane.take("radiation.answered", said, id_="r1", correlationid=case)
    assert isinstance(verdict, Refused)
    assert verdict.refusal.reason == "unknown_worker"


# --- acknowledgements from outside ------------------------------------------------------------------

ACKNOWLEDGED: Final[Mapping[str, Data]] = {
    "acknowledgement.reported": {"organism": "cpam:311", "code": 1, "reasons": ["an address is missing"]},
    "acknowledgement.settled": {"organism": "cpam:311"},
    "acknowledgement.refused": {"organism": "cpam:311", "reason": "incomplete"},
}


@pytest.mark.parametrize("name", ACKNOWLEDGED)
def test_an_acknowledgement_from_outside_is_taken_note_of_and_asks_nobody(name: str) -> None:
    """Whether it is right the case knows; where the worker lives does not matter."""
    verdict = Lane().routed(name, ACKNOWLEDGED[name], id_="a1", correlationid="case-7")
    assert (verdict.decision.recipients, verdict.decision.case) == ((), "case-7")
    assert verdict.receipt.verdict == "registered"
    assert verdict.acknowledgements == ()


def test_nobody_acknowledges_in_the_name_of_our_agents() -> None:
    """What comes from `urn:l233:` is taken for our own word further on."""
    said = ACKNOWLEDGED["acknowledgement.settled"]
    verdict = Lane().take("acknowledgement.settled", said, correlationid="case-7", source="urn:l233:cpam")
    assert isinstance(verdict, Refused)
    assert verdict.refusal.reason == "not_allowed"


def test_a_follow_up_before_any_scheme_is_not_routed() -> None:
    said = ACKNOWLEDGED["acknowledgement.settled"]
    old = "2025-06-01T10:00:00+02:00"
    verdict = Lane().take("acknowledgement.settled", said, correlationid="case-7", time=old)
    assert isinstance(verdict, Refused)
    assert verdict.refusal.reason == "no_scheme_in_force"
