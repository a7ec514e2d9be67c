"""The commands about events, cases and dead letters, on the whole system."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from coordination.conservation import TOPICS, Ledger
from coordination.partitioning import partition_of
from l233.day import generate
from l233.day.faults import invented_number
from l233.local_kafka import temporary
from l233.outgoing import Batch, Entry
from l233.publishing import publish
from l233.running import passing
from l233.settings import Settings
from schemas.envelope import STRUCTURED, pack_binary, pack_structured, unpack, unpack_structured
from schemas.inputs import INPUTS
from schemas.records import DEAD_LETTER_TYPE
from schemas.refusal import REASONS
from schemas.strict_json import RepeatedKeyError, UnreadableJsonError, read
from schemas.validation import Event, validate
from streaming.posting import OvertakenError, exclusive_poster
from streaming.records import Output, Record
from streaming.topics import Registry
from tests.broker.whole import CLOSED_SOURCE, Done, Topics, environment, headers, narrowed, run
from tests.contract.golden import INVALID, VALID

EVENTS, RECEIPTS, DECISIONS = "l233.events", "l233.receipts", "l233.decisions"
DEAD, ACKNOWLEDGEMENTS = "l233.dead-letters", "l233.acknowledgements"
TOULOUSE = {"siren": "123456782", "residence": "31555", "establishment": "31555"}
SICK = {"starts": "2026-03-01", "ends": "2026-03-14"}


@dataclass(frozen=True)
class Whole:
    """A running system, and what commands said before its topics and before its roles were there."""

    topics: Topics
    partitions: int
    without_topics: Mapping[str, Done]
    without_roles: Done


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Give a system of this module's own, in which one source may send nothing."""
    folder = tmp_path_factory.mktemp("whole")
    one = folder / "one.jsonl"
    one.write_bytes(line("activity.registered", {"start": "2026-01-05", "micro": True, "worker": TOULOUSE}))
    with (
        temporary() as kafka,
        environment(L233_BOOTSTRAP=kafka.bootstrap, L233_TOPICS_FILE=str(narrowed(folder))),
    ):
        commands = [f"publish {one}", "trace some-case", "dead-letters list", "dead-letters redrive --apply"]
        without_topics = {command: run(*command.split()) for command in commands}
        assert run("topics", "apply").code == 0
        without_roles = run("publish", one, "--patience", "0.2", "--json")
        settings = Settings()
        registry = Registry.load(settings.topics_file)
        with passing(kafka, settings, registry, folder):
            topics = Topics(settings.connection())
            yield Whole(topics, registry.partitions, without_topics, without_roles)


def subject() -> str:
    """Return the reference of a worker of whom nothing is known yet."""
    return f"worker:{uuid4().hex}"


def line(name: str, data: Mapping[str, object], **attributes: str) -> bytes:
    """Return an event as a line of a file."""
    event = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "urn:test:commands",
        "type": f"fr.l233.{name}.v1",
        "subject": subject(),
        "time": "2026-03-02T09:30:00+01:00",
        "data": data,
        **attributes,
    }
    return json.dumps(event).encode() + b"\n"


def registration(worker: str, **attributes: str) -> bytes:
    data = {"start": "2026-01-05", "micro": True, "worker": TOULOUSE}
    return line("activity.registered", data, subject=worker, **attributes)


def sick_leave(worker: str, **attributes: str) -> bytes:
    return line("sick-leave.received", SICK, subject=worker, **attributes)


def written(folder: Path, *lines: bytes) -> Path:
    path = folder / f"{uuid4().hex}.jsonl"
    path.write_bytes(b"".join(lines))
    return path


# --- check -----------------------------------------------------------------------------------------


