"""Tells a rehearsal to a person: what happened when, and what every organism made of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from coordination.directory import Directory
from l233.rehearsal import Emitted, Moment
from l233.telling import organism, paris, plain
from schemas.strict_json import read

_ORGANISMS: Final = frozenset({"organism", "to"})


def told(moment: Moment, directory: Directory) -> Iterator[str]:
    """Return the lines of one instant; times are those of Paris."""
    if not (moment.taken or moment.emitted or moment.refused):
        return
    yield paris(datetime.fromtimestamp(moment.at_ms / 1000, UTC).isoformat())
    for one in moment.taken:
        yield f"  line {one.line}: {plain(one.name or 'an event')} (id {plain(one.id or 'unreadable')})"
    for refused in moment.refused:
        yield f"    refused: {refused.reason}"
    for said in moment.told():
        yield f"    {_said(said, directory)}"


def _said(said: Emitted, directory: Directory) -> str:
    data = read(said.payload)
    assert isinstance(data, dict)  # noqa: S101 - the data of what we emit is an object
    own = [
        f"{field} {organism(str(value), directory) if field in _ORGANISMS else plain(str(value))}"
        for field, value in data.items()
        if field != "organism"
    ]
    by = f" {organism(str(data['organism']), directory)}" if "organism" in data else ""
    return f"{said.name:<26}{by}{': ' + ', '.join(own) if own else ''}"
