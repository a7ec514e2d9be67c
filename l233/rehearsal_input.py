"""Reads a file of events for a rehearsal: every line as the record that `publish` would send, by time."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from pydantic import ValidationError

from coordination.directory import Directory
from coordination.outages import OutageError, Outages, outage_of
from coordination.partitioning import partition_of
from coordination.verdicts import InputRecord
from l233.errors import BadInput
from l233.event_file import Line, event_lines, place, require_json
from l233.rehearsal import Input
from schemas.attributes import Attribute
from schemas.envelope import CONTENT_TYPE, JSON, STRUCTURED, Envelope, Headers, pack_binary, unpack_structured
from schemas.events import TYPE_PREFIX
from schemas.outages import OUTAGE
from schemas.topics import INPUT
from schemas.types import parse_time

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_STRUCTURED: Final = [(CONTENT_TYPE, STRUCTURED.encode())]


def read(file: str, partitions: int) -> list[Input]:
    """Return the events of a file (`-`: stdin) by time, those of one time by line.

    An event whose time can't be read, which intake will refuse, is taken at that of the line before it.
    Raises BadInput when the file can't be read, naming the line that is no JSON.
    """
    return in_order(event_lines(file), partitions, partial(require_json, file))


def in_order(
    lines: Iterable[Line], partitions: int, look_closer: Callable[[Line], None] = lambda _: None
) -> list[Input]:
    """Return events, each a line of structured JSON, by time, those of one time by line.

    `look_closer` is asked about every line that shows no id, and may raise.
    """
    found: list[tuple[datetime, Input]] = []
    at = _EPOCH
    for line in lines:
        number, text = line
        envelope = unpack_structured(text)
        if "id" not in envelope.attributes:
            look_closer(line)
        time = envelope.attributes.get("time")
        at = (parse_time(time) if isinstance(time, str) else None) or at
        found.append((at, _input(number, at, text, envelope, partitions)))
    found.sort(key=lambda one: one[0])  # stable: the order of the lines within one time
    return [one for _, one in found]


def outages(file: str, directory: Directory) -> Outages:
    """Return the outages that a file declares, one a line, all known from the beginning.

    Raises BadInput, naming the line.
    """
    found = []
    for line in event_lines(file):
        try:
            found.append(outage_of(OUTAGE.validate_json(line.text), directory))
        except ValidationError as error:
            raise BadInput(
                f"{place(file, line.number)} declares no outage: {_first(error)}; write "
                '{"organism": "cpam:311", "starts": "2026-03-09T08:00:00+01:00", "ends": null}'
            ) from error
        except OutageError as error:
            raise BadInput(f"{place(file, line.number)}: {error}") from error
    return Outages.of(found)


def _first(error: ValidationError) -> str:
    told = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'/'.join(map(str, told['loc'])) or 'the line'}: {told['msg']}"


def milliseconds(at: datetime) -> int:
    """Return an instant in milliseconds since the epoch, as Kafka counts time."""
    return (at - _EPOCH) // _MILLISECOND


def _unpacked(attributes: Mapping[str, Attribute], payload: bytes) -> Envelope | None:
    """Return what a record in binary mode is taken apart to, None where that takes more than a look."""
    said = {"datacontenttype": JSON, **attributes}
    if said["datacontenttype"] != JSON or "specversion" not in said:
        return None
    if b"Infinity" in payload:  # so a number beyond all bounds is written
        return None
    texts = {name: value for name, value in said.items() if isinstance(value, str)}
    return Envelope(texts, payload, ()) if len(texts) == len(said) else None


def _input(number: int, at: datetime, text: bytes, envelope: Envelope, partitions: int) -> Input:
    headers: Headers = _STRUCTURED
    value, unpacked = text, None
    if envelope.payload is not None and not envelope.violations:
        headers, value = pack_binary(envelope.attributes, envelope.payload)
        unpacked = _unpacked(envelope.attributes, envelope.payload)
    subject = envelope.subject
    key = None if subject is None else subject.encode()
    partition = 0 if key is None else partition_of(key, partitions)
    at_ms = milliseconds(at)
    record = InputRecord(INPUT, partition, number - 1, at_ms, key, value, headers, unpacked)
    id_, type_ = envelope.attributes.get("id"), envelope.attributes.get("type")
    return Input(
        number,
        at_ms,
        id_ if isinstance(id_, str) else None,
        type_.removeprefix(TYPE_PREFIX).rpartition(".")[0] if isinstance(type_, str) else None,
        record,
    )