def everything() -> list[bytes]:
    """Return events of every type and every refusal that can be had, in an order that matters."""
    salt = uuid4().hex
    day = generate(7, 700, date(2026, 3, 10), subject_of=lambda siren: _scrambled(siren, salt))
    lines = []
    for record in day:
        envelope = unpack(record.value, record.headers)
        if envelope.payload is not None:
            lines.append(pack_structured(envelope.attributes, envelope.payload))
    for path in (*VALID, *INVALID):
        text = b" ".join(path.read_bytes().splitlines())
        if _is_event_of_a_file(text):
            lines.append(text)
    lines.append(line("sick-leave.received", SICK, source=CLOSED_SOURCE).strip())
    return [*lines, *lines[:40]]  # the last ones are duplicates


def _scrambled(siren: str, salt: str) -> str:
    return f"worker:{sha256(f'{siren}{salt}'.encode()).hexdigest()[:32]}"


def _is_event_of_a_file(text: bytes) -> bool:
    try:
        read(text)
    except RepeatedKeyError:
        return True
    except UnreadableJsonError:
        return False
    return True


def test_check_decides_as_intake_does(whole: Whole, tmp_path: Path) -> None:
    """The same events in the same order: the receipts say what the check said, to the letter."""
    lines = everything()
    checked = run("check", written(tmp_path, *(text + b"\n" for text in lines)), "--json")
    assert checked.code == 1

    outputs = []
    for text in lines:
        key = unpack_structured(text).subject
        headers_ = [("content-type", STRUCTURED.encode())]
        outputs.append(Output(EVENTS, None if key is None else key.encode(), text, headers_))
    places = asyncio.run(whole.topics.put(outputs))
    names = {f"{partition}/{offset}": index for index, (partition, offset) in enumerate(places)}
    receipts = {
        names[headers(record)["l233-input"]]: json.loads(record.value or b"")
        for record in whole.topics.having(
            lambda record: headers(record).get("l233-input") in names, len(lines), RECEIPTS
        )
    }

    assert [shown(receipts[index]) for index in range(len(lines))] == checked.lines
    found = Counter(one["reason"] for one in checked.lines)
    assert set(REASONS) - found.keys() == {"no_rule", "unexpected"}
    routed = [text for text, one in zip(lines, checked.lines, strict=True) if one["verdict"] == "routed"]
    events = [validate(unpack_structured(text)) for text in routed]
    assert {event.name for event in events if isinstance(event, Event)} == set(INPUTS)


def shown(receipt: Mapping[str, Any]) -> dict[str, object]:
    """Return a receipt in the public shape of a check (design: names are public)."""
    return {
        "id": receipt["event"]["id"],
        "verdict": {"registered": "routed", "refused": "dead_letter"}[receipt["verdict"]],
        **{
            name: receipt[name] for name in ("reason", "errors", "scheme", "case", "recipients", "unresolved")
        },
    }


# --- publish ---------------------------------------------------------------------------------------


def test_publish_tells_what_became_of_every_event(whole: Whole, tmp_path: Path) -> None:
    """Sent as keyed CloudEvents in binary mode, in order; each line has its own receipt."""
    worker, stranger = subject(), subject()
    first = registration(worker)
    file = written(tmp_path, first, b"\n", sick_leave(worker), sick_leave(stranger), first)
    done = run("publish", file, "--json")

    told = done.json
    assert done.code == 1
    outcomes = [(one["line"], one["outcome"], one["reason"]) for one in told["receipts"]]
    assert outcomes == [
        (1, "registered", None),
        (3, "registered", None),
        (4, "refused", "unknown_worker"),
        (5, "duplicate", None),
    ]
    assert {name: told[name] for name in ("events", "sent", "registered", "duplicates", "waiting")} == {
        "events": 4,
        "sent": 4,
        "registered": 2,
        "duplicates": 1,
        "waiting": 0,
    }
    assert told["refused"] == {"unknown_worker": 1}
    assert told["receipts"][0]["case"] == told["receipts"][3]["case"]
    assert run("check", file, "--json").lines[0]["case"] == told["receipts"][0]["case"]

    place = told["receipts"][1]
    (record,) = [
        record
        for record in asyncio.run(whole.topics.read(EVENTS))
        if (record.partition, record.offset) == (place["partition"], place["offset"])
    ]
    assert record.key == worker.encode()
    assert record.partition == partition_of(worker.encode(), whole.partitions)
    assert json.loads(record.value or b"") == SICK
    assert headers(record)["ce_subject"] == worker


