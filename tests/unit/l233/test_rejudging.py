"""Dead letters are judged by what is known today, in their order, and put back as they were."""

from random import Random

import pytest

from agents.emission import MANDATE_HEADER
from agents.roles import UnknownRoleError
from agents.world import World
from coordination.acknowledgement import mandate_of
from coordination.intake import Intake
from coordination.verdicts import InputRecord, Routed
from l233.day.faults import invented_number
from l233.dead_letters import Letter
from l233.rejudging import Memory, Rejudge, Rejudged, output
from schemas.records import MANDATE
from streaming.topics import Registry
from tests.unit.coordination.examples import (
    OTHER_SUBJECT,
    OWN_DATA,
    directory,
    rulebook,
    structured,
    worker,
)
from tests.unit.l233.letters import PARTITIONS, given_up, laid, refused

WORLD = World(rulebook(), directory(), Registry.load())
SICK = structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_="sick")
REGISTERED = structured("activity.registered", {**OWN_DATA["activity.registered"], "worker": worker("31555")})
STRANGER = refused(laid(SICK))


def memory_after(*lines: bytes) -> dict[bytes, bytes]:
    """Return what intake remembers once it has routed these events."""
    intake, memory = Intake(rulebook(), directory(), {}, PARTITIONS), dict[bytes, bytes]()
    for line in lines:
        verdict = intake.judge(laid(line), memory)
        assert isinstance(verdict, Routed)
        memory |= verdict.writes
    return memory


def judged(*letters: Letter, known: dict[bytes, bytes] | None = None, redriven: str = "") -> list[Rejudged]:
    return list(Rejudge("intake", WORLD).all(letters, {redriven}, Memory(known or {})))


def test_a_letter_whose_cause_is_repaired_would_be_routed() -> None:
    """With the recipients that it would go to."""
    (one,) = judged(STRANGER, known=memory_after(REGISTERED))
    assert (one.fate, one.put_back, one.scheme) == ("routed", True, "2026-01")
    assert one.recipients[0].organism == "cpam:311"


def test_a_letter_whose_cause_remains_would_be_refused_again() -> None:
    (one,) = judged(STRANGER)
    assert (one.fate, one.reason, one.put_back) == ("refused", "unknown_worker", False)


def test_what_a_letter_would_add_is_known_to_those_behind_it() -> None:
    """And only to those: a letter that is not put back adds nothing."""
    registration = given_up("intake", laid(REGISTERED, offset=3))
    assert [one.fate for one in judged(registration, STRANGER)] == ["routed", "routed"]
    assert [one.fate for one in judged(STRANGER, registration)] == ["refused", "routed"]
    before = judged(registration, STRANGER, redriven=registration.data.id)
    assert [one.fate for one in before] == ["redriven_before", "refused"]


def test_an_event_that_was_routed_since_is_not_put_back() -> None:
    (one,) = judged(STRANGER, known=memory_after(REGISTERED, SICK))
    assert (one.fate, one.put_back) == ("routed_since", False)


def test_of_two_letters_of_one_event_only_the_first_is_put_back() -> None:
    """It was sent twice while it could not go on."""
    again = refused(laid(SICK, offset=9))
    fates = [one.fate for one in judged(STRANGER, again, known=memory_after(REGISTERED))]
    assert fates == ["routed", "routed_since"]


def test_a_letter_without_its_bytes_is_withheld() -> None:
    number = invented_number(Random(5))
    data = {**OWN_DATA["appointment.requested"], "place": number}
    letter = refused(laid(structured("appointment.requested", data)))
    (one,) = judged(letter)
    assert (one.fate, one.reason, one.put_back) == ("withheld", "personal_data", False)
    assert number not in str(one.as_json())


