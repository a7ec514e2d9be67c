"""Decides whether everything is accounted for, from the committed records alone.

Of the input topic, per day: received = routed + duplicates + dead letters + parked + rekeyed. Of the cases:
every recipient of a decision acknowledges. A residual other than 0 is an incident. On the input topic anybody
may write any header, so a record that says it was put back is believed only if its original needed it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, Literal, Protocol

from pydantic_core import from_json

from coordination.partitioning import partition_of
from schemas import topics
from schemas.envelope import unpack
from schemas.records import DECISION

TOPICS: Final = (
    topics.INPUT,
    topics.DECISIONS,
    topics.RECEIPTS,
    topics.DEAD_LETTERS,
    topics.ACKNOWLEDGEMENTS,
    topics.CASES,
)

Outcome = Literal["routed", "duplicates", "dead_letters", "parked", "rekeyed"]
Place = str
"""`<partition>/<offset>` of an input record."""
Asked = tuple[str, str, str]
"""Worker, event id, organism."""


class Written(Protocol):
    """A record as it stands on a topic."""

    @property
    def topic(self) -> str:
        """The topic it stands on."""

    @property
    def partition(self) -> int:
        """The partition it stands in."""

    @property
    def offset(self) -> int:
        """Where it stands there."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, as Kafka gave them."""

    @property
    def key(self) -> bytes | None:
        """Its key."""

    @property
    def value(self) -> bytes | None:
        """Its value."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Its headers."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of the input records of a time."""

    received: int
    routed: int
    duplicates: int
    dead_letters: int
    parked: int
    rekeyed: int
    residual: int
    """Input records that ended nowhere, or in more than one place."""


@dataclass(frozen=True, slots=True)
class Account:
    """The whole balance of a stream."""

    total: Balance
    days: Mapping[str, Balance]
    """By day of arrival, UTC, `2026-03-02`."""
    reasons: Mapping[str, int]
    """Dead letters of input records by reason."""
    isolated: int
    """Dead letters of other roles: records on which an agent failed."""
    organisms: Mapping[str, int]
    """Acknowledgements given per organism; `registered` is intake's and not among them."""
    unanswered: int
    """Recipients of routed events that have not said that they received, or refused, it."""
    repeated: int
    """Decisions and acknowledgements that were written more than once."""
    cases: int


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An input record as it lay; `content` is a digest of what its producer said."""

    day: str
    lay: tuple[bytes | None, int]
    content: bytes


@dataclass(frozen=True, slots=True)
class _Claim:
    """An input record that says it was put back from a place; `belongs` is where its worker's records do."""

    original: Place
    belongs: tuple[bytes, int]
    content: bytes


