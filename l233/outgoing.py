"""Decides which events of a file may be sent: not what intake would refuse whatever it remembers.

That is personal data, an unknown type, a broken contract or a name that is ours. Personal data above all must
never reach a topic. Whether a correction fits what it corrects, intake alone knows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from tempfile import SpooledTemporaryFile
from typing import Final, Literal, Self

from coordination.intake import Intake
from coordination.verdicts import InputRecord
from l233.event_file import Line
from schemas.envelope import Envelope, pack_binary, unpack_structured
from schemas.refusal import Reason, Violation
from schemas.topics import INPUT
from streaming.posting import record_size
from streaming.records import Output

Outcome = Literal["registered", "duplicate", "refused", "not_sent", "waiting"]
"""What became of an event. `not_sent`: refused here, or, without a reason, held back with those that were.
`waiting`: sent, and no receipt was seen."""

_IN_MEMORY: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a file and what became of it: the public names of `publish --json`."""

    line: int
    id: str | None
    outcome: Outcome
    reason: Reason | None = None
    errors: tuple[Violation, ...] = ()
    scheme: str | None = None
    case: str | None = None
    partition: int | None = None
    offset: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the entry as JSON has it."""
        return {
            "line": self.line,
            "id": self.id,
            "outcome": self.outcome,
            "reason": self.reason,
            "errors": [error._asdict() for error in self.errors],
            "scheme": self.scheme,
            "case": self.case,
            "partition": self.partition,
            "offset": self.offset,
        }


class Gate:
    """Looks at one event at a time and remembers none."""

    def __init__(self, intake: Intake, largest: int) -> None:
        """Prepare; `intake` must have no partitions and allow every source, `largest` is in bytes."""
        self._intake: Final = intake
        self._largest: Final = largest

    def look(self, line: Line) -> Entry:
        """Return the entry of an event: `waiting` to be sent, or `not_sent` and why."""
        envelope = unpack_structured(line.text)
        nowhere = InputRecord(INPUT, 0, 0, 0, None, line.text, ())
        unfit = self._intake.unfit(envelope, nowhere)
        if unfit is not None:
            told = unfit.receipt
            return Entry(line.number, told.event.id, "not_sent", told.reason, told.errors)
        id_ = str(envelope.attributes["id"])
        size = record_size(_output(envelope))
        if size > self._largest:
            error = Violation("", f"expected a record of at most {self._largest} bytes: this one has {size}")
            return Entry(line.number, id_, "not_sent", "contract", (error,))
        return Entry(line.number, id_, "waiting")


class Batch:
    """The events of a file in their order.

    What is to be sent is kept aside, since stdin can't be read twice; it is forgotten at the end of the
    `with` block that a batch is used in.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._spool = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by __exit__

    def add(self, entry: Entry, text: bytes) -> None:
        """Take an event with the line it was read from, which holds no line break."""
        self.entries.append(entry)
        if entry.outcome == "waiting":
            self._spool.write(text + b"\n")

    @property
    def refused(self) -> list[Entry]:
        """The events that may not be sent."""
        return [entry for entry in self.entries if entry.outcome == "not_sent"]

    def hold_back(self) -> None:
        """Send nothing of it."""
        self.entries = [replace(entry, outcome="not_sent") for entry in self.entries]
        self._spool.seek(0)
        self._spool.truncate()

    def outputs(self) -> Iterator[tuple[int, Output]]:
        """Yield what is to be sent with its index among the entries, in order."""
        self._spool.seek(0)
        lines: Iterable[bytes] = self._spool
        waiting = (index for index, entry in enumerate(self.entries) if entry.outcome == "waiting")
        for index, line in zip(list(waiting), lines, strict=True):
            yield index, _output(unpack_structured(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()


def _output(envelope: Envelope) -> Output:
    """Return a valid event as a record in binary mode, keyed by its worker, which gives its partition."""
    assert envelope.subject is not None  # noqa: S101 - the contract holds
    assert envelope.payload is not None  # noqa: S101 - as above
    headers, value = pack_binary(envelope.attributes, envelope.payload)
    return Output(INPUT, envelope.subject.encode(), value, headers)