def test_a_receipt_for_an_acknowledgement_does_not_disturb_a_publisher(whole: Whole) -> None:
    """What a case tells an organism's system meanwhile lies on the same topic, and names no record."""
    foreign = Output(RECEIPTS, subject().encode(), b"{}", [("ce_source", b"urn:l233:cases")], 0)

    def put_foreign(_: int) -> None:
        with ThreadPoolExecutor() as other:
            other.submit(asyncio.run, whole.topics.put([foreign])).result()

    with Batch() as batch:
        batch.add(Entry(1, "one", "waiting"), registration(subject()).strip())
        asyncio.run(publish(whole.topics.connection, batch, 30.0, put_foreign, lambda _: None))
        assert [entry.outcome for entry in batch.entries] == ["registered"]


def test_publishing_again_registers_nothing_twice(whole: Whole, tmp_path: Path) -> None:
    """So a producer who is not sure sends the whole file again."""
    worker = subject()
    file = written(tmp_path, registration(worker), sick_leave(worker))
    before = run("publish", file, "--json")
    again = run("publish", file, "--json")

    assert (before.code, again.code) == (0, 0)
    assert again.json["duplicates"] == 2
    cases = [[one["case"] for one in done.json["receipts"]] for done in (before, again)]
    assert cases[0] == cases[1]
    assert "2 of 2 events sent, 0 registered, 2 registered before" in run("publish", file).out


def test_nothing_is_sent_of_a_file_that_is_not_fit_unless_the_rest_is_asked_for(
    whole: Whole, tmp_path: Path
) -> None:
    """Refused are events that intake would refuse whatever it remembers; the others can go without them."""
    worker = subject()
    fit, unfit = registration(worker), line("activity.paused", {})
    file = written(tmp_path, unfit, fit)
    before = asyncio.run(whole.topics.ends(EVENTS))
    held = run("publish", file, "--json")
    assert asyncio.run(whole.topics.ends(EVENTS)) == before

    assert held.code == 1
    assert (held.json["sent"], held.json["not_sent"], held.json["held_back"]) == (0, {"unknown_type": 1}, 1)
    rest = run("publish", file, "--valid-only", "--json")
    assert rest.code == 1
    assert [one["outcome"] for one in rest.json["receipts"]] == ["not_sent", "registered"]


def test_without_waiting_the_receipts_are_not_looked_for(whole: Whole, tmp_path: Path) -> None:
    done = run("publish", written(tmp_path, registration(subject())), "--no-wait")
    assert (done.code, done.out) == (0, "1 of 1 events sent\n")


def test_events_without_a_receipt_in_time_are_told(whole: Whole) -> None:
    """Taken by Kafka while no role runs: exit 1, and `waiting`."""
    assert whole.without_roles.code == 1
    assert whole.without_roles.json["waiting"] == 1
    assert whole.without_roles.json["receipts"][0]["outcome"] == "waiting"


def test_a_missing_topic_is_one_line_with_the_way_out(whole: Whole) -> None:
    for command, done in whole.without_topics.items():
        assert (command, done.code, done.out) == (command, 1, "")
        assert done.err.count("\n") == 1
        assert "does not exist: run `l233 topics apply`" in done.err


def test_a_long_file_is_sent_in_its_order(whole: Whole, tmp_path: Path) -> None:
    """More events than are sent at once: each worker's lie in the order of the file."""
    workers = [subject() for _ in range(5)]
    lines = [registration(worker) for worker in workers] + [sick_leave(workers[n % 5]) for n in range(1_500)]
    done = run("publish", written(tmp_path, *lines), "--json")

    assert (done.code, done.json["registered"]) == (0, 1_505)
    for worker in workers:
        mine = [
            one for one, text in zip(done.json["receipts"], lines, strict=True) if worker.encode() in text
        ]
        assert {one["partition"] for one in mine} == {partition_of(worker.encode(), whole.partitions)}
        offsets = [one["offset"] for one in mine]
        assert offsets == sorted(offsets)


