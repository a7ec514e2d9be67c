"""What a case is told, one fact each: asked, said, happened, told by the clock. A case is its facts, folded.

Facts are kept one a line, as JSON arrays, in the order in which they came: a new one is one line more, what
was written before stays as it is, and what was known at an instant is the lines up to it.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Final, Literal, NamedTuple, assert_never

from pydantic_core import from_json, to_json

from schemas.records import Acknowledge, Level, Status
from schemas.types import Role

DeadlineLevel = Literal["received", "reported", "paid", "decided", "resolved"]
"""What a deadline waits for."""

Signal = Literal["near", "missed", "silence"]
"""What the clock says of a deadline. Silence: nothing was answered, and that is an answer."""


Silence = Literal["missed", "answered"]
"""What it means when nothing came in time."""


class Ask(NamedTuple):
    """What one organism owes, and its clock. Instants are in milliseconds since the epoch.

    `acknowledge` is None for a clock beside the acknowledgements. `until` is the name of the event that ends
    it, beside the acknowledgements that do; `holidays` the subdivision whose public holidays count.
    """

    organism: str
    role: Role
    activity: str
    acknowledge: Acknowledge | None
    level: DeadlineLevel
    by: str
    basis: str
    status: Status
    until: str | None
    silence: Silence
    zone: str
    holidays: str | None
    near_ms: int
    missed_ms: int


class Identity(NamedTuple):
    """What makes an event one: ids of what comes of it are made of these."""

    source: str
    id: str
    subject: str


class Asked(NamedTuple):
    """A decision, or an event that opens a case by itself: who owes what. `id` is the decision's.

    `time` is when the event happened, and its clocks began. `corrects` is (id, source) of the event that is
    corrected.
    """

    id: str
    at: str
    event: str
    source: str
    name: str
    time: str
    scheme: str
    asks: tuple[Ask, ...]
    corrects: tuple[str, str] | None

    def identity(self, worker: str) -> Identity:
        """Return what makes the event of a worker one."""
        return Identity(self.source, self.event, worker)


class Said(NamedTuple):
    """An acknowledgement. `decision` is the one it is taken for, None to take it by `causation`."""

    id: str
    at: str
    level: Level
    organism: str
    causation: str | None
    code: int | None
    decision: str | None


class Held(NamedTuple):
    """An acknowledgement that names no part of the case, until it is judged.

    `decided`: it came through intake, with a decision of its own. `headers` and `payload` are its record, for
    the organism's agent once it is taken; empty for what intake says by itself.
    """

    said: Said
    source: str
    decided: bool
    headers: tuple[tuple[str, str], ...]
    payload: str

    @property
    def id(self) -> str:
        """What tells it from every other: the source and the id there."""
        return f"{self.source} {self.said.id}"


class Taken(NamedTuple):
    """An acknowledgement that was held answers the part that a decision gave to its organism."""

    held: str
    at: str
    decision: str

    @property
    def id(self) -> str:
        """The id of the fact."""
        return f"taken {self.held}"


class Happened(NamedTuple):
    """Something else that an organism made of an event of the case."""

    id: str
    at: str
    name: str
    organism: str
    causation: str | None


class Told(NamedTuple):
    """What the clock said of a deadline, once; `id` is that of the event emitted."""

    id: str
    at: str
    signal: Signal
    decision: str
    organism: str
    level: DeadlineLevel


class Raised(NamedTuple):
    """A missed deadline was brought before a national head."""

    id: str
    at: str
    to: str
    decision: str
    organism: str
    level: DeadlineLevel


class Moved(NamedTuple):
    """An outage moved a deadline: it is due at `due` now."""

    id: str
    at: str
    decision: str
    organism: str
    level: DeadlineLevel
    due: str
    near_ms: int
    missed_ms: int


class Declined(NamedTuple):
    """An acknowledgement that was held is not taken, and why."""

    held: str
    at: str
    why: str

    @property
    def id(self) -> str:
        """The id of the fact."""
        return f"declined {self.held}"


class Armed(NamedTuple):
    """The case's one timer, None: it has none."""

    at_ms: int | None


Fact = Asked | Said | Held | Taken | Declined | Happened | Told | Raised | Moved | Armed
"""A closed union. Every fact but `Armed` has an id, and counts once."""

_KINDS: Final[dict[type[Fact], str]] = {
    Said: "said",
    Asked: "asked",
    Held: "held",
    Taken: "taken",
    Happened: "happened",
    Told: "told",
    Raised: "raised",
    Moved: "moved",
    Declined: "declined",
    Armed: "armed",
}
_FACTS: Final[dict[str, type[Fact]]] = {kind: fact for fact, kind in _KINDS.items()}


def write(facts: Sequence[Fact]) -> bytes:
    """Return facts as lines."""
    return _line(facts[0]) if len(facts) == 1 else b"".join(map(_line, facts))


def _line(fact: Fact) -> bytes:
    """Return a fact as its line: of the two most frequent kinds by hand, which takes half the time."""
    if isinstance(fact, Said):
        id_, at, level, organism, causation, code, decision = fact
        return (
            f'["said",{quoted(id_)},{quoted(at)},"{level}",{quoted(organism)}'
            f",{_or_null(causation)},{'null' if code is None else code},{_or_null(decision)}]\n"
        ).encode()
    if isinstance(fact, Asked):
        *texts, asks, corrects = fact
        about = "null" if corrects is None else f"[{','.join(map(quoted, corrects))}]"
        return f'["asked",{",".join(map(quoted, texts))},{_asks(asks)},{about}]\n'.encode()
    return to_json((_KINDS[type(fact)], *fact)) + b"\n"


@lru_cache(maxsize=4_096)
def _asks(asks: tuple[Ask, ...]) -> str:
    """Return what is asked as JSON: on one day, of the same organisms the same of many workers."""
    return to_json(asks).decode()


def _or_null(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def read(lines: bytes) -> Iterator[Fact]:
    """Return the facts that lines hold. They are our own: what is no fact is a fault of this program."""
    for line in lines.split(b"\n")[:-1]:
        kind, *values = from_json(line)
        fact = _FACTS[kind](*values)
        match fact:
            case Asked():
                corrects = None if fact.corrects is None else (fact.corrects[0], fact.corrects[1])
                # an earlier version told the instant of the event, too: before the last two
                asks = tuple(Ask(*ask[:12], *ask[-2:]) for ask in fact.asks)
                yield fact._replace(asks=asks, corrects=corrects)
            case Held():
                headers = tuple((name, value) for name, value in fact.headers)
                yield fact._replace(said=Said(*fact.said), headers=headers)
            case Said() | Taken() | Happened() | Told() | Raised() | Moved() | Declined() | Armed():
                yield fact
            case _:
                assert_never(fact)
