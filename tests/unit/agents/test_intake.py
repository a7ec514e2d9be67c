"""What intake writes for one input record, whatever becomes of it."""

import base64
import json
from collections import Counter
from dataclasses import replace

import pytest

from agents.intake import IntakeAgent, failed
from agents.roles import load_world
from schemas.envelope import unpack
from schemas.records import DEAD_LETTER, DECISION, MANDATE, RECEIPT
from streaming.records import Output, Result
from streaming.timers import PREFIX, Timer
from streaming.topics import Registry
from tests.unit.agents.records import Kept, Memory, arrived, event, header, registered


@pytest.fixture
def intake() -> IntakeAgent:
    """Intake as a worker starts it."""
    return IntakeAgent(load_world(Registry.load()))


def by_topic(result: Result) -> dict[str, list[Output]]:
    """Return the outputs of a result by topic."""
    found: dict[str, list[Output]] = {}
    for output in result.outputs:
        found.setdefault(output.topic, []).append(output)
    return found


def test_a_routed_event_reaches_every_recipient_with_its_mandate(intake: IntakeAgent) -> None:
    """Decision, receipt, one inbox record per recipient and one `registered` acknowledgement each."""
    found = by_topic(intake(registered(), Memory()))
    (decided,) = found["l233.decisions"]
    decision = DECISION.validate_json(decided.value or b"")
    inboxes = {topic: outputs for topic, outputs in found.items() if topic.startswith("l233.inbox.")}
    mandates = [
        MANDATE.validate_json(header(output, "l233-mandate") or b"")
        for outputs in inboxes.values()
        for output in outputs
    ]
    assert set(inboxes) == {"l233.inbox.urssaf", "l233.inbox.cpam", "l233.inbox.carsat"}
    assert {mandate.organism for mandate in mandates} == {one.organism for one in decision.recipients}
    assert {mandate.case for mandate in mandates} == {decision.case}
    assert len(found["l233.acknowledgements"]) == len(decision.recipients)
    assert len(found["l233.receipts"]) == 1


def test_everything_that_intake_writes_names_the_record_that_caused_it(intake: IntakeAgent) -> None:
    """An auditor finds the input of a decision, receipt or inbox record by partition and offset."""
    record = registered()
    outputs = [one for one in intake(record, Memory()).outputs if one.topic != "l233.acknowledgements"]
    place = f"{record.partition}/{record.offset}".encode()
    assert {header(output, "l233-input") for output in outputs} == {place}


def test_the_event_in_an_inbox_is_the_producers_own_with_the_case_named(intake: IntakeAgent) -> None:
    """Data is passed on byte for byte; of the attributes only the case is added."""
    record = registered()
    (inbox,) = by_topic(intake(record, Memory()))["l233.inbox.cpam"]
    before, after = unpack(record.value, record.headers), unpack(inbox.value, inbox.headers)
    assert inbox.value == record.value
    assert dict(after.attributes) | {"correlationid": None} == dict(before.attributes) | {
        "correlationid": None
    }
    assert after.attributes["correlationid"]


def test_a_duplicate_gets_the_original_receipt_and_nothing_else(intake: IntakeAgent) -> None:
    """The same id and the same recipients again, marked as a duplicate, and no second decision."""
    memory = Memory()
    first = intake(registered(), memory)
    memory.kept.update({key: value for key, value in first.writes.items() if value is not None})
    again = intake(replace(registered(), offset=8), memory)
    (original,) = by_topic(first)["l233.receipts"]
    (repeated,) = again.outputs
    assert repeated.topic == "l233.receipts"
    assert repeated.value == original.value
    assert header(repeated, "ce_id") == header(original, "ce_id")
    assert header(repeated, "l233-outcome") == b"duplicate"
    assert (
        header(
            repeated,
            "l233-input",
        )
        == f"{registered().partition}/8".encode()
    )


def test_a_refused_event_is_dead_lettered_whole_and_its_producer_told(intake: IntakeAgent) -> None:
    """The dead letter holds key, headers and bytes as they came; the receipt lists what was wrong."""
    record = event("contribution.paid", {"period": "2026-13", "paid": "1"})
    found = by_topic(intake(record, Memory()))
    letter = DEAD_LETTER.validate_json(found["l233.dead-letters"][0].value or b"")
    receipt = RECEIPT.validate_json(found["l233.receipts"][0].value or b"")
    assert base64.b64decode(letter.payload or "") == record.value
    assert [(name, base64.b64decode(value or "")) for name, value in letter.headers] == list(record.headers)
    assert (letter.topic, letter.partition, letter.offset) == (record.topic, record.partition, record.offset)
    assert receipt.verdict == "refused"
    assert receipt.errors == letter.errors
    assert len(letter.errors) > 1


def test_a_record_under_the_wrong_key_is_put_back_unchanged(intake: IntakeAgent) -> None:
    """Value and headers stay as they are, with the place of the original beside them."""
    right = registered()
    wrong = replace(right, key=b"another", partition=(right.partition + 1) % 4)
    (back,) = intake(wrong, Memory()).outputs
    assert (back.topic, back.key, back.partition) == ("l233.events", right.key, right.partition)
    assert back.value == right.value
    assert header(back, "l233-rekeyed") == f"{wrong.partition}/{wrong.offset}".encode()