# --- trace -----------------------------------------------------------------------------------------


def test_trace_tells_the_whole_case(whole: Whole, tmp_path: Path) -> None:
    """Who was asked what and by when, what everybody answered, and that the event came twice."""
    worker = subject()
    opening = registration(worker)
    (first,) = run("publish", written(tmp_path, opening), "--json").json["receipts"]
    case = first["case"]
    joining = sick_leave(worker, correlationid=case, time="2026-03-03T10:00:00+01:00")
    assert run("publish", written(tmp_path, joining, opening), "--json").code == 0
    asked = 6
    whole.topics.having(
        lambda record: (
            headers(record).get("ce_correlationid") == case
            and headers(record)["ce_type"].endswith("received.v1")
        ),
        asked,
        ACKNOWLEDGEMENTS,
    )

    def known(record: Record) -> bool:
        """Say whether the case has heard all of it: the support on the sick leave is the last to report."""
        if record.value is None or case not in (record.key or b"").decode():
            return False
        parts = json.loads(record.value)["recipients"]
        given = [{said["level"] for said in part["given"]} for part in parts]
        return len(given) == asked and sum({"received", "reported"} <= one for one in given) == 2

    whole.topics.having(known, 1, "l233.cases")

    told = run("trace", case, "--json").json
    assert (told["case"], told["worker"], told["status"]) == (case, worker, "open")
    assert [one["rule"] for one in told["decisions"]] == ["activity.registered", "sick-leave.received"]
    recipients = told["decisions"][1]["recipients"]
    assert [(to["role"], to["organism"], to["done"]) for to in recipients] == [
        ("lead", "cpam:311", False),
        ("support", "urssaf:midi-pyrenees", True),
        ("informed", "carsat:31", True),
    ]
    assert [to["answers"] for to in recipients] == [
        ["registered", "received"],
        ["registered", "received", "reported"],
        ["registered", "received"],
    ]
    assert recipients[0]["name"] == "CPAM de la Haute-Garonne"
    assert [receipt["again"] for receipt in told["receipts"]] == [False, False, True]
    times = [said["at"] for said in told["acknowledgements"]]
    assert times == sorted(times)
    events = {one["event"]["id"] for one in told["decisions"]}
    levels = Counter(said["level"] for said in told["acknowledgements"] if said["event"] in events)
    assert levels == {"registered": asked, "received": asked, "reported": 2, "settled": 1}

    text = run("trace", case)
    assert text.code == 0
    assert "CPAM de la Haute-Garonne (cpam:311)" in text.out
    assert "received by the end of 2026-03-04: done" in text.out
    assert "which was sent once more" in text.out


def test_an_unknown_case_is_told_in_one_line(whole: Whole) -> None:
    done = run("trace", "no-such-case")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("l233: no case no-such-case is known")


# --- dead letters ----------------------------------------------------------------------------------


def letter_of(whole: Whole, event: str) -> str:
    """Return the id of the one dead letter of an event, once it is there."""

    def wanted(record: Record) -> bool:
        content = json.loads(record.value or b"")
        return any(
            name == "ce_id" and base64.b64decode(value).decode() == event
            for name, value in content["headers"]
        )

    (record,) = whole.topics.having(wanted, 1, DEAD)
    return headers(record)["ce_id"]


def event_id(text: bytes) -> str:
    return str(json.loads(text)["id"])


def fates(done: Done) -> list[str]:
    return [one["fate"] for one in done.json["results"]]