def test_a_record_on_the_wrong_partition_is_judged_as_it_will_be_once_rekeyed() -> None:
    """From the memory of its own partition, which is the one that is asked."""
    right = laid(SICK)
    astray = given_up("intake", right._replace(key=b"file-17", partition=(right.partition + 1) % PARTITIONS))
    memory = Memory(memory_after(REGISTERED))
    (one,) = Rejudge("intake", WORLD).all([astray], (), memory)
    assert one.fate == "routed"
    assert {number for number, _ in memory.asked} == {right.partition}


def test_what_is_asked_of_a_memory_is_noted_even_when_it_knows_nothing() -> None:
    """So that what is needed of a large state can be looked up, and nothing else."""
    asked = Memory()
    Rejudge("intake", WORLD).all([STRANGER], (), asked)
    known = memory_after(REGISTERED)
    assert any((laid(SICK).partition, key) in asked.asked for key in known)


def test_a_letter_that_its_topic_would_not_take_with_the_marks_is_told() -> None:
    """A record at the limit can't grow."""
    record = laid(SICK)
    limit = WORLD.registry.topics["l233.events"].max_message_bytes
    used = sum(len(name) + len(value) + 10 for name, value in record.headers)
    large = record._replace(value=b" " * (limit - used - len(record.key or b"") - 90))
    (one,) = judged(given_up("intake", large))
    assert (one.fate, one.put_back) == ("too_large", False)


def test_what_is_put_back_is_the_record_itself_with_two_marks() -> None:
    """Bytes, key, headers in their order, topic and partition."""
    record = laid(SICK)
    (letter, back) = STRANGER, output(STRANGER)
    assert (back.topic, back.partition, back.key, back.value) == (
        record.topic,
        record.partition,
        record.key,
        record.value,
    )
    assert list(back.headers) == [
        *record.headers,
        ("l233-redrives", b"1"),
        ("l233-redrive-of", letter.data.id.encode()),
    ]


def test_marks_of_earlier_ways_are_replaced_and_counted_on() -> None:
    """A rekeyed copy loses its mark: it would count its original twice."""
    marks = {"l233-redrives": b"2", "l233-redrive-of": b"older", "l233-rekeyed": b"1/2", "l233-other": b"x"}
    letter = refused(laid(SICK, marks=marks))
    ours = [header for header in output(letter).headers if header[0].startswith("l233-")]
    assert ours == [
        ("l233-other", b"x"),
        ("l233-redrives", b"3"),
        ("l233-redrive-of", letter.data.id.encode()),
    ]


def request(line: bytes, *, with_mandate: bool) -> InputRecord:
    """Return an event as intake puts it into the inbox of the CPAM."""
    record = laid(line)
    verdict = Intake(rulebook(), directory(), {}, None).judge(record, {})
    assert isinstance(verdict, Routed)
    to = next(to for to in verdict.decision.recipients if to.organism.startswith("cpam:"))
    mandate = (MANDATE_HEADER, MANDATE.dump_json(mandate_of(verdict.decision, to)))
    headers = (*record.headers, mandate) if with_mandate else record.headers
    return record._replace(topic="l233.inbox.cpam", headers=headers)


def test_another_role_is_asked_whether_it_would_go_on_now() -> None:
    """Its own handler answers, and what it fails on is told without what it failed with."""
    letters = [given_up("cpam", request(REGISTERED, with_mandate=yes)) for yes in (True, False)]
    good, bad = Rejudge("cpam", WORLD).all(letters, (), Memory())
    assert (good.fate, good.put_back) == ("worked", True)
    assert (bad.fate, bad.reason, bad.put_back) == ("failed", "unexpected", False)
    assert "NoMandateError" in bad.errors[0].message
    assert output(good.letter).topic == "l233.inbox.cpam"


def test_a_role_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(UnknownRoleError, match="known are intake"):
        Rejudge("nobody", WORLD)


def test_a_worker_s_letters_do_not_touch_another_s() -> None:
    other = structured("sick-leave.received", OWN_DATA["sick-leave.received"], subject=OTHER_SUBJECT)
    fates = [one.fate for one in judged(refused(laid(other)), STRANGER, known=memory_after(REGISTERED))]
    assert fates == ["refused", "routed"]
