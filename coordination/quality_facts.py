"""Decides what quality needs to know of a record: who was asked what, what was given, what came of it.

The facts of a case are sets: taken in any order, or twice, they are the same.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, TypedDict

from pydantic_core import ValidationError, from_json

from coordination.conservation import Written
from schemas import topics
from schemas.events import TYPE_PREFIX
from schemas.inputs import EVENT_NAMES
from schemas.records import MANDATE
from schemas.strict_json import compact_json

ANNULLED: Final = "case.annulled"
TOPICS: Final = (topics.DECISIONS, topics.ACKNOWLEDGEMENTS, topics.OUTCOMES)
_CASES: Final = b"urn:l233:cases"
_MANDATE_HEADER: Final = "l233-mandate"
_FURTHER_CLOCKS: Final = frozenset({"paid", "decided"})
_KEPT: Final = frozenset({"rights.recorded", "rights.mismatch", "social-aid.paid", "deadline.missed"})


class FactError(ValueError):
    """A record that is not what its topic holds: the message says which and what is missing."""


class Asked(NamedTuple):
    """An organism was asked for an answer to an event: `name` its type, `level` what it owes, `by` when."""

    event: str
    name: str
    time: str
    registered: str
    organism: str
    role: str
    activity: str
    level: str
    by: str


class Given(NamedTuple):
    """An organism said something about an event; `event` is empty where it names none."""

    event: str
    organism: str
    level: str
    at: str
    code: int | None
    """Of `reported`: 0 to 3."""


class Told(NamedTuple):
    """Something came of an event, or it was annulled; `level` and `due` are those of a missed deadline."""

    event: str
    name: str
    organism: str
    at: str
    level: str
    due: str


Fact = Asked | Given | Told
"""A closed union."""


class Facts(NamedTuple):
    """Everything known of one case."""

    asked: frozenset[Asked] = frozenset()
    given: frozenset[Given] = frozenset()
    told: frozenset[Told] = frozenset()

    def with_(self, other: "Facts") -> "Facts":
        """Return what both know."""
        return Facts(self.asked | other.asked, self.given | other.given, self.told | other.told)

    @property
    def last(self) -> int:
        """The latest instant of which anything is known, in milliseconds; 0 where nothing is."""
        instants = [asked.registered for asked in self.asked]
        instants += [given.at for given in self.given]
        instants += [told.at for told in self.told]
        return max(map(instant, instants), default=0)


NOTHING: Final = Facts()

CaseKey = tuple[str, str]
"""Worker and case: producers may give two workers one case id."""


class Taken(NamedTuple):
    """What a record tells, and of which case."""

    case: CaseKey
    facts: Facts


@lru_cache(maxsize=65_536)
def instant(text: str) -> int:
    """Return an RFC 3339 time in milliseconds since 1970."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def take(record: Written) -> Taken | None:
    """Return what a record of `TOPICS` tells; None where quality needs nothing of it.

    Raises:
        FactError: when the record is none of ours.
    """
    headers = dict(record.headers)
    try:
        match record.topic:
            case topics.DECISIONS:
                return _decided(from_json(record.value or b""), headers["ce_time"].decode())
            case topics.ACKNOWLEDGEMENTS:
                facts = _given(headers, record.value or b"")
            case topics.OUTCOMES:
                facts = _told(headers, record.value or b"")
            case _:
                return None
        if facts is None:
            return None
        return Taken((headers["ce_subject"].decode(), headers["ce_correlationid"].decode()), facts)
    except (KeyError, ValueError, TypeError) as error:
        kind = "data that break their contract" if isinstance(error, ValidationError) else repr(error)
        raise FactError(
            f"a record of {record.topic} (partition {record.partition}, offset {record.offset}) can't be "
            f"counted: {kind}: look at its producer"
        ) from error


class _Event(TypedDict):
    id: str
    type: str
    subject: str
    time: str


class _Corrected(TypedDict):
    id: str


class _Recipient(TypedDict):
    organism: str
    role: str
    activity: str
    acknowledge: str
    by: str


class _Decision(TypedDict):
    """What quality needs of `schemas.records.Decision`: our own intake wrote it, so nothing is judged."""

    event: _Event
    case: str
    recipients: list[_Recipient]
    corrects: _Corrected | None


