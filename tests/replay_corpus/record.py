"""Records the corpus: `python -m tests.replay_corpus.record`, with the code whose decisions are to stay.

Every type in every kind of territory under both versions, days before public holidays and ends of months,
the golden sagas, corrections, and a realistic day with everything that is planted in it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Final

from agents.emission import dead_letter
from coordination.partitioning import partition_of
from coordination.replaying import Recorded
from coordination.verdicts import Duplicate, InputRecord, Refused, Rekeyed, Routed
from l233.day import generate
from schemas.envelope import STRUCTURED, Headers, unpack
from schemas.inputs import EVENT_NAMES
from schemas.records import DECISION
from schemas.topics import INPUT
from tests.golden.sagas import sagas
from tests.replay_corpus.corpus import FILE, PARTITIONS, Entry, judge, save
from tests.unit.coordination.examples import OWN_DATA, SUBJECT, Data, structured, worker

Given = tuple[bytes | None, bytes | None, Headers, int | None]
"""Key, value, headers, and the partition if it is not the right one."""
_STRUCTURED: Final = (("content-type", STRUCTURED.encode()),)
_DAY: Final = date(2026, 3, 2)
_TIMESTAMP: Final = 1_772_440_200_000
_CLARIFIED: Final = {"organism": "cpam:441", "to": "urssaf:bretagne", "text": "?"}
_REPORTED: Final = {"organism": "cpam:441", "role": "lead", "code": 0}
PLACES: Final[Mapping[str, Data]] = {
    "metropolitan": worker("31555"),
    "resident and established apart": worker("35238", "33063"),
    "paris": worker("75056"),
    "alsace": worker("67482"),
    "moselle": worker("57463"),
    "lozere": worker("48095"),
    "corsica": worker("2A004"),
    "guadeloupe": worker("97105"),
    "martinique": worker("97209"),
    "guyane": worker("97302"),
    "reunion": worker("97411"),
    "saint-martin": worker("97801"),
    "overseas and metropolitan": worker("97411", "31555"),
    "shared": worker("59350"),
    "shared but attached": worker("59350", health="cpam:595"),
    "attached elsewhere": worker("31555", retirement="carsat:34", collection="urssaf:bretagne"),
    "saint-barthelemy": worker("97701"),
    "mayotte": worker("97608"),
    "established outside": worker("31555", "97608"),
}
TIMES: Final = (
    "2025-11-03T10:00:00+01:00",  # no scheme
    "2026-01-30T23:45:00Z",  # the next day in Paris, the end of a month
    "2026-04-02T10:00:00+02:00",  # Good Friday follows in Alsace-Moselle, then Easter
    "2026-05-21T10:00:00+02:00",  # 22 and 27 May overseas
    "2026-06-30T23:30:00+02:00",  # the last half hour of the first version
    "2026-07-01T00:00:00+02:00",  # the first second of the second one
    "2026-12-18T10:00:00+01:00",  # 20 December in Réunion, Christmas, 26 in Alsace-Moselle
)


def given() -> Iterator[Given]:
    """Return the inputs."""
    yield from _types()
    wrong = {"period": "2026-T5", "paid": 310.0, "due": "310", "worker": worker("31555")}
    yield _line(structured("contribution.paid", wrong), SUBJECT)
    yield from told_of_known_workers()
    yield from _sagas()
    for record in generate(7, 400, _DAY, partitions=PARTITIONS):
        if record.expected != "personal_data":  # no such number stands in a file
            yield record.key, record.value, record.headers, record.partition


def _types() -> Iterator[Given]:
    number = 0
    for name, own in OWN_DATA.items():
        for at, (place, block) in enumerate(PLACES.items()):
            times = TIMES if name in {"contribution.paid", "radiation.envisaged"} else TIMES[1 + at % 6 :][:2]
            for time in times:
                number += 1
                subject = f"worker:{number:032x}"
                line = structured(
                    name, {**own, "worker": block}, id_=f"{place} {time}", subject=subject, time=time
                )
                yield _line(line, subject)


def told_of_known_workers() -> Iterator[Given]:
    """Return workers who are known, move, are spoken of without a block, corrected, annulled, repeated."""
    for number, place in enumerate(("31555", "97411", "67482", "59350", "97701")):
        subject, case, block = f"worker:{'c' * 31}{number}", f"case-{number}", worker(place)
        moved = {"previous": {"residence": place, "establishment": place}, "effective": "2026-03-01"}
        registered, sick = {"start": "2026-01-05", "worker": block}, OWN_DATA["sick-leave.received"]
        paid, origin = OWN_DATA["contribution.paid"], {"event": "2", "source": "urn:example:counter"}
        longer = {"data": {"starts": "2026-02-01", "ends": "2026-02-20"}}
        said: list[tuple[str, Data, str, str]] = [
            ("activity.registered", registered, "1", "2026-01-05T08:00:00Z"),
            ("sick-leave.received", sick, "2", "2026-02-02T08:00:00Z"),
            ("sick-leave.received", sick, "2", "2026-02-02T08:00:00Z"),
            ("sick-leave.received", longer["data"], "2", "2026-02-02T08:00:00Z"),
            ("territory.changed", {**moved, "worker": worker("44109")}, "3", "2026-03-02T08:00:00Z"),
            ("contribution.paid", paid, "4", "2026-02-28T23:30:00Z"),  # the day of the move, in Paris
            ("contribution.paid", paid, "5", "2026-02-27T08:00:00Z"),
            ("case.updated", {**origin, **longer}, "6", "2026-03-10T09:00:00Z"),
            ("case.updated", {**origin, "event": "9", "data": {}}, "7", "2026-03-10T09:00:00Z"),
            ("case.annulled", {**origin, "reason": "error"}, "8", "2026-07-10T09:00:00Z"),
            ("case.annulled", {**origin, "reason": "error"}, "10", "2026-07-11T09:00:00Z"),
            ("case.forwarded", {"organism": "cpam:311", "to": "cpam:441"}, "11", "2026-03-12T09:00:00Z"),
            ("case.forwarded", {"organism": "cpam:441", "to": "cpam:311"}, "12", "2026-03-13T09:00:00Z"),
            ("case.clarified", _CLARIFIED, "13", "2026-03-13T09:00:00Z"),
            ("acknowledgement.reported", _REPORTED, "14", "2026-03-13T09:00:00Z"),
        ]
        for name, data, id_, time in said:
            more = {} if name.startswith("activity") else {"correlationid": case}
            yield _line(structured(name, data, id_=id_, subject=subject, time=time, **more), subject)


def _sagas() -> Iterator[Given]:
    for number, saga in enumerate(sagas()):
        for event in saga.inputs:
            told = f"{event['subject']}{number}"  # its own worker in each saga
            subject = f"worker:{int(told.removeprefix('worker:'), 16) % 16**32:032x}"
            yield _line(json.dumps({**event, "subject": subject}).encode(), subject)


def _line(line: bytes, subject: str) -> Given:
    return subject.encode(), line, _STRUCTURED, None


def recorded(inputs: Iterable[Given]) -> Iterator[Entry]:
    """Decide on every input, and on those that are put back."""
    intake, memory, offsets = judge(), dict[bytes, bytes](), Counter[int]()
    waiting = list(inputs)[::-1]
    while waiting:
        key, value, headers, planted = waiting.pop()
        number = partition_of(key or b"", PARTITIONS) if planted is None else planted
        at = InputRecord(INPUT, number, offsets[number], _moment(value, headers), key, value, headers)
        offsets[number] += 1
        verdict = intake.judge(at, memory)
        about = EVENT_NAMES.get(str(unpack(value, headers).attributes.get("type")), "unknown_type")
        match verdict:
            case Routed():
                memory.update(verdict.writes)
                yield Entry(at, Recorded(decision=DECISION.dump_json(verdict.decision)), about)
            case Duplicate():
                yield Entry(at, Recorded(duplicate=True), about)
            case Refused():
                letter = dead_letter("intake", at, verdict.refusal, verdict.subject, verdict.remembered)
                yield Entry(at, Recorded(refused=letter.value), about)
            case Rekeyed():
                yield Entry(at, Recorded(), about)
                waiting.append((verdict.key, value, headers, verdict.partition))


def _moment(value: bytes | None, headers: Headers) -> int:
    time = unpack(value, headers).attributes.get("time")
    try:
        return int(datetime.fromisoformat(str(time)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return _TIMESTAMP


if __name__ == "__main__":
    found = list(recorded(given()))
    save(found)
    print(f"{len(found)} inputs in {FILE}, {FILE.stat().st_size} bytes")
