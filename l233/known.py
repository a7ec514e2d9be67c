"""What was known of a worker on a day, and what is known now: rebuilt from the log by intake's own judge.

Two times are told apart: when something counts (the date of a registration or a move) and when l233 came to
know it (when Kafka took the event). A correction changes the first, never what was known before it came.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from agents.intake import input_record
from coordination import remembered, situation
from coordination.instants import recorded
from coordination.intake import Intake
from coordination.partitioning import partition_of
from coordination.situation import UNKNOWN
from coordination.verdicts import Refused, Rekeyed, Routed
from l233.errors import L233Error
from l233.recordings import judge_by
from l233.scheme_publishing import published_world
from l233.settings import Settings
from l233.telling import plain
from schemas.envelope import unpack
from schemas.records import Situation
from schemas.topics import INPUT
from streaming.reading import reader
from streaming.records import Record


@dataclass(frozen=True, slots=True)
class KnownSituation:
    """Where a worker is from a date on (ISO; empty: always)."""

    since: str
    situation: Situation


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event of the worker that came, and what became of it: routed, duplicate, or why it was refused."""

    id: str
    type: str
    time: str
    came: str
    verdict: str
    case: str | None
    corrects: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a worker at an instant."""

    situations: tuple[KnownSituation, ...]
    events: tuple[KnownEvent, ...]


@dataclass(frozen=True, slots=True)
class ThenAndNow:
    """What was known of a worker at an instant, and what is known now."""

    worker: str
    then: Known
    now: Known

    def as_json(self) -> dict[str, object]:
        """Return it as `--json` shows it; `since` says what came in between."""
        return {
            "worker": self.worker,
            "then": asdict(self.then),
            "now": asdict(self.now),
            "since": [asdict(one) for one in self.now.events[len(self.then.events) :]],
        }


async def then_and_now(settings: Settings, worker: str, until: datetime) -> ThenAndNow:
    """Return what was known of a worker before an instant and is known now.

    Raises KafkaError, and L233Error for a worker who was erased.
    """
    intake = judge_by(settings, (await published_world(settings)).rulebook)
    erased = settings.connection().veil.erasures().get(worker.encode(), -1)
    records = [one for one in await _of_worker(settings, worker) if one.timestamp > erased]
    if erased >= 0 and not records:
        raise L233Error(f"what was known of {plain(worker)} was erased on {recorded(erased)}")
    end = int(until.timestamp() * 1000)
    before = [record for record in records if record.timestamp < end]
    return ThenAndNow(worker, known(worker, before, intake), known(worker, records, intake))


async def _of_worker(settings: Settings, worker: str) -> list[Record]:
    """Return the worker's inputs that are committed now, in their order."""
    key = worker.encode()
    async with reader(settings.connection()) as source:
        places = await source.places([INPUT])
        own = [place for place in places if place[1] == partition_of(key, len(places))]
        ends = await source.ends(own)
        return [record async for batch in source.read(ends) for record in batch if record.key == key]


def known(worker: str, records: Sequence[Record], intake: Intake) -> Known:
    """Return what is known once the worker's records, in order, have come."""
    memory: dict[bytes, bytes] = {}
    events = []
    for record in records:
        verdict = intake.judge(input_record(record), memory)
        if isinstance(verdict, Rekeyed):
            continue
        case = corrects = None
        said = "duplicate"
        if isinstance(verdict, Routed):
            memory.update(verdict.writes)
            said, case = "routed", verdict.decision.case
            corrects = None if verdict.decision.corrects is None else verdict.decision.corrects.id
        elif isinstance(verdict, Refused):
            said = verdict.refusal.reason
        attributes = unpack(record.value, record.headers).attributes
        id_, type_, time = (str(attributes.get(name, "")) for name in ("id", "type", "time"))
        events.append(KnownEvent(id_, type_, time, recorded(record.timestamp), said, case, corrects))
    stored = memory.get(remembered.known_key(worker))
    history = UNKNOWN if stored is None else situation.decode(stored)
    situations = tuple(KnownSituation(entry.day, entry.situation) for entry in history.entries)
    return Known(situations, tuple(events))


def told(found: ThenAndNow, day: str) -> Iterator[str]:
    """Return what a person is told."""
    for title, side in ((f"known on {day}", found.then), ("known now", found.now)):
        yield f"{title}: {len(side.events)} events"
        for one in side.situations:
            where = one.situation
            kept = ", ".join(f"{kind} {organism}" for kind, organism in where.attachments.items())
            yield (
                f"   from {one.since or 'the beginning'}: lives in {where.residence}, "
                f"works in {where.establishment}{f', attached to {kept}' if kept else ''}"
            )
    for event in found.now.events[len(found.then.events) :]:
        what = f"{event.type} {plain(event.id)}" + (f" corrects {event.corrects}" if event.corrects else "")
        yield f"came since, {event.came}: {what} of {event.time}: {event.verdict}"
