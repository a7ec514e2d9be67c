"""Invented careers, and what the text of the rules makes of them: plainly, from the list of events each time.

The oracle shares nothing with `coordination`: exact fractions, no state, no sums carried over.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from random import Random
from typing import Final

from coordination.contributions import Account, Correction, Entry, annulled, entry_of, updated
from schemas.events import CONTRACTS
from schemas.records import EventRef

WORKER: Final = "worker:" + "0123456789abcdef" * 2
QUARTER: Final = {2025: Fraction("1782.00"), 2026: Fraction("1803.00")}
_PERIODS: Final = ("2025-T4", "2025-12", "2026-01", "2026-T1", "2026-T2")
_FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
DAYS: Final = 200
"""A career lasts so many days from 1 January 2026 on."""


@dataclass(frozen=True)
class Happened:
    """An event as a producer would send it; a correction names the one it corrects."""

    name: str
    id: str
    at: datetime
    data: dict[str, str | int] = field(default_factory=dict)
    corrects: str = ""

    @property
    def ref(self) -> EventRef:
        return EventRef(self.id, "urn:test", f"fr.l233.{self.name}.v1", WORKER, self.at.isoformat())

    @property
    def day(self) -> str:
        return self.at.date().isoformat()


def career(random: Random, length: int) -> list[Happened]:
    """Return a career of so many events, a few of them corrections, some at the same instant."""
    events: list[Happened] = []
    for number in range(length):
        at = _FIRST + timedelta(hours=random.randrange(DAYS * 6) * 4)
        id_ = f"e{number}"
        originals = [event for event in events if not event.corrects]
        if originals and random.random() < 0.15:
            events.append(_correction(random, random.choice(events), originals, id_, at))
        else:
            name = random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
            events.append(Happened(name, id_, at, _data(random, name)))
    return events


def known(account: Account, event: Happened) -> Account:
    """Return an account after an event, as an organism takes it in."""
    made = made_of(event)
    return account.corrected(made) if isinstance(made, Correction) else account.after(made)


def made_of(event: Happened) -> Entry | Correction:
    """Return the entry or correction that an event is."""
    if event.name == "case.annulled":
        return annulled(event.ref, ("urn:test", event.corrects))
    if event.name == "case.updated":
        return updated(event.ref, ("urn:test", event.corrects), event.data)
    entry = entry_of(event.ref, CONTRACTS[event.name].model_validate_json(json.dumps(event.data)))
    assert entry is not None
    return entry


class Oracle:
    """What the rules make of a list of events, whatever its order."""

    def __init__(self, events: Sequence[Happened]) -> None:
        self._events = counting(events)
        naming = ("contribution.paid", "contribution.unpaid")
        self._due = sorted({str(e.data["period"]) for e in self._events if e.name in naming})

    def income(self, year: int) -> Fraction:
        """Return the income of a year: base x min(paid, due) / due by period, to the cent at the end."""
        total = Fraction(0)
        for period in self._due:
            if period.startswith(f"{year}-"):
                paid, due = self._paid(period), self._amount(period, "due")
                total += self._amount(period, "base") * (min(paid, due) / due if due else 1)
        return Fraction(math.floor(total * 100 + Fraction(1, 2)), 100)

    def validated(self, year: int) -> int:
        """Return the validated quarters of a year."""
        return min(4, math.floor(self.income(year) / QUARTER[year]))

    def declares(self, year: int) -> bool:
        """Return whether an income is declared for a year."""
        return self._latest("income.declared", year=year) is not None

    def compared(self, year: int) -> tuple[Fraction, Fraction] | None:
        """Return declared and recorded income where they can be compared; equal ones too."""
        declared = self._latest("income.declared", year=year)
        periods = [period for period in self._due if period.startswith(f"{year}-")]
        if declared is None or not periods or any(self._owes(period) for period in periods):
            return None
        return _euros(declared.data["amount"]), self.income(year)

    def entitled(self, day: str) -> tuple[Fraction, bool]:
        """Return ratio (to four decimals) and full on a day."""
        due = sum(self._amount(period, "due") for period in self._due)
        if not due:
            return Fraction(1), True
        paid = sum(min(self._paid(period), self._amount(period, "due")) for period in self._due)
        ratio = Fraction(math.floor(paid / due * 10_000 + Fraction(1, 2)), 10_000)
        return ratio, all(self._delayed(period, day) for period in self._due if self._owes(period))

    def _latest(self, *names: str, **said: str | int) -> Happened | None:
        saying = [e for e in self._events if e.name in names and said.items() <= e.data.items()]
        return max(saying, key=lambda event: (event.at, event.id), default=None)

    def _amount(self, period: str, amount: str) -> Fraction:
        names = {"due": ("contribution.paid", "contribution.unpaid"), "base": ("contribution.paid",)}[amount]
        latest = self._latest(*names, period=period)
        return Fraction(0) if latest is None else _euros(latest.data[amount])

    def _paid(self, period: str) -> Fraction:
        paid = [e for e in self._events if e.name == "contribution.paid" and e.data["period"] == period]
        return sum((_euros(payment.data["paid"]) for payment in paid), Fraction(0))

    def _owes(self, period: str) -> bool:
        return self._paid(period) < self._amount(period, "due")

    def _delayed(self, period: str, day: str) -> bool:
        latest = self._latest("payment-delay.granted", "payment-delay.broken", period=period)
        return latest is not None and day <= str(latest.data.get("until", ""))


@cache
def _euros(amount: str | int) -> Fraction:
    return Fraction(str(amount))


def counting(events: Sequence[Happened]) -> list[Happened]:
    """Return the events as corrected: annulled ones gone, updated ones with their new data."""
    found = []
    for event in events:
        if event.corrects:
            continue
        correction = _latest_correction(events, event.id)
        if correction is None:
            found.append(event)
        elif correction.name == "case.updated":
            found.append(Happened(event.name, event.id, event.at, correction.data))
    return found


def _latest_correction(events: Sequence[Happened], id_: str) -> Happened | None:
    standing = []
    for event in events:
        if event.corrects == id_:
            own = _latest_correction(events, event.id)
            if own is None or own.name != "case.annulled":
                standing.append(event)
    return max(standing, key=lambda event: (event.at, event.id), default=None)


_WEIGHTS: Final = {
    "contribution.paid": 8,
    "contribution.unpaid": 3,
    "contribution.called": 1,
    "payment-delay.granted": 2,
    "payment-delay.broken": 1,
    "income.declared": 2,
    "turnover.declared": 1,
}


def _correction(
    random: Random, corrected: Happened, originals: Sequence[Happened], id_: str, at: datetime
) -> Happened:
    """Return an update of an original event, or an annulment of anything, a correction included."""
    if random.random() < 0.5:
        return Happened("case.annulled", id_, at, {}, corrected.id)
    original = random.choice(originals)
    return Happened("case.updated", id_, at, _data(random, original.name), original.id)


def _data(random: Random, name: str) -> dict[str, str | int]:
    money = random.choice(("0.00", "300.00", "900.00", "900.01", "1350.50"))
    due = random.choice(("900.00", "900.00", "900.00", "0.00", "700.00"))
    base = random.choice(("4000.00", "4000.00", "1803.00", "0.05"))
    period = random.choice(_PERIODS)
    until = (date(2026, 1, 1) + timedelta(days=random.randrange(DAYS))).isoformat()
    year = random.choice((2025, 2026))
    amount = random.choice(("4000.00", "8000.00", "1803.00"))
    said: dict[str, dict[str, str | int]] = {
        "contribution.paid": {"period": period, "paid": money, "due": due, "base": base},
        "contribution.unpaid": {"period": period, "due": due, "missed": 1},
        "contribution.called": {"period": period, "due": due, "base": base},
        "payment-delay.granted": {"period": period, "until": until},
        "payment-delay.broken": {"period": period},
        "income.declared": {"year": year, "amount": amount, "source": "worker"},
        "turnover.declared": {"period": period, "amount": money},
    }
    return said[name]
