"""What every agent hears of organisms whose own system is out of order: `l233.outages`, from operators."""

from collections.abc import Mapping, Sequence

import structlog
from pydantic import ValidationError

from agents.world import World
from coordination.directory import Directory
from coordination.outages import Outage, OutageError, Outages, outage_of
from schemas.outages import OUTAGE, DeclaredOutage
from schemas.topics import OUTAGES
from streaming.broadcast import Broadcast
from streaming.records import Record

_log = structlog.get_logger(__name__)


class DeclaredOutages:
    """Keeps a world's table of outages as operators declare, move, end and withdraw them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[bytes, Outage] = {}

    @property
    def broadcast(self) -> Broadcast:
        """What a worker follows so that its world changes with what is declared."""
        return Broadcast(OUTAGES, self.take)

    def take(self, records: Sequence[Record]) -> None:
        """Take what was declared, in order: the latest word on an outage counts, no word withdraws it."""
        for record in records:
            key, declared = record.key or b"", read(record)
            outage = None if declared is None else _judged(declared, self._world.directory)
            if outage is not None:
                self._known[key] = outage
            elif record.value is None:
                self._known.pop(key, None)
        self._world.outages = Outages.of(self._known.values())
        _log.info("outages_known", outages=len(self._known))


def read(record: Record) -> DeclaredOutage | None:
    """Return the outage that a record declares; None for a withdrawal, and for what is told in the log."""
    if record.value is None:
        return None
    try:
        return OUTAGE.validate_json(record.value)
    except ValidationError as error:
        _log.error("outage_unreadable", offset=record.offset, what=error.title)
        return None


def declared_in(records: Sequence[Record]) -> Mapping[bytes, DeclaredOutage]:
    """Return the outages that stand after these records, by key."""
    found: dict[bytes, DeclaredOutage] = {}
    for record in records:
        declared = read(record)
        if declared is not None:
            found[record.key or b""] = declared
        elif record.value is None:
            found.pop(record.key or b"", None)
    return found


def _judged(declared: DeclaredOutage, directory: Directory) -> Outage | None:
    try:
        return outage_of(declared, directory)
    except OutageError as error:
        _log.error("outage_refused", organism=declared.organism, what=str(error))
        return None
