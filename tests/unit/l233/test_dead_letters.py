"""How dead letters are told: all that is there, nothing that was withheld, nothing a terminal obeys."""

import json
from random import Random

import pytest

from l233.commands.dead_letters import as_json, told
from l233.day.faults import invented_number
from l233.dead_letters import Selection
from l233.redriving import Plan
from l233.rejudging import Rejudged
from tests.unit.coordination.examples import OWN_DATA, structured
from tests.unit.l233.command_line import run
from tests.unit.l233.letters import given_up, laid, refused

SICK = structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_="sick")


def test_a_letter_is_told_with_its_bytes() -> None:
    text = "\n".join(told(refused(laid(SICK))))
    assert "reason       unknown_worker" in text
    assert "event id     sick" in text
    assert "header       ce_id: sick" in text
    assert f"payload      {json.dumps(OWN_DATA['sick-leave.received'], separators=(',', ':'))}" in text


def test_a_letter_with_personal_data_shows_none() -> None:
    number = invented_number(Random(5))
    data = {**OWN_DATA["appointment.requested"], "place": number}
    letter = refused(laid(structured("appointment.requested", data, id_=f"for {number}")))
    shown = "\n".join(told(letter)) + json.dumps(letter.as_json())
    assert number not in shown
    assert "withheld" in shown
    assert letter.event() == {"id": None, "type": None}


def test_bytes_that_are_no_text_are_shown_in_base64_and_controls_are_not_obeyed() -> None:
    record = laid(SICK)
    text = "\n".join(
        told(
            given_up(
                "intake",
                type(record)(
                    *(record.topic, record.partition, record.offset, record.timestamp),
                    key=b"\x1b[2J",
                    value=b"\xff\x00",
                    headers=(("x", b"\r\n"),),
                ),
            )
        )
    )
    assert "payload      base64 /wA=" in text
    assert "\x1b" not in text
    assert "\r" not in text


def test_the_list_holds_no_content() -> None:
    """Neither payload nor headers: it can be shown around."""
    shown = refused(laid(SICK)).as_json()
    assert json.loads(json.dumps(shown)) == shown
    assert shown["event"] == {"id": "sick", "type": "fr.l233.sick-leave.received.v1"}
    assert shown["arrived"] == "2026-03-02T08:30:00.000Z"
    assert not {"payload", "headers", "key"} & shown.keys()


def test_a_selection_takes_what_has_the_id_and_the_reason() -> None:
    letter = refused(laid(SICK)).data
    assert Selection().takes(letter)
    assert Selection(frozenset({letter.id, "other"}), "unknown_worker").takes(letter)
    assert not Selection(frozenset({"other"})).takes(letter)
    assert not Selection(reason="contract").takes(letter)


def test_a_redrive_is_counted_by_fate() -> None:
    letter = refused(laid(SICK))
    plan = Plan((Rejudged(letter, "routed"), Rejudged(letter, "refused", "no_rule")), unreadable=1)
    told_ = as_json(plan, applied=False)
    assert json.loads(json.dumps(told_)) == told_
    assert (told_["letters"], told_["put_back"], told_["unreadable"]) == (2, 1, 1)
    assert told_["fates"] == {"routed": 1, "refused": 1}


@pytest.mark.parametrize("command", ["list", "redrive"])
def test_a_reason_that_does_not_exist_is_bad_input(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """And the answer names those that do."""
    done = run(capsys, "dead-letters", command, "--reason", "bad_luck")
    assert done.code == 2
    assert "known are personal_data, unknown_type" in done.error
