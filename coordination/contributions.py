"""Decides what is known of a worker's contributions: the account that rights and entitlements are read from.

An account is a set of entries, each keyed by the event it comes from, and of corrections. What it says
follows from the set alone: order of arrival, duplicates and restarts change nothing. Amounts are whole cents.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Final, Literal, NamedTuple, assert_never

from pydantic_core import from_json

from schemas.events import (
    ContributionCalled,
    ContributionPaid,
    ContributionUnpaid,
    EventData,
    IncomeDeclared,
    PaymentDelayBroken,
    PaymentDelayGranted,
    TurnoverDeclared,
)
from schemas.records import EventRef
from schemas.strict_json import compact_json
from schemas.types import Money, parse_time

Key = tuple[str, str]
"""Source and id of an event."""

Kind = Literal["paid", "unpaid", "called", "granted", "broken", "income", "turnover"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Entry(NamedTuple):
    """A line of an account: what one event says.

    `at` is the event's time in microseconds since 1970; `about` the period, or for an income its year. Of the
    amounts (cents) a kind has: paid paid, due, base; unpaid due; called due, base; income and turnover paid
    (the amount). `until` (ISO date), `scheme` and `case` stand on a granted delay, whose end is told later.
    """

    kind: Kind
    source: str
    id: str
    at: int
    about: str
    paid: int = 0
    due: int = 0
    base: int = 0
    until: str = ""
    scheme: str = ""
    case: str = ""

    @property
    def key(self) -> Key:
        """What makes two entries the same one."""
        return self.source, self.id

    @property
    def order(self) -> tuple[int, str, str]:
        """What "latest" means: by the event's time, then its id."""
        return self.at, self.id, self.source


@dataclass(frozen=True, slots=True)
class Correction:
    """What a later event says of an earlier one: `fields` are its new fields as JSON; "" when it is annulled.

    An annulled correction counts no more. `at` is the correction's own time, in microseconds.
    """

    source: str
    id: str
    at: int
    corrected: Key
    fields: str = ""

    @property
    def key(self) -> Key:
        """What makes two corrections the same one."""
        return self.source, self.id

    @property
    def order(self) -> tuple[int, str, str]:
        """The latest correction of an event is the one that counts."""
        return self.at, self.id, self.source


class Summary(NamedTuple):
    """What the account says of a period; of a year only `declared` and of a period everything else.

    `named`: a payment or an unpaid notice names the period, so that it is due (a call alone is not enough).
    `delay` is the latest delay granted or broken, `called` the latest call.
    """

    named: bool = False
    paid: int = 0
    due: int = 0
    base: int = 0
    delay: Entry | None = None
    called: Entry | None = None
    declared: Entry | None = None

    @property
    def counted(self) -> int:
        """How much of what is due is paid: what is paid too much counts for no other period."""
        return min(self.paid, self.due)

    @property
    def unpaid(self) -> bool:
        """Whether some of what is due is missing."""
        return self.paid < self.due


class Line(NamedTuple):
    """An entry with its JSON, which is written once."""

    source: str
    id: str
    entry: Entry
    text: str


Page = tuple[Line, ...]
"""The lines about one period or year, in the order of source and id: most events leave most as they are."""


class Account(NamedTuple):
    """All that is known of a worker's contributions. Build one from `EMPTY`, with `after`."""

    pages: Mapping[str, Page]
    corrections: Mapping[Key, Correction]
    summaries: Mapping[str, Summary]
    """What counts, corrections made, by period or year."""

    def after(self, entry: Entry) -> "Account":
        """Return the account once an event is known; itself when it knew it."""
        about, line = entry.about, _shared_line(entry)
        page = self.pages.get(about, ())
        place = bisect_left(page, line[:2])
        if place < len(page) and page[place][:2] == line[:2]:
            return self
        page = (*page[:place], line, *page[place:])
        pages = {**self.pages, about: page}
        if self.corrections:
            return _account(pages, self.corrections)
        return Account(pages, self.corrections, {**self.summaries, about: _summary(_entries(page))})

    def corrected(self, correction: Correction) -> "Account":
        """Return the account once a correction is known, also when it comes before what it corrects."""
        if correction.key in self.corrections:
            return self
        return _account(self.pages, {**self.corrections, correction.key: correction})

    def merged(self, other: "Account") -> "Account":
        """Return the account that knows what either knows: for one that another organism hands over."""
        entries = {entry.key: entry for known in (other, self) for entry in known.entries()}
        return _account(_paged(map(_line, entries.values())), {**other.corrections, **self.corrections})

    def entries(self) -> Iterator[Entry]:
        """Return what the events said, corrections not made."""
        for page in self.pages.values():
            yield from _entries(page)

    def periods(self, year: int | None = None) -> list[tuple[str, Summary]]:
        """Return the periods that are due, in order: of the year they name, or all."""
        start = "" if year is None else f"{year}-"
        named = [item for item in self.summaries.items() if item[1].named and item[0].startswith(start)]
        return sorted(named) if len(named) > 1 else named

    def years(self) -> list[int]:
        """Return the years that anything is known of, in order; also one whose entries are all annulled."""
        return sorted({int(about[:4]) for known in (self.pages, self.summaries) for about in known})

    def declared(self, year: int) -> int | None:
        """Return the income declared last for a year, in cents; None when none is known."""
        said = self.summaries.get(str(year))
        return None if said is None or said.declared is None else said.declared.paid