def _decided(decision: _Decision, registered: str) -> Taken | None:
    """Return who was asked; an acknowledgement from outside has a decision that asks nobody."""
    event, corrects = decision["event"], decision["corrects"]
    id_, type_, time = event["id"], event["type"], event["time"]
    name = EVENT_NAMES.get(type_, type_)
    if not (decision["recipients"] or name == ANNULLED):
        return None
    told: frozenset[Told] = frozenset()
    if name == ANNULLED and corrects is not None:
        told = frozenset({Told(corrects["id"], name, "", registered, "", "")})
    asked = frozenset(
        [
            Asked(
                id_,
                name,
                time,
                registered,
                to["organism"],
                to["role"],
                to["activity"],
                to["acknowledge"],
                to["by"],
            )
            for to in decision["recipients"]
        ]
    )
    return Taken((event["subject"], decision["case"]), Facts(asked, told=told))


@lru_cache(maxsize=1_024)
def _name(type_: bytes) -> str:
    """Return the name in a type such as `fr.l233.rights.recorded.v1`."""
    return type_.decode().removeprefix(TYPE_PREFIX).rpartition(".v")[0]


def _given(headers: Mapping[str, bytes], value: bytes) -> Facts | None:
    level = _name(headers["ce_type"]).removeprefix("acknowledgement.")
    if level == "registered":
        return None  # the decision tells as much
    if level == "settled" and headers["ce_source"] == _CASES:
        return None  # says that everybody has reported
    data, at = from_json(value), headers["ce_time"].decode()
    instant(at)  # an unreadable time is told here, where the record is known
    event = headers.get("ce_causationid", b"").decode()
    return Facts(given=frozenset({Given(event, str(data["organism"]), level, at, data.get("code"))}))


def _told(headers: Mapping[str, bytes], value: bytes) -> Facts | None:
    name = _name(headers["ce_type"])
    if name not in _KEPT:
        return None
    data, at = from_json(value), headers["ce_time"].decode()
    if name == "deadline.missed" and data["level"] not in _FURTHER_CLOCKS:
        return None  # who answered late is seen from the answers themselves
    told = Told(
        event=headers.get("ce_causationid", b"").decode(),
        name=name,
        organism=str(data["organism"]),
        at=at,
        level=str(data.get("level", "")),
        due=str(data.get("due", "")),
    )
    for time in filter(None, (told.at, told.due)):
        instant(time)
    return Facts(asked=_asked_with(headers, at), told=frozenset({told}))


def _asked_with(headers: Mapping[str, bytes], at: str) -> frozenset[Asked]:
    """Return what an outcome asks of an organism by itself, such as to resolve a difference."""
    if _MANDATE_HEADER not in headers:
        return frozenset()
    mandate = MANDATE.validate_json(headers[_MANDATE_HEADER])
    asked = Asked(
        event=headers["ce_id"].decode(),
        name=_name(headers["ce_type"]),
        time=at,
        registered=at,
        organism=mandate.organism,
        role=mandate.role,
        activity=mandate.activity,
        level=mandate.acknowledge,
        by=mandate.by,
    )
    return frozenset({asked})


_KINDS: Final[Mapping[type[Fact], str]] = {Asked: "asked", Given: "given", Told: "told"}


def write(facts: Facts) -> bytes:
    """Return facts one a line, as JSON arrays: lines of several facts may follow each other."""
    every: list[Fact] = [*facts.asked, *facts.given, *facts.told]
    lines = [compact_json((_KINDS[type(fact)], *fact)) for fact in every]
    return "".join(f"{line}\n" for line in sorted(lines)).encode()


def read(lines: bytes) -> Facts:
    """Return the facts that lines hold, each once. They are our own: others are a fault of this program."""
    found: dict[str, list[list[str]]] = {"asked": [], "given": [], "told": []}
    for line in dict.fromkeys(lines.splitlines()):
        kind, *values = from_json(line)
        found[kind].append(values)
    return Facts(
        frozenset(Asked(*values) for values in found["asked"]),
        frozenset(Given(*values) for values in found["given"]),  # type: ignore[arg-type]  # the code is a number
        frozenset(Told(*values) for values in found["told"]),
    )
