"""Intake and the organisms behind it, as producers and auditors see them: on a real Kafka, from outside."""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar
from zlib import crc32

import pytest
from stdnum.fr import nir

from coordination.conservation import Ledger
from coordination.partitioning import partition_of
from schemas.topics import INPUT
from streaming.records import Record
from tests.broker.system import (
    BY_LIBRDKAFKA,
    Data,
    Event,
    Input,
    System,
    Watch,
    binary,
    content,
    header,
    living_at,
    someone,
    structured,
    system,
)

TOULOUSE = living_at("31555")


@dataclass(frozen=True)
class Exchange:
    """An event that was worked to its end, and everything that was written about its worker."""

    event: Event
    written: Sequence[Record]

    def on(self, topic: str) -> list[Record]:
        """Return what was written on a topic, in order."""
        return [one for one in self.written if one.topic == topic]

    @property
    def decision(self) -> dict[str, Any]:
        """The decision on the event."""
        (record,) = self.on("l233.decisions")
        return content(record)


@pytest.fixture(scope="module")
def l233(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Every role at work."""
    with system(bootstrap, tmp_path_factory.mktemp("l233")) as running:
        yield running


@pytest.fixture
def watch(l233: System) -> Watch:
    """Look at what is written during this test."""
    return l233.watch()


def registration(worker: str | None = None, **block: object) -> Event:
    """Return the registration of a worker of Toulouse."""
    data = {"worker": {**TOULOUSE, **block}, "start": "2026-02-01"}
    return Event("activity.registered", data, worker or someone())


def called(worker: str, due: str = "310.00") -> Event:
    """Return a call for contributions that says nothing of where the worker lives."""
    return Event("contribution.called", {"period": "2026-T1", "due": due, "base": "1803.00"}, worker)


# -- sent again ---------------------------------------------------------------------------------------


def test_a_duplicate_gets_the_original_receipt_again(l233: System, watch: Watch) -> None:
    """Sent three times, in both modes, an event is routed once; its producer is told the same three times."""
    event = registration()
    l233.publish(binary(event), binary(event), structured(event))
    receipts = watch.records("l233.receipts", event.worker, 3)
    assert {header(one, "ce_id") for one in receipts} == {header(receipts[0], "ce_id")}
    assert {one.value for one in receipts} == {receipts[0].value}
    assert [header(one, "l233-outcome") for one in receipts] == [None, "duplicate", "duplicate"]
    watch.settled()
    watch.records("l233.decisions", event.worker, 1)
    watch.records("l233.inbox.urssaf", event.worker, 1)
    watch.records("l233.dead-letters", event.worker, 0)


def test_a_duplicate_is_known_by_a_worker_that_lost_its_disk(l233: System, watch: Watch) -> None:
    """What intake remembers comes back from its changelog to the byte, and where workers live."""
    event = registration()
    l233.publish(binary(event))
    (first,) = watch.records("l233.receipts", event.worker, 1)
    l233.restart_without_state()
    later = called(event.worker)
    l233.publish(binary(event), binary(later))
    _, again, told = watch.records("l233.receipts", event.worker, 3)
    assert (again.value, header(again, "ce_id")) == (first.value, header(first, "ce_id"))
    assert header(again, "l233-outcome") == "duplicate"
    assert (header(told, "ce_causationid"), content(told)["verdict"]) == (later.id, "registered")
    watch.records("l233.decisions", event.worker, 2)


def test_a_conflicting_duplicate_is_told(l233: System, watch: Watch) -> None:
    """Another content under the same id is refused, kept as a dead letter, and changes nothing."""
    worker = someone()
    first = called(worker, due="310.00")
    other = Event(first.name, {**first.data, "due": "999.00"}, worker, first.id)
    l233.publish(binary(registration(worker)), binary(first), binary(other), binary(first))
    *_, refused, again = watch.records("l233.receipts", worker, 4)
    assert content(refused)["verdict"] == "refused"
    assert content(refused)["reason"] == "conflicting_duplicate"
    assert header(again, "l233-outcome") == "duplicate"
    (letter,) = watch.records("l233.dead-letters", worker, 1)
    assert content(letter)["reason"] == "conflicting_duplicate"
    assert base64.b64decode(str(content(letter)["payload"])) == other.payload
    watch.records("l233.decisions", worker, 2)


# -- laid wrongly -------------------------------------------------------------------------------------


def strays() -> Iterator[str]:
    """Return workers whose key librdkafka's default partitioner lays on another partition than murmur2."""
    while True:
        worker = someone()
        if partition_of(worker.encode(), 4) != crc32_partition(worker.encode()):
            yield worker


def crc32_partition(key: bytes) -> int:
    """Return where librdkafka's default partitioner puts a key."""
    return crc32(key) % 4


def test_records_of_librdkafka_are_put_back_in_order(l233: System, watch: Watch) -> None:
    """A worker's life, produced with confluent-kafka as it comes, is routed in its order on his partition."""
    worker = next(strays())
    life = [registration(worker), *(called(worker, f"{number}.00") for number in range(30))]
    places = l233.publish(*(binary(event) for event in life), partitioner=BY_LIBRDKAFKA)
    assert {partition for partition, _ in places} == {crc32_partition(worker.encode())}
    decisions = watch.records("l233.decisions", worker, len(life))
    assert [header(one, "ce_causationid") for one in decisions] == [event.id for event in life]
    copies = [one for one in watch.records(INPUT, worker, 2 * len(life)) if header(one, "l233-rekeyed")]
    assert [header(one, "l233-rekeyed") for one in copies] == [f"{part}/{offset}" for part, offset in places]
    assert {one.partition for one in copies} == {partition_of(worker.encode(), 4)}
    assert [header(one, "ce_id") for one in watch.records("l233.inbox.urssaf", worker, len(life))] == [
        event.id for event in life
    ]


def test_records_without_key_or_under_another_are_put_back_and_counted(l233: System, watch: Watch) -> None:
    """In both modes they get the worker's key and partition, are routed once, and the ledger comes out even.

    They can't have an order of their own before; from the put-back on they keep it.
    """
    worker = someone()
    l233.publish(binary(registration(worker)))
    watch.records("l233.decisions", worker, 1)
    events = [called(worker, f"{number}.00") for number in range(24)]
    keys = [None, b"dossier 7", b"", worker.upper().encode()]
    packed = [(structured if number % 2 else binary)(event) for number, event in enumerate(events)]
    l233.publish(
        *(Input(keys[number % 4], one.value, one.headers) for number, one in enumerate(packed)),
        partitioner=BY_LIBRDKAFKA,
    )
    decisions = watch.records("l233.decisions", worker, 1 + len(events))
    copies = sorted(
        (one for one in watch.since(INPUT) if header(one, "l233-rekeyed") and one.key == worker.encode()),
        key=lambda one: one.offset,
    )
    assert {one.partition for one in copies} == {partition_of(worker.encode(), 4)}
    assert [header(one, "l233-input") for one in decisions[1:]] == [
        f"{one.partition}/{one.offset}" for one in copies
    ]
    assert sorted(str(header(one, "ce_causationid")) for one in decisions[1:]) == sorted(e.id for e in events)
    watch.settled()
    ledger = Ledger(4)
    for record in watch.since(*l233.registry.topics):
        ledger.take(record)
    total = ledger.account().total
    assert (total.rekeyed, total.routed, total.residual) == (len(events), 1 + len(events), 0)


# -- personal data ------------------------------------------------------------------------------------


def invented_nir(random: Random) -> str:
    """Return a number with the key of a NIR that is nobody's: none begins with 9."""
    digits = f"9{random.randrange(10**12):012d}"
    return f"{digits}{nir.calc_check_digits(digits)}"


def spaced(number: str) -> str:
    """Return a NIR as people write it."""
    return " ".join(number[a:b] for a, b in ((0, 1), (1, 3), (3, 5), (5, 7), (7, 10), (10, 13), (13, 15)))


def carrying(number: str) -> Sequence[tuple[Event, Input]]:
    """Return records with a NIR in their data, in every way that a producer may come by one."""

    def event(place: object) -> Event:
        return Event(
            "appointment.requested", {"place": place, "subject": "health", "received_by": "cpam:311"}
        )

    plain, people, nested = event(number), event(f"dossier {spaced(number)}"), event({number: [number]})
    stray, broken, escaped = event(f"n° {number}."), event(number), event("")
    as_number = Event(plain.name, {"place": int(number)})
    codes = "".join(f"\\u{ord(digit):04x}" for digit in number)
    return [
        (plain, binary(plain)),
        (people, structured(people)),
        (nested, binary(nested)),
        (as_number, binary(as_number)),
        (stray, Input(number.encode(), binary(stray).value, binary(stray).headers, partition=3)),
        (broken, Input(broken.key, (binary(broken).value or b"")[:-1], binary(broken).headers)),
        (escaped, Input(escaped.key, f'{{"place":"{codes}"}}'.encode(), binary(escaped).headers)),
    ]


def everything_in(record: Record) -> Iterator[bytes]:
    """Return all bytes of a record, and what base64 hides in them."""
    for raw in (
        record.key or b"",
        record.value or b"",
        *(b"%b=%b" % (n.encode(), v) for n, v in record.headers),
    ):
        yield raw
        for run in re.findall(rb"[A-Za-z0-9+/_-]{12,}={0,2}", raw):
            for skipped in range(4):
                part = run[skipped : skipped + (len(run) - skipped) // 4 * 4]
                yield base64.b64decode(part, altchars=b"-_" if b"-" in part or b"_" in part else None)


def test_no_byte_of_a_nir_leaves_the_record_that_brought_it(l233: System, watch: Watch) -> None:
    """Refused as personal data; nothing else on any topic, raw or in base64, nor in the logs, repeats it."""
    number = invented_nir(Random(1))
    sent = carrying(number)
    places = l233.publish(*(record for _, record in sent))
    for event, _ in sent:
        (letter,) = watch.records("l233.dead-letters", event.worker, 1)
        found = content(letter)
        assert (found["reason"], found["payload"], found["key"]) == ("personal_data", None, None)
        (receipt,) = watch.records("l233.receipts", event.worker, 1)
        assert (content(receipt)["verdict"], content(receipt)["reason"]) == ("refused", "personal_data")
    watch.settled()
    own = {(INPUT, partition, offset) for partition, offset in places}
    others = [
        one for one in watch.since(*l233.registry.topics) if (one.topic, one.partition, one.offset) not in own
    ]
    assert len(others) >= 2 * len(sent)
    wanted = number.encode()
    repeated = [
        (one.topic, one.partition, one.offset)
        for one in others
        if any(wanted in raw.replace(b" ", b"") for raw in everything_in(one))
    ]
    assert repeated == []
    assert number not in l233.logs().replace(" ", "")


# -- the organisms ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exchanges(l233: System) -> Mapping[type["OrganismConformance"], Exchange]:
    """Send each organism below its event, all at once, and wait until everything about them is worked."""
    watch = l233.watch()
    events = {kind: Event(kind.name, kind.data) for kind in OrganismConformance.__subclasses__()}
    l233.publish(*map(binary, events.values()))
    for event in events.values():
        watch.records("l233.decisions", event.worker, 1)
    watch.settled()
    written = watch.since(*l233.registry.topics)
    return {
        kind: Exchange(event, [one for one in written if header(one, "ce_subject") == event.worker])
        for kind, event in events.items()
    }


class OrganismConformance:
    """What holds for every organism: it gets what the scheme asks of it, answers once, tells what it made."""

    agent: str
    organism: str
    role: str
    name: str
    data: ClassVar[Data]
    reports: ClassVar[bool] = False
    """Whether it reports by itself."""
    makes: ClassVar[Sequence[str]] = ()
    """What it tells on `l233.outcomes`."""

    @pytest.fixture
    def exchange(self, exchanges: Mapping[type["OrganismConformance"], Exchange]) -> Exchange:
        """Return what became of this organism's event."""
        return exchanges[type(self)]

    def test_its_inbox_gets_the_event_as_it_was_sent_with_a_mandate(self, exchange: Exchange) -> None:
        """Attributes and data are the producer's own; the mandate says who is asked what, by when and why."""
        event, decision = exchange.event, exchange.decision
        requests = [
            (one, json.loads(header(one, "l233-mandate") or "{}"))
            for one in exchange.on(f"l233.inbox.{self.agent}")
        ]
        ((request, mandate),) = [one for one in requests if one[1]["organism"] == self.organism]
        assert request.value == event.payload
        assert request.key == event.key
        sent = {f"ce_{name}": value for name, value in event.attributes.items()}
        got = {name: value.decode() for name, value in request.headers if name.startswith("ce_")}
        assert got == {**sent, "ce_correlationid": decision["case"]}
        (asked,) = [to for to in decision["recipients"] if to["organism"] == self.organism]
        assert mandate.pop("competent").keys() == {"health", "collection", "retirement"}
        expected = {**asked, "case": decision["case"], "scheme": decision["scheme"], "corrects": None}
        assert mandate == expected
        assert mandate["role"] == self.role

    def test_it_says_once_what_it_says_by_itself(self, exchange: Exchange) -> None:
        """Received first, after intake's `registered`; reported, code 0, only where nobody is needed."""
        said = [
            one
            for one in exchange.on("l233.acknowledgements")
            if header(one, "ce_source") == f"urn:l233:{self.agent}"
            and content(one)["organism"] == self.organism
        ]
        levels = [str(header(one, "ce_type")).split(".")[3] for one in said]
        assert levels == ["received", *["reported"] * self.reports]
        for one in said:
            assert header(one, "ce_correlationid") == exchange.decision["case"]
            assert header(one, "ce_causationid") == exchange.event.id
        assert content(said[0]) == {"organism": self.organism, "role": self.role}
        assert [content(one)["code"] for one in said[1:]] == [0] * self.reports

    def test_its_answers_reach_the_case(self, exchange: Exchange) -> None:
        """The case knows that the organism was told, that it has the request, and what it reported."""
        *_, latest = exchange.on("l233.cases")
        (part,) = [part for part in content(latest)["recipients"] if part["organism"] == self.organism]
        levels = [given["level"] for given in part["given"]]
        assert levels[: 2 + self.reports] == ["registered", "received", *["reported"] * self.reports]

    def test_it_tells_what_it_made_of_the_event(self, exchange: Exchange) -> None:
        """Rights and entitlements, in the case, because of the event; nothing that is not its own."""
        made = [
            one
            for one in exchange.on("l233.outcomes")
            if header(one, "ce_source") == f"urn:l233:{self.agent}"
            and content(one)["organism"] == self.organism
        ]
        assert [str(header(one, "ce_type"))[len("fr.l233.") : -len(".v1")] for one in made] == list(
            self.makes
        )
        for one in made:
            assert header(one, "ce_correlationid") == exchange.decision["case"]
            assert header(one, "ce_causationid") == exchange.event.id


class TestCpam(OrganismConformance):
    """A sick leave in Toulouse."""

    agent, organism, role, name = "cpam", "cpam:311", "lead", "sick-leave.received"
    data: ClassVar[Data] = {"worker": TOULOUSE, "starts": "2026-03-01", "ends": "2026-03-10"}


class TestUrssaf(OrganismConformance):
    """A call for contributions in Toulouse."""

    agent, organism, role, name = "urssaf", "urssaf:midi-pyrenees", "lead", "contribution.called"
    reports = True
    data: ClassVar[Data] = {"worker": TOULOUSE, "period": "2026-T1", "due": "310.00", "base": "1803.00"}


class TestCarsat(OrganismConformance):
    """A payment in Toulouse, of which the retirement organism records the right."""

    agent, organism, role, name = "carsat", "carsat:31", "support", "contribution.paid"
    reports = True
    makes = ("rights.recorded",)
    data: ClassVar[Data] = {
        "worker": TOULOUSE,
        "period": "2026-T1",
        "paid": "310.00",
        "due": "310.00",
        "base": "1803.00",
    }


class TestCgss(OrganismConformance):
    """The same in Guadeloupe, where one organism has every role, and is asked once."""

    agent, organism, role, name = "cgss", "cgss:971", "lead", "contribution.paid"
    reports = True
    makes = ("rights.recorded",)
    data: ClassVar[Data] = {**TestCarsat.data, "worker": living_at("97105")}


class TestCcssOfLozere(OrganismConformance):
    """An organism with a name of its own, served by the agent of the CGSS."""

    agent, organism, role, name = "cgss", "ccss:481", "lead", "sick-leave.received"
    data: ClassVar[Data] = {**TestCpam.data, "worker": living_at("48095")}


class TestCnavOfIleDeFrance(OrganismConformance):
    """The CNAV as a regional organism, served by the agent of the CARSAT."""

    agent, organism, role, name = "carsat", "cnav:ile-de-france", "lead", "retirement.requested"
    data: ClassVar[Data] = {"worker": living_at("75101"), "starts": "2026-09-01", "complete": True}


class TestCnam(OrganismConformance):
    """The national head of health hears of a mediation with a CPAM."""

    agent, organism, role, name = "cnam", "cnam", "informed", "mediation.opened"
    data: ClassVar[Data] = {"worker": TOULOUSE, "against": "cpam:311", "prior_approach": True}


class TestCnav(OrganismConformance):
    """The national head of retirement hears of a mediation with a CARSAT."""

    agent, organism, role, name = "cnav", "cnav", "informed", "mediation.opened"
    data: ClassVar[Data] = {"worker": TOULOUSE, "against": "carsat:31", "prior_approach": True}


class TestAcoss(OrganismConformance):
    """The national head of collection relays declared income."""

    agent, organism, role, name = "acoss", "acoss", "support", "income.declared"
    reports = True
    data: ClassVar[Data] = {"worker": TOULOUSE, "year": 2025, "amount": "21000.00", "source": "tax_authority"}