EMPTY: Final = Account({}, {}, {})
"""The account of a worker of whom nothing is known."""


def entry_of(event: EventRef, data: EventData) -> Entry | None:
    """Return the entry that an event makes; None for one that no account takes."""
    source, id_, at = event.source, event.id, instant_of(event.time)
    entry: Entry | None
    match data:
        case ContributionPaid():
            paid, due, base = cents(data.paid), cents(data.due), cents(data.base)
            entry = Entry("paid", source, id_, at, data.period, paid, due, base)
        case ContributionUnpaid():
            entry = Entry("unpaid", source, id_, at, data.period, due=cents(data.due))
        case ContributionCalled():
            entry = Entry("called", source, id_, at, data.period, due=cents(data.due), base=cents(data.base))
        case PaymentDelayGranted():
            entry = Entry("granted", source, id_, at, data.period, until=data.until.isoformat())
        case PaymentDelayBroken():
            entry = Entry("broken", source, id_, at, data.period)
        case IncomeDeclared():
            entry = Entry("income", source, id_, at, str(data.year), cents(data.amount))
        case TurnoverDeclared():
            entry = Entry("turnover", source, id_, at, data.period, cents(data.amount))
        case _:
            entry = None
    return entry


def changed(before: Account, after: Account) -> list[str]:
    """Return the periods and years of which two accounts say something else, in order."""
    old, new = before.summaries, after.summaries
    found = [about for about, said in new.items() if (was := old.get(about)) is not said and was != said]
    found += old.keys() - new.keys()
    return sorted(found)


def updated(event: EventRef, corrected: Key, data: Mapping[str, object]) -> Correction:
    """Return the correction of an event whose own data are now `data`; only what an entry holds is kept."""
    kept = {name: data[name] for name in sorted(_FIELDS & data.keys())}
    return Correction(event.source, event.id, instant_of(event.time), corrected, compact_json(kept))


def annulled(event: EventRef, corrected: Key) -> Correction:
    """Return the correction that annuls an event."""
    return Correction(event.source, event.id, instant_of(event.time), corrected)


@lru_cache(maxsize=1_024)
def instant_of(time: str) -> int:
    """Return an RFC 3339 time in microseconds since 1970.

    Raises `ValueError` for a text that is none: contracts refuse such an event.
    """
    read = parse_time(time)
    if read is None:
        raise ValueError("an event's time is no RFC 3339 time: only what intake judged reaches an account")
    return (read - _EPOCH) // _MICROSECOND


def cents(amount: Money) -> int:
    """Return euros with two decimals as whole cents."""
    return int(amount.replace(".", ""))


def euros(amount: int) -> Money:
    """Return whole cents as euros with two decimals."""
    return f"{amount // 100}.{amount % 100:02d}"


def encode(account: Account) -> bytes:
    """Return the compact JSON of an account: the same bytes for the same account."""
    pages = account.pages
    entries = ",".join([line.text for about in sorted(pages) for line in pages[about]])
    corrections = _corrections(account.corrections) if account.corrections else "[]"
    return f'{{"entries":[{entries}],"corrections":{corrections}}}'.encode()


