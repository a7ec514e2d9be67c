"""The verdict on an input record: reasons in order, memory, partitions, and that there always is one."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.fr import nir

from coordination.allowed_sources import AllowedSources
from coordination.instants import recorded
from coordination.intake import Intake
from coordination.partitioning import partition_of
from coordination.rulebook import Rulebook
from coordination.verdicts import Duplicate, InputRecord, Refused, Rekeyed, Routed, Verdict
from schemas.envelope import pack_binary
from schemas.records import RECEIPT
from schemas.refusal import REASONS
from tests.unit.coordination.examples import (
    OTHER_SUBJECT,
    OWN_DATA,
    SUBJECT,
    Data,
    directory,
    record,
    rulebook,
    shipped,
    structured,
    worker,
)

PARTITIONS: Final = 4
KEY: Final = SUBJECT.encode()
HOME: Final = partition_of(KEY, PARTITIONS)
AT_HOME: Final = worker("31555")


def number(digits: str) -> str:
    """Complete 13 invented digits to a number of the shape that no event may carry."""
    return digits + str(nir.calc_check_digits(digits))


class Lane:
    """An intake with the memory of its lane."""

    def __init__(self, allowed: AllowedSources = MappingProxyType({}), rules: Rulebook | None = None) -> None:
        self.intake = Intake(rules or rulebook(), directory(), allowed, PARTITIONS)
        self.memory: dict[bytes, bytes] = {}

    def take(self, line: bytes, *, offset: int = 0) -> Verdict:
        """Judge a structured event that lies where it should, and remember what the verdict says."""
        return self.take_record(record(line, key=KEY, partition=HOME, offset=offset))

    def take_record(self, at: InputRecord) -> Verdict:
        """Judge a record, and remember what the verdict says."""
        verdict = self.intake.judge(at, self.memory)
        if isinstance(verdict, Routed):
            self.memory.update(verdict.writes)
        return verdict


def a(name: str, **attributes: object) -> bytes:
    """Return a line with the example of a type, in Toulouse."""
    return structured(name, {**OWN_DATA[name], "worker": AT_HOME}, **attributes)  # type: ignore[arg-type]  # the names of `structured`


def reason(verdict: Verdict) -> str:
    """Return why a record was refused."""
    assert isinstance(verdict, Refused), verdict
    assert verdict.receipt.reason == verdict.refusal.reason
    assert verdict.receipt.errors == verdict.refusal.errors
    return verdict.refusal.reason


# --- routed, duplicate, conflicting ---------------------------------------------------------------


def test_a_routed_event_gives_its_producer_recipients_and_deadlines() -> None:
    verdict = Lane().take(a("contribution.paid"))
    assert isinstance(verdict, Routed)
    assert verdict.receipt.verdict == "registered"
    assert verdict.receipt.recipients == verdict.decision.recipients
    assert verdict.receipt.case == verdict.decision.case
    assert RECEIPT.validate_json(verdict.receipt_json) == verdict.receipt
    assert uuid.UUID(verdict.receipt.id).version == 5


def test_a_duplicate_gets_the_original_receipt_again() -> None:
    lane = Lane()
    first, second = lane.take(a("contribution.paid")), lane.take(a("contribution.paid"), offset=7)
    assert isinstance(first, Routed)
    assert isinstance(second, Duplicate)
    assert (second.receipt, second.receipt_json) == (first.receipt, first.receipt_json)


def test_a_duplicate_stays_one_when_the_worker_has_moved_since() -> None:
    lane = Lane()
    first = lane.take(
        structured("activity.registered", {**OWN_DATA["activity.registered"], "worker": AT_HOME})
    )
    lane.take(a("territory.changed", id_="2"))
    again = lane.take(
        structured("activity.registered", {**OWN_DATA["activity.registered"], "worker": AT_HOME})
    )
    assert isinstance(first, Routed)
    assert isinstance(again, Duplicate)
    assert again.receipt_json == first.receipt_json


def test_the_same_event_in_binary_mode_is_a_duplicate() -> None:
    lane = Lane()
    line = a("contribution.paid")
    lane.take(line)
    attributes = json.loads(line)
    headers, value = pack_binary(attributes, json.dumps(attributes.pop("data"), indent=2).encode())
    again = lane.take_record(InputRecord("l233.events", HOME, 9, 0, KEY, value, headers))
    assert isinstance(again, Duplicate)


def test_another_content_under_the_same_id_is_a_conflict_and_the_original_stays() -> None:
    lane = Lane()
    first = lane.take(a("contribution.paid"))
    assert reason(lane.take(a("contribution.unpaid"))) == "conflicting_duplicate"
    again = lane.take(a("contribution.paid"))
    assert isinstance(first, Routed)
    assert isinstance(again, Duplicate)


def test_the_same_id_of_another_source_or_worker_is_another_event() -> None:
    lane = Lane()
    lane.take(a("contribution.paid"))
    assert isinstance(lane.take(a("contribution.unpaid", source="urn:example:other")), Routed)
    key = OTHER_SUBJECT.encode()
    other = record(
        a("contribution.unpaid", subject=OTHER_SUBJECT), key=key, partition=partition_of(key, PARTITIONS)
    )
    first, second = lane.take(a("contribution.paid", id_="3")), lane.take_record(other)
    assert isinstance(first, Routed)
    assert isinstance(second, Routed)
    assert first.decision.case != second.decision.case


def test_a_refused_event_is_not_remembered_so_that_it_can_come_again() -> None:
    lane = Lane()
    data = {**OWN_DATA["contribution.paid"]}
    assert reason(lane.take(structured("contribution.paid", data))) == "unknown_worker"
    lane.take(a("activity.registered", id_="2"))
    assert isinstance(lane.take(structured("contribution.paid", data)), Routed)


def test_a_correlationid_names_the_case() -> None:
    verdict = Lane().take(a("contribution.paid", correlationid="case-of-mine"))
    assert isinstance(verdict, Routed)
    assert verdict.decision.case == "case-of-mine"


# --- what is known of the worker ------------------------------------------------------------------


def test_a_later_event_without_block_uses_what_is_known_at_its_time() -> None:
    lane = Lane()
    lane.take(a("activity.registered"))
    moved = {"previous": {"residence": "31555", "establishment": "31555"}, "effective": "2026-03-15"}
    lane.take(structured("territory.changed", {**moved, "worker": worker("35238")}, id_="2"))
    found = []
    for id_, time in (("3", "2026-03-14T12:00:00+01:00"), ("4", "2026-03-15T12:00:00+01:00")):
        verdict = lane.take(
            structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_=id_, time=time)
        )
        assert isinstance(verdict, Routed)
        assert verdict.decision.situation_from == "known"
        found.append(verdict.decision.recipients[0].organism)
    assert found == ["cpam:311", "cpam:351"]


def test_the_block_of_another_event_serves_that_event_alone() -> None:
    lane = Lane()
    lane.take(a("activity.registered"))
    block = structured(
        "sick-leave.received", {**OWN_DATA["sick-leave.received"], "worker": worker("35238")}, id_="2"
    )
    served = lane.take(block)
    after = lane.take(structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_="3"))
    assert isinstance(served, Routed)
    assert isinstance(after, Routed)
    assert served.decision.recipients[0].organism == "cpam:351"
    assert after.decision.recipients[0].organism == "cpam:311"


def test_a_refused_move_changes_nothing_of_what_is_known() -> None:
    lane = Lane()
    lane.take(a("activity.registered"))
    away = {"previous": {"residence": "31555", "establishment": "31555"}, "effective": "2026-01-15"}
    assert (
        reason(lane.take(structured("territory.changed", {**away, "worker": worker("97611")}, id_="2")))
        == "outside_scheme"
    )
    verdict = lane.take(structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_="3"))
    assert isinstance(verdict, Routed)
    assert verdict.decision.recipients[0].organism == "cpam:311"


def test_even_a_complaint_needs_the_worker_to_be_known() -> None:
    assert (
        reason(Lane().take(structured("complaint.lodged", OWN_DATA["complaint.lodged"]))) == "unknown_worker"
    )


# --- the order of reasons -------------------------------------------------------------------------


def test_reasons_are_looked_for_in_their_public_order() -> None:
    """An event with every fault is refused for the first; each fault that is mended shows the next."""
    closed = {"fr.l233.contribution.*": ["urn:example:tax"], "*": ["*"]}
    without_rule = replace(
        shipped(),
        rules=MappingProxyType({k: v for k, v in shipped().rules.items() if k != "contribution.paid"}),
    )
    lane = Lane(closed, Rulebook([without_rule]))
    lane.memory.update(_remembered())
    old = "2025-12-31T23:59:59+01:00"
    broken = {**OWN_DATA["contribution.paid"], "due": 900}
    good = OWN_DATA["contribution.paid"]
    tax = {"source": "urn:example:tax"}
    found = [
        reason(lane.take(structured("contribution.payed", {**broken, "note": number("1850131555123")}))),
        reason(lane.take(structured("contribution.payed", broken, time=old))),
        reason(lane.take(structured("contribution.paid", broken, time=old))),
        reason(lane.take(structured("contribution.paid", broken, time=old, **tax))),
        reason(lane.take(structured("contribution.paid", good, time=old, **tax))),
        reason(lane.take(structured("contribution.paid", good, time=old, id_="2", **tax))),
        reason(lane.take(structured("contribution.paid", good, id_="2", **tax))),
        reason(lane.take(structured("contribution.unpaid", OWN_DATA["contribution.unpaid"], id_="2", **tax))),
        reason(
            lane.take(
                structured(
                    "contribution.unpaid",
                    {**OWN_DATA["contribution.unpaid"], "worker": worker("97611")},
                    id_="2",
                    **tax,
                )
            )
        ),
        reason(
            lane.take(
                structured(
                    "sick-leave.received",
                    {**OWN_DATA["sick-leave.received"], "worker": worker("59350")},
                    id_="2",
                )
            )
        ),
    ]
    assert found == [known for known in REASONS if known != "unexpected"]


def _remembered() -> Mapping[bytes, bytes]:
    """Return the memory of an earlier event with the id 1 from the tax authority."""
    lane = Lane()
    verdict = lane.take(a("contribution.called", source="urn:example:tax"))
    assert isinstance(verdict, Routed)
    return verdict.writes


def test_the_date_of_the_scheme_is_to_the_second_and_in_its_own_time_zone() -> None:
    lane = Lane()
    assert reason(lane.take(a("contribution.paid", time="2025-12-31T22:59:59Z"))) == "no_scheme_in_force"
    assert isinstance(lane.take(a("contribution.paid", time="2025-12-31T23:00:00Z")), Routed)


def test_an_event_beyond_the_known_holidays_breaks_the_contract() -> None:
    lane = Lane()
    verdict = lane.take(a("contribution.paid", time="2100-01-01T00:00:00+01:00"))
    assert reason(verdict) == "contract"
    assert isinstance(verdict, Refused)
    assert verdict.refusal.errors[0].path == "/time"
    assert isinstance(lane.take(a("radiation.envisaged", time="2099-12-31T23:59:59-12:00")), Routed)


# --- partitions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "partition"),
    [
        (KEY, (HOME + 1) % PARTITIONS),
        (None, HOME),
        (b"", HOME),
        (b"worker", HOME),
        (OTHER_SUBJECT.encode(), HOME),
    ],
)
def test_a_record_elsewhere_is_put_back_on_its_workers_partition(key: bytes | None, partition: int) -> None:
    """Even when its contract is broken: it is judged where it belongs."""
    lane = Lane()
    for line in (a("contribution.paid"), structured("contribution.paid", {})):
        assert lane.take_record(record(line, key=key, partition=partition)) == Rekeyed(KEY, HOME)


def test_a_number_of_a_person_is_refused_where_it_lies_and_never_repeated() -> None:
    digits = number("2991297105123")
    line = structured("contribution.paid", {"period": digits}, id_=digits, source=f"urn:{digits}")
    verdict = Lane().take_record(record(line, key=b"other", partition=(HOME + 1) % PARTITIONS))
    assert reason(verdict) == "personal_data"
    assert isinstance(verdict, Refused)
    assert digits not in RECEIPT.dump_json(verdict.receipt).decode()
    assert verdict.receipt.event.subject == SUBJECT


def test_without_a_worker_reference_a_record_is_judged_where_it_lies() -> None:
    verdict = Lane().take_record(record(a("contribution.paid", subject="worker:nobody"), key=None))
    assert reason(verdict) == "contract"
    assert isinstance(verdict, Refused)
    assert verdict.subject is None


def test_a_check_of_files_never_rekeys() -> None:
    intake = Intake(rulebook(), directory(), {}, None)
    assert isinstance(intake.judge(record(a("contribution.paid")), {}), Routed)


# --- acknowledged with the decision ---------------------------------------------------------------


def test_every_recipient_is_registered_at_the_time_of_the_record() -> None:
    verdict = Lane().take(a("contribution.paid"))
    assert isinstance(verdict, Routed)
    assert [(given.level, given.organism, given.data.role) for given in verdict.acknowledgements] == [
        ("registered", to.organism, to.role) for to in verdict.decision.recipients
    ]
    assert {given.at for given in verdict.acknowledgements} == {"2026-03-02T08:30:00.000Z"}
    assert {given.causation for given in verdict.acknowledgements} == {"1"}
    assert len({given.id for given in verdict.acknowledgements}) == len(verdict.acknowledgements)


@pytest.mark.parametrize("name", ["contact.received", "appointment.requested"])
def test_a_request_that_reached_another_organism_is_forwarded_with_the_decision(name: str) -> None:
    verdict = Lane().take(a(name))  # of health, received by an URSSAF of another region
    assert isinstance(verdict, Routed)
    forwarded = verdict.acknowledgements[-1]
    assert json.loads(forwarded.payload) == {"organism": "urssaf:bretagne", "to": "cpam:311"}
    assert forwarded.level == "forwarded"


def test_a_request_that_reached_the_competent_organism_is_not_forwarded() -> None:
    data = {**OWN_DATA["contact.received"], "received_by": "cpam:311", "worker": AT_HOME}
    verdict = Lane().take(structured("contact.received", data))
    assert isinstance(verdict, Routed)
    assert {given.level for given in verdict.acknowledgements} == {"registered"}


# --- exactly one verdict, always the same ----------------------------------------------------------


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_772_440_200_007, "2026-03-02T08:30:00.007Z"),
        (-1, "1970-01-01T00:00:00.000Z"),  # Kafka's way to say that there is none
        (2**63 - 1, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_any_timestamp_is_a_time(milliseconds: int, text: str) -> None:
    assert recorded(milliseconds) == text


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
COMMUNES: Final = st.sampled_from(["31555", "59350", "97105", "97611", "48095", "99999", "2A004"])
WORKERS: Final = st.builds(worker, COMMUNES, COMMUNES)
TIMES: Final = st.sampled_from(
    [
        "2026-03-02T09:30:00+01:00",
        "2025-03-02T09:30:00Z",
        "1900-01-01T00:00:00+23:59",
        "2999-12-31T23:59:59-23:59",
        "2026-03-02",
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw an event of some type with some things wrong, or right."""
    name = draw(st.sampled_from(sorted(OWN_DATA)))
    data: dict[str, object] = dict(OWN_DATA[name])
    if draw(st.booleans()):
        data["worker"] = draw(WORKERS)
    for field in draw(st.lists(st.sampled_from([*sorted(data), "note"]), max_size=2)):
        data[field] = draw(JSON)
    whole = json.loads(structured(name, data, time=draw(TIMES), id_=draw(st.sampled_from(["1", "2"]))))
    for attribute in draw(st.lists(st.sampled_from(sorted(whole)), max_size=1)):
        whole[attribute] = draw(JSON)
    for attribute in draw(st.lists(st.sampled_from(sorted(whole)), max_size=1)):
        del whole[attribute]
    return json.dumps(whole).encode()


