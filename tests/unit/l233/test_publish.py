"""What `l233 publish` decides before it sends anything, and how it tells what came of it."""

import json
import socket
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from aiokafka.errors import KafkaTimeoutError

from coordination.intake import Intake
from l233.commands import publish as commands
from l233.commands.publish import as_json, told
from l233.day.faults import invented_number
from l233.event_file import Line
from l233.outgoing import Batch, Entry, Gate
from l233.publishing import PublishingStopped
from schemas.content import content_digest
from schemas.envelope import unpack, unpack_structured
from schemas.refusal import Violation
from schemas.validation import Event, validate
from tests.unit.coordination.examples import OWN_DATA, SUBJECT, directory, rulebook, structured
from tests.unit.l233.command_line import run, written

Capture = pytest.CaptureFixture[str]
SICK = structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_="sick", sequence="7", ours=True)


def gate(largest: int = 1_000_000) -> Gate:
    return Gate(Intake(rulebook(), directory(), {}, None), largest)


def test_what_may_be_routed_one_day_may_be_sent() -> None:
    """That the worker is unknown, or no scheme was in force, depends on more than the event."""
    old = structured("sick-leave.received", OWN_DATA["sick-leave.received"], time="2020-03-02T09:30:00+01:00")
    assert [gate().look(Line(1, line)).outcome for line in (SICK, old)] == ["waiting", "waiting"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (structured("activity.paused", {}), "unknown_type"),
        (structured("sick-leave.received", {"starts": "2026-03-14"}), "contract"),
        (
            structured("sick-leave.received", OWN_DATA["sick-leave.received"], time="9999-01-01T00:00:00Z"),
            "contract",
        ),
        (b"[]", "contract"),
        (structured("case.annulled", {"event": "1", "source": "urn:x", "reason": "twice"}), "contract"),
        (
            structured(
                "acknowledgement.settled",
                {"organism": "cpam:311"},
                source="urn:l233:cpam",
                correlationid="case-7",
            ),
            "not_allowed",
        ),
        (
            structured(
                "appointment.requested",
                {**OWN_DATA["appointment.requested"], "place": invented_number(Random(1))},
            ),
            "personal_data",
        ),
    ],
)
def test_what_intake_would_refuse_whatever_it_knows_may_not_be_sent(line: bytes, reason: str) -> None:
    """Personal data above all: it must not reach a topic."""
    entry = gate().look(Line(3, line))
    assert (entry.line, entry.outcome, entry.reason) == (3, "not_sent", reason)
    assert entry.errors


def test_a_correction_is_sent_for_intake_alone_knows_what_it_corrects() -> None:
    data = {"event": "sick", "source": "urn:example:counter", "reason": "twice"}
    assert gate().look(Line(1, structured("case.annulled", data, correlationid="c"))).outcome == "waiting"


def test_an_event_that_the_topic_would_not_take_is_told_with_its_size() -> None:
    """Instead of a failure in the middle of sending."""
    entry = gate(largest=200).look(Line(1, SICK))
    assert (entry.outcome, entry.reason, entry.id) == ("not_sent", "contract", "sick")
    assert "at most 200 bytes" in entry.errors[0].message


def test_what_is_sent_says_what_the_file_says_in_binary_mode_under_its_worker() -> None:
    """Content, attributes and extensions are the same, whichever way it is read."""
    with Batch() as batch:
        batch.add(gate().look(Line(1, SICK)), SICK)
        ((index, output),) = batch.outputs()

    sent, meant = validate(unpack(output.value, output.headers)), validate(unpack_structured(SICK))
    assert isinstance(sent, Event)
    assert isinstance(meant, Event)
    assert content_digest(sent) == content_digest(meant)
    assert sent.attributes == {**meant.attributes, "datacontenttype": "application/json"}
    assert (index, output.key, output.partition) == (0, SUBJECT.encode(), None)


def test_a_batch_gives_what_is_fit_in_its_order() -> None:
    """Each with its place among all, so that its receipt finds it."""
    lines = [structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_=str(n)) for n in range(4)]
    lines[2] = b"{}"
    with Batch() as batch:
        for number, line in enumerate(lines, 1):
            batch.add(gate().look(Line(number, line)), line)
        sent = [(index, dict(output.headers)["ce_id"]) for index, output in batch.outputs()]
        assert sent == [(0, b"0"), (1, b"1"), (3, b"3")]
        assert [entry.line for entry in batch.refused] == [3]

        batch.hold_back()
        assert list(batch.outputs()) == []