def test_a_letter_is_put_back_once_its_cause_is_repaired_and_never_twice(
    whole: Whole, tmp_path: Path
) -> None:
    """The same event id, routed exactly once, however often somebody redrives."""
    worker = subject()
    leave = sick_leave(worker)
    assert run("publish", written(tmp_path, leave)).code == 1
    letter = letter_of(whole, event_id(leave))
    (listed,) = [one for one in run("dead-letters", "list", "--json").lines if one["id"] == letter]
    assert (listed["reason"], listed["role"], listed["worker"]) == ("unknown_worker", "intake", worker)
    assert listed["event"] == {"id": event_id(leave), "type": "fr.l233.sick-leave.received.v1"}

    still = run("dead-letters", "redrive", "--id", letter, "--apply", "--json").json
    assert (still["put_back"], still["fates"]) == (0, {"refused": 1})
    assert still["results"][0]["reason"] == "unknown_worker"

    assert run("publish", written(tmp_path, registration(worker))).code == 0
    dry = run("dead-letters", "redrive", "--id", letter, "--json").json
    assert (dry["applied"], dry["put_back"], dry["fates"]) == (False, 1, {"routed": 1})
    assert dry["results"][0]["recipients"][0]["organism"] == "cpam:311"
    assert not copies(whole, letter), "a dry run writes nothing"

    done = run("dead-letters", "redrive", "--id", letter, "--apply", "--json").json
    again = run("dead-letters", "redrive", "--id", letter, "--apply", "--json").json
    assert (done["put_back"], done["fates"]) == (1, {"routed": 1})
    assert (again["put_back"], again["fates"]) == (0, {"redriven_before": 1})

    (decision,) = whole.topics.having(
        lambda record: headers(record).get("ce_causationid") == event_id(leave), 1, DECISIONS
    )
    assert json.loads(decision.value or b"")["case"] == dry["results"][0]["case"]
    (copy,) = copies(whole, letter)
    place = (copy.topic, copy.partition, copy.key, copy.value)
    assert place == (
        EVENTS,
        listed["partition"],
        worker.encode(),
        json.dumps(SICK, separators=(",", ":")).encode(),
    )
    assert headers(copy)["l233-redrives"] == "1"
    assert headers(copy)["ce_id"] == event_id(leave)


def copies(whole: Whole, letter: str) -> list[Record]:
    """Return the records that put a letter back."""
    records = asyncio.run(whole.topics.read(EVENTS, *(f"l233.inbox.{name}" for name in ("cpam", "urssaf"))))
    return [record for record in records if headers(record).get("l233-redrive-of") == letter]


def test_letters_of_one_worker_are_judged_in_their_order(whole: Whole, tmp_path: Path) -> None:
    """What the first would add is known to the second; together both go, the second alone would not."""
    worker = subject()
    # A registration that intake refuses today and a repaired one would not be a dead letter: so both are
    # written as letters of a failure of ours, as a worker of another version leaves them.
    first, second = registration(worker), sick_leave(worker)
    letters = [hand_written(whole, text, offset) for offset, text in enumerate((first, second))]

    alone = run("dead-letters", "redrive", "--id", letters[1], "--json")
    both = run("dead-letters", "redrive", "--id", letters[1], "--id", letters[0], "--json")
    assert fates(alone) == ["refused"]
    assert fates(both) == ["routed", "routed"]
    assert [one["id"] for one in both.json["results"]] == letters


def hand_written(whole: Whole, text: bytes, offset: int) -> str:
    """Write the dead letter of an event on which intake failed, and return its id."""
    envelope = unpack_structured(text)
    assert envelope.payload is not None
    assert envelope.subject is not None
    key = envelope.subject.encode()
    record_headers, value = pack_binary(envelope.attributes, envelope.payload)
    number = partition_of(key, whole.partitions)
    return put_letter(whole, "intake", Output(EVENTS, key, value, record_headers, number), offset)