class Ledger:
    """Takes the committed records of `TOPICS`, in any order, and gives the account."""

    def __init__(self, partitions: int) -> None:
        """Begin; `partitions` are those of the input topic."""
        self._partitions: Final = partitions
        self._arrived: dict[Place, _Arrival] = {}
        self._claims: list[_Claim] = []
        self._outcomes: defaultdict[Place, list[Outcome]] = defaultdict(list)
        self._reasons: Counter[str] = Counter()
        self._isolated = 0
        self._asked: set[Asked] = set()
        self._answered: set[Asked] = set()
        self._written: Counter[str] = Counter()
        self._organisms: Counter[str] = Counter()
        self._cases: set[bytes] = set()

    def take(self, record: Written) -> None:
        """Take one record; those of other topics count for nothing."""
        found, value = dict(record.headers), record.value or b""
        match record.topic:
            case topics.INPUT:
                self._arrives(record, found.get("l233-rekeyed"))
            case topics.DECISIONS:
                self._decided(found, value)
            case topics.RECEIPTS:
                if found.get("l233-outcome") == b"duplicate":
                    self._ended(found["l233-input"], "duplicates")
            case topics.DEAD_LETTERS:
                self._dead(found)
            case topics.ACKNOWLEDGEMENTS:
                self._acknowledged(found, value)
            case topics.CASES if record.key is not None:
                self._cases.add(record.key)

    def _arrives(self, record: Written, put_back_from: bytes | None) -> None:
        day = datetime.fromtimestamp(record.timestamp / 1000, UTC).date().isoformat()
        content = said(record)
        self._arrived[f"{record.partition}/{record.offset}"] = _Arrival(
            day, (record.key, record.partition), content
        )
        subject = None if put_back_from is None else unpack(record.value, record.headers).subject
        if put_back_from is not None and subject is not None:
            key = subject.encode()
            belongs = key, partition_of(key, self._partitions)
            self._claims.append(_Claim(put_back_from.decode("utf-8", "replace"), belongs, content))

    def _put_back(self) -> set[Place]:
        """Return where records lay that were put back: out of place, and found again word for word."""
        return {
            claim.original
            for claim in self._claims
            if (lay := self._arrived.get(claim.original)) is not None
            and lay.content == claim.content
            and lay.lay != claim.belongs
        }

    def _ended(self, place: bytes, outcome: Outcome) -> None:
        self._outcomes[place.decode()].append(outcome)

    def _decided(self, headers: Mapping[str, bytes], value: bytes) -> None:
        self._ended(headers["l233-input"], "routed")
        decision = DECISION.validate_json(value)
        self._written[decision.id] += 1
        for to in decision.recipients:
            self._asked.add((decision.event.subject, decision.event.id, to.organism))

    def _dead(self, headers: Mapping[str, bytes]) -> None:
        if headers.get("ce_source") == b"urn:l233:intake":
            self._ended(headers["l233-input"], "dead_letters")
            self._reasons[headers["l233-reason"].decode()] += 1
        else:
            self._isolated += 1

    def _acknowledged(self, headers: Mapping[str, bytes], value: bytes) -> None:
        self._written[f"{headers['ce_source'].decode()} {headers['ce_id'].decode()}"] += 1
        if headers["ce_type"].endswith(b".registered.v1"):
            return
        organism = _organism(value)
        self._organisms[organism] += 1
        if not headers["ce_type"].endswith((b".received.v1", b".refused.v1")):
            return  # forwarded with the decision, or reported later: neither says what reached the organism
        cause = headers.get("ce_causationid", b"").decode()
        self._answered.add((headers["ce_subject"].decode(), cause, organism))

    def account(self) -> Account:
        """Return the balance of everything taken so far."""
        days: defaultdict[str, list[Place]] = defaultdict(list)
        for place, arrival in self._arrived.items():
            days[arrival.day].append(place)
        strangers = [place for place in self._outcomes if place not in self._arrived]
        put_back = self._put_back()
        return Account(
            total=self._balance([*self._arrived, *strangers], put_back),
            days={day: self._balance(places, put_back) for day, places in sorted(days.items())},
            reasons=dict(self._reasons.most_common()),
            isolated=self._isolated,
            organisms=dict(self._organisms.most_common()),
            unanswered=len(self._asked - self._answered),
            repeated=sum(count - 1 for count in self._written.values()),
            cases=len(self._cases),
        )

    def _balance(self, places: Sequence[Place], put_back: Set[Place]) -> Balance:
        counts = Counter(outcome for place in places for outcome in self._outcomes.get(place, ()))
        counts["rekeyed"] = sum(place in put_back for place in places)
        residual = sum(
            len(self._outcomes.get(place, ())) + (place in put_back) != 1 or place not in self._arrived
            for place in places
        )
        return Balance(
            received=sum(place in self._arrived for place in places),
            routed=counts["routed"],
            duplicates=counts["duplicates"],
            dead_letters=counts["dead_letters"],
            parked=counts["parked"],
            rekeyed=counts["rekeyed"],
            residual=residual,
        )


def said(record: Written) -> bytes:
    """Return a digest of what a producer said, whatever marks lie beside it."""
    digest = blake2b(record.value or b"", digest_size=16)
    for name, value in record.headers:
        if not name.startswith("l233-"):
            digest.update(b"\0%b\0%b" % (name.encode(), value or b""))
    return digest.digest()


def _organism(value: bytes) -> str:
    return str(from_json(value)["organism"])