def test_a_file_that_is_not_fit_needs_no_kafka_to_be_refused(capsys: Capture, tmp_path: Path) -> None:
    """Nothing is sent, and every unfit event is named with its line."""
    done = run(capsys, "publish", written(tmp_path, SICK, b"{}", structured("activity.paused", {}, id_="p")))
    assert done.code == 1
    assert "line 2  without a readable id  not sent: contract" in done.out
    assert "line 3  p  not sent: unknown_type" in done.out
    assert done.out.splitlines()[-1].startswith(
        "nothing was sent: 2 of 3 events are not fit (contract 1, unknown_type 1); correct them, or send"
    )


def test_a_line_that_is_no_json_is_exit_2_even_when_only_the_fit_are_wanted(
    capsys: Capture, tmp_path: Path
) -> None:
    """Most likely the file was cut off, so nothing of it is sent."""
    done = run(capsys, "publish", written(tmp_path, SICK, SICK[:40]), "--valid-only")
    assert (done.code, done.out) == (2, "")
    assert "line 2 can't be read" in done.error


def test_without_a_kafka_every_command_says_so_in_one_line(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 3, the address that was tried, and what to do."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setenv("L233_BOOTSTRAP", address)
        commands = [
            ["publish", str(written(tmp_path, SICK))],
            ["trace", "case"],
            ["acknowledge", "case", "--organism", "cpam:311", "--level", "settled"],
            ["dead-letters", "list"],
            ["dead-letters", "show", "id"],
            ["dead-letters", "redrive"],
            ["dead-letters", "redrive", "--apply"],
        ]
        for command in commands:
            done = run(capsys, *command)
            assert (command, done.code, done.out) == (command, 3, "")
            assert f"no Kafka answers at {address}: start one with `l233 kafka up`" in done.error


def test_when_kafka_fails_on_the_way_it_is_told_how_far_it_came_and_that_all_may_be_sent_again(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka's own failures are the broker tests' business; here it is what a person hears of one."""

    async def fails(*_: object) -> None:
        raise PublishingStopped(1, KafkaTimeoutError())

    monkeypatch.setattr(commands, "publish", fails)
    done = run(capsys, "publish", written(tmp_path, SICK, SICK))
    assert (done.code, done.out) == (3, "")
    assert "stopped when 1 of 2 events were taken: no Kafka answers" in done.error
    assert done.error.endswith(
        "publish the whole file again: what was taken is a duplicate and changes nothing"
    )


ENTRIES = [
    Entry(1, "a", "registered", scheme="2026-01", case="c"),
    Entry(2, "b", "duplicate", scheme="2026-01", case="c"),
    Entry(3, "d\x1b[0m", "refused", "unknown_worker", (Violation("/data/worker", "nothing is known"),)),
    Entry(4, None, "not_sent", "contract", (Violation("", "expected a JSON object"),)),
    Entry(5, "e", "waiting"),
]


def test_the_counts_of_an_account_are_those_of_its_events() -> None:
    told_ = as_json(ENTRIES, 1.234)
    assert json.loads(json.dumps(told_)) == told_
    assert {name: told_[name] for name in told_ if name != "receipts"} == {
        "events": 5,
        "sent": 4,
        "registered": 1,
        "duplicates": 1,
        "refused": {"unknown_worker": 1},
        "not_sent": {"contract": 1},
        "held_back": 0,
        "waiting": 1,
        "seconds": 1.23,
    }
    held = [replace(entry, outcome="not_sent") for entry in ENTRIES]
    assert as_json(held, 0.0)["held_back"] == 3


def test_a_person_is_told_what_was_refused_and_what_to_do_about_missing_receipts() -> None:
    lines = list(told(ENTRIES, waited=True))
    assert lines[0].startswith(
        "line 3  d\ufffd[0m  refused: unknown_worker\n   /data/worker  nothing is known"
    )
    assert lines[1].startswith("line 4  without a readable id  not sent: contract")
    assert lines[2] == (
        "4 of 5 events sent, 1 registered, 1 registered before, 1 refused (unknown_worker 1), "
        "1 not fit to be sent (contract 1)"
    )
    assert lines[3].startswith("1 have no receipt yet: is intake running?")