HEADERS: Final = st.lists(
    st.tuples(
        st.sampled_from(
            ["content-type", "ce_id", "ce_type", "ce_subject", "ce_time", "ce_specversion", "other"]
        )
        | st.text(max_size=10),
        st.binary(max_size=12)
        | st.sampled_from([b"1.0", b"application/cloudevents+json", b"fr.l233.contribution.paid.v1", KEY]),
    ),
    max_size=7,
)


def facts(verdict: Verdict) -> object:
    """Return all that a verdict writes, to the byte."""
    match verdict:
        case Routed():
            given = [(said.id, said.level, said.payload, said.at) for said in verdict.acknowledgements]
            return verdict.decision, verdict.receipt_json, given, verdict.writes
        case Duplicate():
            return verdict.receipt_json
        case Refused():
            return RECEIPT.dump_json(verdict.receipt), verdict.subject
        case Rekeyed():
            return verdict


def judged_alike(records: list[InputRecord]) -> None:
    """Judge a sequence twice from the start and compare; every verdict can be written down."""
    runs = [Lane(), Lane()]
    told = [[facts(lane.take_record(each)) for each in records] for lane in runs]
    assert told[0] == told[1]
    assert runs[0].memory == runs[1].memory


@given(st.lists(mutated(), min_size=1, max_size=6))
def test_any_sequence_of_events_gives_one_verdict_each_and_the_same_bytes_again(lines: list[bytes]) -> None:
    judged_alike([record(line, key=KEY, partition=HOME, offset=at) for at, line in enumerate(lines)])


@given(st.binary(max_size=60) | st.none() | mutated(), HEADERS, st.binary(max_size=6) | st.none())
def test_any_bytes_give_one_verdict(
    value: bytes | None, headers: list[tuple[str, bytes]], key: bytes | None
) -> None:
    judged_alike([InputRecord("l233.events", HOME, 0, 0, key, value, headers)])


@given(mutated(), st.integers(0, 400), st.integers(0, 255))
def test_an_event_with_a_byte_changed_gives_one_verdict(line: bytes, where: int, byte: int) -> None:
    where %= len(line)
    judged_alike([record(line[:where] + bytes([byte]) + line[where + 1 :], key=KEY, partition=HOME)])


def test_text_that_utf8_cannot_write_gives_a_verdict_that_can_be_written() -> None:
    for attribute in ("id", "source", "correlationid", "someextension"):
        line = a("contribution.paid").replace(b"{", b'{"%s": "\\ud800", ' % attribute.encode(), 1)
        whole: Data = json.loads(line)
        other = json.dumps({**whole, attribute: "\ud800"}).encode()
        for each in (line, other):
            judged_alike([record(each, key=KEY, partition=HOME)])
