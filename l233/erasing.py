"""Erasing a worker (GDPR art. 17): what must be worked first, what holds him, what goes, what remains.

The key goes, and with it everything that l233 wrote of him. What producers sent lies on the input topic until
its retention takes it. The certificate says both.
"""

import asyncio
import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from coordination.instants import recorded
from coordination.partitioning import partition_of
from l233.erased import is_stub
from l233.errors import BadInput, L233Error
from l233.rewriting_input import PATIENCE, Rewritten, rewrite
from l233.settings import Settings
from schemas.envelope import unpack
from schemas.keyring import Keyring
from schemas.records import DEAD_LETTER
from schemas.topics import DEAD_LETTERS, DECISIONS, INPUT
from schemas.types import SUBJECT_PATTERN
from streaming import keyfile, parking
from streaming.reading import Place, Reader, reader
from streaming.records import Record
from streaming.topics import DAY_MS, Registry
from streaming.veil import BOX, Veil, has_personal, is_erased, is_veiled, name_of, readable

_SIREN: Final = re.compile(rb'"siren" *: *"([0-9]{9})"')
_SETTLE: Final = keyfile.LOOK_SECONDS + 0.5
"""Seconds after which no process goes on by the keyring of before."""
_KAFKA_LOOKS_MS: Final = 360_000
"""How long after its time Kafka may keep a segment: it looks every 5 minutes and deletes a minute later.
Source: Kafka, `log.retention.check.interval.ms` and `file.delete.delay.ms` as shipped."""


@dataclass(frozen=True, slots=True)
class Remains:
    """Plain records that name the worker: on which topic, how many, and by when (RFC 3339) they are gone.

    `gone_by` is null where nothing takes them by itself, as in a state that was written before there was a
    keyring and has no times; else times are those of the first and the last of them.
    """

    topic: str
    records: int
    first: str
    last: str
    gone_by: str | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was done, for the worker and for whoever asks later. `complete_by`: when nothing plain is left."""

    worker: str
    at: str
    tree: int
    destroyed: str
    veiled: Mapping[str, int]
    """Topic -> its records that hold veiled fields of the worker, of which nobody can read any more."""
    state: Mapping[str, int]
    """Topic of a role's state -> values of the worker, likewise."""
    letters: tuple[str, ...]
    """Dead letters that named no worker and told of this one: their keys were destroyed too."""
    remains: tuple[Remains, ...]
    rewritten: tuple[Rewritten, ...]
    """Partitions of the input whose beginning was taken out of Kafka at once, where that was asked for."""
    complete_by: str | None
    beyond: tuple[str, ...]
    """What l233 can't reach."""

    def as_json(self) -> dict[str, object]:
        """Return it as `--json` and the file have it."""
        return asdict(self)


BEYOND: Final = (
    "copies of the keyring from before this erasure, and what a disk or file system keeps of the old file",
    "exports, proofs and printouts that were made before this erasure",
    "what the organisms and producers keep in their own systems",
)


@dataclass(slots=True)
class Found:
    """What the topics hold of a worker."""

    veiled: Counter[str] = field(default_factory=Counter)
    state: dict[str, dict[bytes, bool]] = field(default_factory=dict)
    """Topic -> key -> whether its latest value is in a box."""
    letters: list[str] = field(default_factory=list)
    """Dead letters that name no worker and tell of this one."""
    nobodys: dict[str, bytes] = field(default_factory=dict)
    strays: list[Record] = field(default_factory=list)
    """Input records that name no worker."""
    sirens: set[bytes] = field(default_factory=set)
    plain: dict[str, list[int]] = field(default_factory=dict)
    """Topic -> the times (milliseconds) of its plain records."""
    places: dict[Place, list[int]] = field(default_factory=dict)
    """Place of the input -> the offsets of his records."""


def worker_of(text: str) -> str:
    """Return a worker's reference. Raises BadInput."""
    if re.fullmatch(SUBJECT_PATTERN.removeprefix("^").removesuffix("$"), text) is None:
        raise BadInput(f"{text[:60]!r} is no worker's reference: `l233 subject SIREN` gives it")
    return text


def keyring_of(settings: Settings) -> Path:
    """Return the keyring in use. Raises BadInput where there is none."""
    if settings.keyring_file is None:
        raise BadInput(
            "nothing is veiled here, so there is no key to destroy: set L233_KEYRING to the system's keyring"
        )
    return settings.keyring_file


async def erase(settings: Settings, registry: Registry, worker: str) -> Certificate:
    """Destroy a worker's key and return the certificate.

    Raises L233Error while anything of his is still to be worked, KafkaError, TopicMissingError.
    """
    at, keyring, found = await _key_destroyed(settings, registry, worker)
    return _certificate(keyring, registry, worker, at, found)