def decode(stored: bytes) -> Account:
    """Return the account that `encode` wrote."""
    said = from_json(stored)
    corrections = [
        Correction(source, id_, at, (of_source, of_id), fields)
        for source, id_, at, of_source, of_id, fields in said["corrections"]
    ]
    lines = [Line(fields[1], fields[2], Entry(*fields), compact_json(fields)) for fields in said["entries"]]
    return _account(_paged(lines), {c.key: c for c in corrections})


def _corrections(known: Mapping[Key, Correction]) -> str:
    in_order = sorted(known.values(), key=lambda correction: correction.key)
    return compact_json([[c.source, c.id, c.at, *c.corrected, c.fields] for c in in_order])


_FIELDS: Final = frozenset({"period", "year", "paid", "amount", "due", "base", "until"})


def _account(pages: Mapping[str, Page], corrections: Mapping[Key, Correction]) -> Account:
    if not corrections:
        return Account(pages, corrections, {about: _summary(_entries(page)) for about, page in pages.items()})
    latest = _latest_standing(corrections)
    counted: dict[str, list[Entry]] = {}
    for page in pages.values():
        for entry in _entries(page):
            now = _as_corrected(entry, latest.get(entry.key))
            if now is not None:
                counted.setdefault(now.about, []).append(now)
    return Account(pages, corrections, {about: _summary(entries) for about, entries in counted.items()})


def _latest_standing(corrections: Mapping[Key, Correction]) -> dict[Key, Correction]:
    """Return the correction that counts for each corrected event: the latest that is not itself annulled."""
    by_corrected: dict[Key, list[Correction]] = {}
    for correction in corrections.values():
        by_corrected.setdefault(correction.corrected, []).append(correction)

    def counting(key: Key, above: frozenset[Key]) -> Correction | None:
        standing = [
            correction
            for correction in by_corrected.get(key, ())
            if correction.key not in above and not is_annulled(correction.key, above | {key})
        ]
        return max(standing, key=lambda correction: correction.order, default=None)

    def is_annulled(key: Key, above: frozenset[Key]) -> bool:
        found = counting(key, above)
        return found is not None and not found.fields

    found = {key: counting(key, frozenset()) for key in by_corrected}
    return {key: correction for key, correction in found.items() if correction is not None}


def _as_corrected(entry: Entry, correction: Correction | None) -> Entry | None:
    """Return an entry as it counts: the new fields, the whole of them, at its own time."""
    if correction is None:
        return entry
    if not correction.fields:
        return None
    said = json.loads(correction.fields)
    return entry._replace(
        about=said["period"] if "period" in said else str(said.get("year", entry.about)),
        paid=cents(said.get("paid", said.get("amount", "0.00"))),
        due=cents(said.get("due", "0.00")),
        base=cents(said.get("base", "0.00")),
        until=said.get("until", ""),
    )


def _summary(entries: Sequence[Entry]) -> Summary:
    """Sum the payments up; what else is said of a period, its latest event says.

    An unpaid notice names no base.
    """
    paid = 0
    due: Entry | None = None
    base: Entry | None = None
    delay: Entry | None = None
    called: Entry | None = None
    declared: Entry | None = None
    for entry in sorted(entries, key=_ORDER) if len(entries) > 1 else entries:
        match entry.kind:
            case "paid":
                paid += entry.paid
                due = base = entry
            case "unpaid":
                due = entry
            case "called":
                called = entry
            case "granted" | "broken":
                delay = entry
            case "income":
                declared = entry
            case "turnover":
                pass
            case _:
                assert_never(entry.kind)
    return Summary(
        due is not None,
        paid,
        0 if due is None else due.due,
        0 if base is None else base.base,
        delay,
        called,
        declared,
    )


_ORDER: Final = attrgetter("at", "id", "source")
"""What `Entry.order` is."""


def _paged(lines: Iterable[Line]) -> dict[str, Page]:
    by_page: dict[str, list[Line]] = {}
    for line in lines:
        by_page.setdefault(line.entry.about, []).append(line)
    return {about: tuple(sorted(page)) for about, page in by_page.items()}


def _entries(page: Page) -> list[Entry]:
    return [line.entry for line in page]


def _line(entry: Entry) -> Line:
    """Return an entry as a line: its JSON is a list, without the empty fields at its end."""
    said = list(entry)
    while not said[-1]:
        said.pop()
    return Line(entry.source, entry.id, entry, compact_json(said))


_shared_line: Final = lru_cache(maxsize=1_024)(_line)
"""The accounts of several missions take the same entry one soon after another."""