def put_letter(whole: Whole, role: str, record: Output, offset: int) -> str:
    """Write a dead letter as a role writes it, and return its id."""
    letter = uuid4().hex
    content = {
        "id": letter,
        "reason": "unexpected",
        "errors": [],
        "topic": record.topic,
        "partition": record.partition,
        "offset": offset,
        "timestamp": 1_772_440_200_000,
        "key": base64.b64encode(record.key or b"").decode(),
        "headers": [[name, base64.b64encode(value).decode()] for name, value in record.headers],
        "payload": base64.b64encode(record.value or b"").decode(),
        "redrives": 0,
    }
    said = {
        "id": letter,
        "source": f"urn:l233:{role}",
        "type": DEAD_LETTER_TYPE,
        "time": "2026-03-02T08:30:00Z",
        "subject": (record.key or b"").decode(),
    }
    marks = [("l233-input", f"{record.partition}/{offset}".encode()), ("l233-reason", b"unexpected")]
    head, value = pack_binary(said, json.dumps(content).encode())
    asyncio.run(whole.topics.put([Output(DEAD, record.key, value, [*head, *marks], record.partition)]))
    return letter


def test_an_event_that_came_in_again_and_was_routed_is_not_put_back(whole: Whole, tmp_path: Path) -> None:
    """The producer was quicker: a redrive would only make a duplicate."""
    worker = subject()
    leave = sick_leave(worker)
    assert run("publish", written(tmp_path, leave)).code == 1
    letter = letter_of(whole, event_id(leave))
    assert run("publish", written(tmp_path, registration(worker), leave)).code == 0

    done = run("dead-letters", "redrive", "--id", letter, "--apply", "--json")
    assert fates(done) == ["routed_since"]
    assert not copies(whole, letter)


def test_a_letter_of_another_role_goes_back_to_its_own_inbox(whole: Whole, tmp_path: Path) -> None:
    """The organism answers with the same ids; what it would still fail on stays."""
    worker = subject()
    assert run("publish", written(tmp_path, registration(worker))).code == 0

    def mine(record: Record) -> bool:
        return record.key == worker.encode()

    (asked,) = whole.topics.having(mine, 1, "l233.inbox.cpam")
    good = Output(asked.topic, asked.key, asked.value, asked.headers, asked.partition)
    without_mandate = good._replace(headers=[one for one in asked.headers if one[0] != "l233-mandate"])
    letters = [put_letter(whole, "cpam", record, asked.offset) for record in (good, without_mandate)]

    dry = run("dead-letters", "redrive", *(f"--id={letter}" for letter in letters), "--apply", "--json")
    assert {one["id"]: one["fate"] for one in dry.json["results"]} == dict(
        zip(letters, ["worked", "failed"], strict=True)
    )
    whole.topics.having(mine, 2, "l233.inbox.cpam")

    def received(record: Record) -> bool:
        return (
            mine(record)
            and headers(record)["ce_source"] == "urn:l233:cpam"
            and headers(record)["ce_type"].endswith("received.v1")
        )

    answers = whole.topics.having(received, 2, ACKNOWLEDGEMENTS)
    assert len({headers(answer)["ce_id"] for answer in answers}) == 1
    assert len(copies(whole, letters[0])) == 1
    assert not copies(whole, letters[1])


def test_everything_stays_accounted_for_when_a_rekeyed_record_is_redriven(
    whole: Whole, tmp_path: Path
) -> None:
    """A record that lay on the wrong partition, was put back and refused: no mark counts it twice."""
    worker = subject()
    leave = sick_leave(worker)
    envelope = unpack_structured(leave)
    assert envelope.payload is not None
    record_headers, value = pack_binary(envelope.attributes, envelope.payload)
    right = partition_of(worker.encode(), whole.partitions)
    wrong = (right + 1) % whole.partitions
    asyncio.run(whole.topics.put([Output(EVENTS, b"file-17", value, record_headers, wrong)]))
    letter = letter_of(whole, event_id(leave))
    assert run("publish", written(tmp_path, registration(worker))).code == 0
    assert run("dead-letters", "redrive", "--id", letter, "--apply", "--json").json["put_back"] == 1
    whole.topics.having(lambda record: headers(record).get("ce_causationid") == event_id(leave), 1, DECISIONS)

    places = {
        f"{record.partition}/{record.offset}"
        for record in asyncio.run(whole.topics.read(EVENTS))
        if headers(record).get("ce_id") == event_id(leave)
    }
    assert len(places) == 3, "the original, the rekeyed copy, the redriven one"
    ledger = Ledger(4)
    for record in asyncio.run(whole.topics.read(*TOPICS)):
        about = (
            f"{record.partition}/{record.offset}"
            if record.topic == EVENTS
            else headers(record).get("l233-input")
        )
        if about in places:
            ledger.take(record)
    total = ledger.account().total
    assert (total.received, total.routed, total.dead_letters, total.rekeyed, total.residual) == (
        3,
        1,
        1,
        1,
        0,
    )