def test_the_same_record_gives_the_same_bytes_again(intake: IntakeAgent) -> None:
    """A slice that is worked again after a failure writes nothing else than the first time."""
    assert intake(registered(), Memory()) == intake(registered(), Memory())


def test_a_failure_of_ours_tells_where_it_happened_and_no_value(intake: IntakeAgent) -> None:
    """The dead letter of an unexpected failure can be redriven, and quotes nothing from the record."""
    address = "3 rue des Lilas"
    letter, receipt = failed(registered(), KeyError(address))
    found = DEAD_LETTER.validate_json(letter.value or b"")
    assert found.reason == "unexpected"
    assert found.payload is not None
    assert "KeyError" in found.errors[0].message
    assert address not in f"{found.errors}{receipt.value!r}"


def test_no_role_gets_more_than_its_mandates(intake: IntakeAgent) -> None:
    """Inbox records are as many as recipients, however the roles merge in an overseas territory."""
    worker = {"siren": "732829320", "residence": "97209", "establishment": "97209"}
    record = event("activity.registered", {"worker": worker, "start": "2026-02-01"})
    result = intake(record, Memory())
    topics = Counter(output.topic for output in result.outputs)
    assert topics["l233.inbox.cgss"] == 1
    assert sum(count for topic, count in topics.items() if topic.startswith("l233.inbox.")) == 1


def test_an_acknowledgement_from_outside_goes_on_as_it_came(intake: IntakeAgent) -> None:
    """Its own id, source, time and data, to where cases reads; with a decision and a receipt, to nobody."""
    said = event("acknowledgement.reported", {"organism": "cpam:311", "code": 0}, case="case-7")
    result = intake(said, Memory())
    found = by_topic(result)
    assert set(found) == {"l233.decisions", "l233.receipts", "l233.acknowledgements"}
    ((passed_on,), (decided,), (receipt,)) = (found[topic] for topic in sorted(found))
    before, after = unpack(said.value, said.headers), unpack(passed_on.value, passed_on.headers)
    assert (dict(after.attributes), after.payload, passed_on.key) == (
        dict(before.attributes),
        before.payload,
        said.key,
    )
    assert DECISION.validate_json(decided.value or b"").recipients == ()
    assert RECEIPT.validate_json(receipt.value or b"").verdict == "registered"


def test_a_correction_in_an_inbox_names_what_it_corrects(intake: IntakeAgent) -> None:
    """In its own data, and with the type of the event in the mandate."""
    memory = Memory()
    first = intake(registered(), memory)
    memory.kept.update({key: value for key, value in first.writes.items() if value is not None})
    case = DECISION.validate_json(by_topic(first)["l233.decisions"][0].value or b"").case
    wrong: dict[str, object] = {"event": "e1", "source": "urn:test:producer", "reason": "sent by mistake"}
    found = by_topic(intake(event("case.annulled", wrong, id_="n1", case=case), memory))
    (inbox,) = found["l233.inbox.urssaf"]
    mandate = MANDATE.validate_json(header(inbox, "l233-mandate") or b"")
    assert json.loads(inbox.value or b"") == wrong
    assert mandate.corrects is not None
    assert (mandate.corrects.id, mandate.corrects.type) == ("e1", "fr.l233.activity.registered.v1")
    assert mandate.activity == "affiliation"


def test_an_inbox_record_is_readable_by_the_organism_it_is_for(intake: IntakeAgent) -> None:
    """What one agent writes, the next one reads."""
    (inbox,) = by_topic(intake(registered(), Memory()))["l233.inbox.cpam"]
    kept: Kept = arrived(inbox)
    assert unpack(kept.value, kept.headers).subject is not None


# --- forgetting -------------------------------------------------------------------------------------


def kept(memory: Memory, result: Result) -> None:
    """Keep what a result writes."""
    for key, value in result.writes.items():
        if value is None:
            memory.kept.pop(key, None)
        else:
            memory.kept[key] = value


def timers(memory: Memory) -> list[Timer]:
    """Return the timers that are set, the first due first."""
    return [Timer.read(key, value) for key, value in memory.scan(PREFIX)]


def test_an_event_is_forgotten_after_400_days_and_its_worker_is_not(intake: IntakeAgent) -> None:
    """One timer, whatever number of workers, looks day by day; a copy that comes later is routed again."""
    memory = Memory()
    kept(memory, intake(registered(), memory))
    kept(memory, intake(registered(id_="e2"), memory))
    day = 86_400_000
    (timer,) = timers(memory)
    assert timer.at_ms - registered().timestamp >= 400 * day
    assert len(intake(registered(), memory).outputs) == 1, "a duplicate until then"
    for _ in range(256):
        (timer,) = timers(memory)
        del memory.kept[timer.key]
        kept(memory, intake.due(timer, memory))
    assert [after.at_ms - timer.at_ms for after in timers(memory)] == [day]
    again = intake(registered(), memory)
    assert len(by_topic(again)["l233.decisions"]) == 1
    leave: dict[str, object] = {"starts": "2027-03-01", "ends": "2027-03-14"}
    assert "l233.inbox.cpam" in by_topic(intake(event("sick-leave.received", leave), memory))