async def erase_and_rewrite(settings: Settings, registry: Registry, worker: str) -> Certificate:
    """Destroy a worker's key, and take what producers sent of him out of Kafka at once.

    Raises what `erase` does, and L233Error while intake has something before it in his partitions: then his
    key is destroyed, and the rest can be done again.
    """
    at, keyring, found = await _key_destroyed(settings, registry, worker)
    rewritten = await rewrite(settings.connection(), {place: set(of) for place, of in found.places.items()})
    return _certificate(keyring, registry, worker, at, found, rewritten=tuple(rewritten))


async def _key_destroyed(
    settings: Settings, registry: Registry, worker: str
) -> tuple[datetime, Keyring, Found]:
    path, connection = keyring_of(settings), settings.connection()
    async with reader(connection) as source:
        await require_worked(source, registry, worker)
        found = await look(source, connection.veil, registry, worker)
    at = datetime.now(UTC)
    keyring = keyfile.update(path, lambda known: _without(known, worker, found.letters, at))
    await asyncio.sleep(_SETTLE)
    return at, keyring, found


def _without(known: Keyring, worker: str, letters: Iterable[str], at: datetime) -> Keyring:
    milliseconds = int(at.timestamp() * 1000)
    for name in (*letters, worker):
        known = known.erased(name, milliseconds, keyfile.fresh())
    return known


def _certificate(
    keyring: Keyring,
    registry: Registry,
    worker: str,
    at: datetime,
    found: Found,
    *,
    rewritten: tuple[Rewritten, ...] = (),
) -> Certificate:
    remains = tuple(
        _taken_out(times, at) if rewritten and topic == INPUT else _remains(registry, topic, times)
        for topic, times in sorted(found.plain.items())
    )
    remains += tuple(
        Remains(topic, plain, "", "", None)
        for topic, values in sorted(found.state.items())
        if (plain := sum(not boxed for boxed in values.values()))
    )
    ends = [one.gone_by for one in remains]
    done = recorded(int(at.timestamp() * 1000))
    return Certificate(
        worker=worker,
        at=done,
        tree=next(one.tree for one in reversed(keyring.erasures) if one.worker == worker),
        destroyed="the key of this worker, in the keyring and in every running process",
        veiled=dict(sorted(found.veiled.items())),
        state={topic: sum(values.values()) for topic, values in sorted(found.state.items()) if values},
        letters=tuple(found.letters),
        remains=remains,
        rewritten=rewritten,
        complete_by=None if None in ends else max([done, *(one for one in ends if one is not None)]),
        beyond=BEYOND,
    )


def _taken_out(times: Sequence[int], at: datetime) -> Remains:
    """Return what is left where the input was cut: files that Kafka deletes the next time that it looks."""
    gone = int(at.timestamp() * 1000) + int(PATIENCE * 1000) + _KAFKA_LOOKS_MS
    return Remains(INPUT, len(times), recorded(min(times)), recorded(max(times)), recorded(gone))


def _remains(registry: Registry, topic: str, times: Sequence[int]) -> Remains:
    days, last = registry.topics[topic].retention_days, max(times)
    gone = None if days is None else recorded(last + days * DAY_MS + _KAFKA_LOOKS_MS)
    return Remains(topic, len(times), recorded(min(times)), recorded(last), gone)


# --- what is still to be worked ----------------------------------------------------------------------


async def require_worked(source: Reader, registry: Registry, worker: str) -> None:
    """Raise L233Error while a record of the worker was not worked: with his key gone nobody could."""
    number = partition_of(worker.encode(), registry.partitions)
    for name, topics in registry.roles.items():
        if name in _LOOKING_ON:
            continue
        places = [(topic, number) for topic in topics.inputs]
        worked, ends = await source.worked(f"l233.{name}"), await source.ends(places)
        left = {place: end for place, end in ends.items() if end > worked.get(place, 0)}
        waiting = 0
        async for records in source.read_as_written(left, worked):
            waiting += sum(_is_of(record, worker.encode()) for record in records)
        if waiting:
            raise L233Error(
                f"{name} has {waiting} records of this worker still to work: start it, wait until "
                "`l233 status` shows no lag, then erase; nothing was changed"
            )
        if await _parked(source, topics.state, number, worker.encode()):
            raise L233Error(
                f"records of this worker are parked at {name}: they wait for what `l233 status` tells; erase "
                "once they were worked; nothing was changed"
            )


_LOOKING_ON: Final = frozenset({"quality", "audit", "witness"})
"""Roles that need nothing that is veiled."""