def test_personal_data_can_not_be_redriven(whole: Whole, tmp_path: Path) -> None:
    """Its bytes were never kept."""
    number = invented_number(Random(3))
    text = line("appointment.requested", {"place": number, "subject": "health", "received_by": "cpam:311"})
    envelope = unpack_structured(text)
    assert envelope.payload is not None
    assert envelope.subject is not None
    record_headers, value = pack_binary(envelope.attributes, envelope.payload)
    ((partition, offset),) = asyncio.run(
        whole.topics.put([Output(EVENTS, envelope.subject.encode(), value, record_headers)])
    )
    (record,) = whole.topics.having(
        lambda record: headers(record)["l233-input"] == f"{partition}/{offset}", 1, DEAD
    )
    letter = headers(record)["ce_id"]

    assert fates(run("dead-letters", "redrive", "--id", letter, "--apply", "--json")) == ["withheld"]
    told = run("dead-letters", "show", letter)
    assert "withheld" in told.out
    assert number not in told.out
    assert "not the others: withheld" in run("dead-letters", "redrive", "--reason", "personal_data").out


def test_where_there_is_no_dead_letter_nothing_is_put_back(whole: Whole) -> None:
    for command in (["list"], ["redrive"], ["redrive", "--apply"]):
        done = run("dead-letters", *command, "--reason", "no_rule")
        assert (done.code, done.out) == (0, "no dead letters\n")


def test_show_tells_everything_of_a_letter(whole: Whole, tmp_path: Path) -> None:
    """With the bytes as they came, as text for a person and in base64 for a program."""
    leave = sick_leave(subject())
    assert run("publish", written(tmp_path, leave)).code == 1
    letter = letter_of(whole, event_id(leave))

    told = run("dead-letters", "show", letter)
    assert f"payload      {json.dumps(SICK, separators=(',', ':'))}" in told.out
    assert "unknown_worker" in told.out
    content = run("dead-letters", "show", letter, "--json").json
    assert json.loads(base64.b64decode(content["payload"])) == SICK
    assert content["role"] == "intake"
    assert letter in run("dead-letters", "list", "--reason", "unknown_worker").out


@pytest.mark.parametrize("command", [["show", "nobody"], ["redrive", "--apply", "--id", "nobody"]])
def test_an_unknown_letter_is_told_in_one_line(whole: Whole, command: Sequence[str]) -> None:
    done = run("dead-letters", *command)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("l233: no such dead letter: nobody;")


def test_of_two_redrives_the_later_one_goes_on(whole: Whole) -> None:
    """What the earlier one then writes is refused as a whole, so no letter is put back by both."""
    mark = uuid4().hex
    record = Output("l233.cases", mark.encode(), b"{}", (), 0)

    async def both() -> None:
        async with exclusive_poster(whole.topics.connection, mark) as earlier:
            await earlier.put([record])
            async with exclusive_poster(whole.topics.connection, mark) as later:
                with pytest.raises(OvertakenError):
                    await earlier.put([record, record])
                await later.put([record])
                await later.put([record])

    asyncio.run(both())
    cases = asyncio.run(whole.topics.read("l233.cases"))
    assert len([one for one in cases if one.key == mark.encode()]) == 3
