"""Reads the dead letters: records that could not go on, with the reason and the bytes they came with."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from coordination.instants import recorded
from coordination.verdicts import InputRecord
from schemas.envelope import unpack
from schemas.records import DEAD_LETTER, DeadLetter
from schemas.refusal import Reason
from schemas.topics import DEAD_LETTERS
from streaming.reading import Reader
from streaming.veil import is_erased

_SOURCE: Final = "urn:l233:"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with what its record says around it."""

    data: DeadLetter
    role: str
    """The role that could not go on with the record."""
    worker: str | None
    """The worker reference, when it could be read."""
    erased: bool = False
    """Whether its bytes are gone, because its worker was erased."""

    @property
    def withheld(self) -> bool:
        """Whether the bytes are not kept, because they hold personal data, or any more."""
        return self.erased or self.data.reason == "personal_data"

    @property
    def original(self) -> InputRecord:
        """The record as it lay on its topic; without its bytes when they are withheld."""
        data = self.data
        headers = tuple((name, _bytes(value)) for name, value in data.headers)
        return InputRecord(
            data.topic,
            data.partition,
            data.offset,
            data.timestamp,
            _bytes(data.key),
            _bytes(data.payload),
            headers,  # type: ignore[arg-type]  # Kafka allows a header without a value, and so does the letter
        )

    @property
    def arrived(self) -> str:
        """When Kafka took the record, RFC 3339."""
        return recorded(self.data.timestamp)

    def event(self) -> dict[str, str | None]:
        """Return the id and type of the event that the record held, as far as they can be read."""
        if self.withheld:
            return {"id": None, "type": None}
        original = self.original
        attributes = unpack(original.value, original.headers).attributes
        told = {name: attributes.get(name) for name in ("id", "type")}
        return {name: value if isinstance(value, str) else None for name, value in told.items()}

    def as_json(self) -> dict[str, object]:
        """Return what `dead-letters list --json` shows: all but key, headers and payload."""
        data = self.data
        return {
            "id": data.id,
            "reason": data.reason,
            "errors": [error._asdict() for error in data.errors],
            "role": self.role,
            "worker": self.worker,
            "event": self.event(),
            "topic": data.topic,
            "partition": data.partition,
            "offset": data.offset,
            "arrived": self.arrived,
            "redrives": data.redrives,
            "erased": self.erased,
        }


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


@dataclass(frozen=True, slots=True)
class Letters:
    """Dead letters in the order of topic, partition and offset of their records."""

    letters: tuple[Letter, ...]
    unreadable: int
    """Records on the topic of dead letters that are none: another version may have written them."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant: of these ids (empty: any), of this reason (None: any)."""

    ids: frozenset[str] = frozenset()
    reason: Reason | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Say whether a letter is meant."""
        return (not self.ids or letter.id in self.ids) and self.reason in {None, letter.reason}


class UnknownLetterError(Exception):
    """Letters were named that are not there."""

    def __init__(self, missing: Iterable[str]) -> None:
        self.missing = sorted(missing)
        super().__init__(", ".join(self.missing))


async def read(reading: Reader, wanted: Selection) -> Letters:
    """Return the committed dead letters up to now that are wanted.

    Raises UnknownLetterError when one that is named is not there; KafkaError, TopicMissingError.
    """
    found: dict[str, Letter] = {}
    unreadable = 0
    places = await reading.places([DEAD_LETTERS])
    async for records in reading.read(await reading.ends(places)):
        for record in records:
            headers = dict(record.headers)
            source = headers.get("ce_source", b"").decode("utf-8", "replace")
            try:
                data = DEAD_LETTER.validate_json(record.value or b"")
            except ValidationError:
                unreadable += 1
                continue
            if wanted.takes(data):
                subject = headers.get("ce_subject")
                worker = None if subject is None else subject.decode("utf-8", "replace")
                role = source.removeprefix(_SOURCE)
                found[data.id] = Letter(data, role, worker, is_erased(record))
    if missing := wanted.ids - found.keys():
        raise UnknownLetterError(missing)
    ordered = sorted(found.values(), key=lambda one: (one.data.topic, one.data.partition, one.data.offset))
    return Letters(tuple(ordered), unreadable)