async def _parked(source: Reader, topic: str, number: int, worker: bytes) -> bool:
    latest = False
    async for records in source.read_as_written(await source.ends([(topic, number)])):
        for record in records:
            if record.key is not None and parking.is_queue(record.key) and worker in record.key:
                latest = record.value is not None
    return latest


# --- what holds him ----------------------------------------------------------------------------------


async def look(source: Reader, veil: Veil, registry: Registry, worker: str) -> Found:
    """Return what the topics hold of a worker now: those of his partition, and all dead letters."""
    found, name = Found(), worker.encode()
    number = partition_of(name, registry.partitions)
    by_worker = [topic for topic, one in registry.topics.items() if one.partitioned_by == "worker"]
    numbers = range(registry.partitions)
    places: list[Place] = [
        (topic, one)
        for topic in by_worker
        for one in (numbers if topic in {DEAD_LETTERS, INPUT} else [number])
    ]
    states = {one.state for one in registry.roles.values()}
    async for records in source.read_as_written(await source.ends(places)):
        for record in records:
            if record.topic in states:
                _note_state(found, record, name)
            elif record.topic == INPUT:
                _note_input(found, record, name)
            elif is_veiled(record):
                _note_veiled(found, record, name, veil)
            elif _is_of(record, name) and has_personal(record):
                found.plain.setdefault(record.topic, []).append(record.timestamp)
    sought = [name, *(siren for siren in found.sirens)]
    for record in found.strays:
        if any(one in (record.value or b"") for one in sought):
            _add_input(found, record)
    found.letters = [id_ for id_, said in found.nobodys.items() if any(one in said for one in sought)]
    return found


def _note_state(found: Found, record: Record, worker: bytes) -> None:
    if record.key is None or worker not in record.key:
        return
    values = found.state.setdefault(record.topic, {})
    if record.value:
        values[record.key] = record.value.startswith(BOX)
    else:
        values.pop(record.key, None)


def _note_input(found: Found, record: Record, worker: bytes) -> None:
    if is_stub(record):
        return
    subject = worker.decode() if _is_of(record, worker) else unpack(record.value, record.headers).subject
    if subject is None:
        found.strays.append(record)
    elif subject == worker.decode():
        found.sirens.update(_SIREN.findall(record.value or b""))
        _add_input(found, record)


def _add_input(found: Found, record: Record) -> None:
    found.plain.setdefault(INPUT, []).append(record.timestamp)
    found.places.setdefault((record.topic, record.partition), []).append(record.offset)


def _note_veiled(found: Found, record: Record, worker: bytes, veil: Veil) -> None:
    name = name_of(record)
    if name == worker:
        found.veiled[record.topic] += 1
        if record.topic == DECISIONS:
            found.sirens.update(_SIREN.findall(readable(veil, record).value or b""))
    elif record.topic == DEAD_LETTERS and not name.startswith(b"worker:"):
        shown = readable(veil, record)
        if not is_erased(shown):
            letter = DEAD_LETTER.validate_json(shown.value or b"")
            said = [letter.payload, letter.key, *(value for _, value in letter.headers)]
            found.nobodys[name.decode()] = b"\n".join(b64decode(one) for one in said if one is not None)


def _is_of(record: Record, worker: bytes) -> bool:
    return record.key == worker or any(
        name == "ce_subject" and value == worker for name, value in record.headers
    )


# --- what is told ------------------------------------------------------------------------------------


def write(certificate: Certificate, path: Path) -> None:
    """Write a certificate. Raises BadInput, which has it all, where that can't be: it is not made twice."""
    text = json.dumps(certificate.as_json(), ensure_ascii=False) + "\n"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BadInput(f"erased, but can't write {path}: {error.strerror}; keep this: {text}") from error


def told(certificate: Certificate, path: Path) -> Iterator[str]:
    """Return what a person is told."""
    records, values = sum(certificate.veiled.values()), sum(certificate.state.values())
    yield f"{certificate.worker} was erased: {records} records and {values} values of the state"
    yield "can be read by nobody any more"
    for one in certificate.remains:
        gone = f"gone by {one.gone_by}" if one.gone_by else "plain until its role writes them again"
        yield f"{one.topic} still has {one.records} plain records of his: {gone}"
    for part in certificate.rewritten:
        where = f"{INPUT}/{part.partition}"
        yield f"{where}: {part.taken_out} records of his taken out, {part.archived} of others archived"
    yield f"complete by {certificate.complete_by or 'no time that could be told'}; certificate: {path}"
    yield "replace every copy of the keyring: whoever has one from before can undo this"
