"""Decides what counts for the daily allowances on a day: paid / due, in full under a respected payment delay.

Source: CSS art. D622-7 (L). Rounding half up to four decimals is our own choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from pydantic_core import from_json

from coordination.contributions import Account, Entry, Summary
from schemas.strict_json import compact_json

_ONE: Final = 10_000  # a ratio of 1, in ten-thousandths
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """`ratio` as text with four decimals; `full`: the allowances are paid in full whatever the ratio."""

    ratio: str
    full: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What was last told of a worker, and the last day that was looked at (ISO date; "" before any)."""

    told: Entitlement
    day: str


WHOLE: Final = Entitlement("1.0000", full=True)
"""Nothing is due."""

UNTOLD: Final = Standing(WHOLE, "")
"""The standing of a worker of whom nothing was told."""


class Change(NamedTuple):
    """The entitlement becomes `now` on a day; `ended` is the delay whose end it comes from, if it does."""

    on: str
    now: Entitlement
    ended: Entry | None


def entitlement(account: Account, day: str) -> Entitlement:
    """Return the entitlement on a day (ISO date), by all that is known.

    The ratio is paid / due over the periods that are due, what is paid too much of one counting for no other;
    with nothing due it is 1. `full` when every period not fully paid has a delay that lasts until that day or
    longer, and that nothing later broke.
    """
    paid = due = 0
    full = True
    for period in account.summaries.values():
        if not period.named:
            continue
        due += period.due
        if not period.unpaid:
            paid += period.due
            continue
        paid += period.paid
        if not _covered(period, day):
            full = False
    ratio = _ONE if due == 0 else (2 * _ONE * paid + due) // (2 * due)
    return Entitlement(f"{ratio // _ONE}.{ratio % _ONE:04d}", full)


def after_delays(account: Account, standing: Standing, day: str) -> tuple[tuple[Change, ...], Standing]:
    """Return what the end of delays changes, after the day last looked at and until `day`, and the standing.

    Looked at before anything that happens on `day` is taken in: what a timer would have told, and no more.
    """
    changes: list[Change] = []
    told = standing.told
    for on, delay in delay_ends(account):
        if standing.day < on <= day:
            now = entitlement(account, on)
            if now != told:
                changes.append(Change(on, now, delay))
            told = now
    return tuple(changes), Standing(told, max(standing.day, day))


def after_event(account: Account, standing: Standing, day: str) -> tuple[Change | None, Standing]:
    """Return what an account that has changed on `day` changes, and the standing.

    A day before the last one looked at counts as the last: what arrives late can't make an ended delay count
    again.
    """
    on = max(standing.day, day)
    now = entitlement(account, on)
    return (Change(on, now, None) if now != standing.told else None), Standing(now, on)


def delay_ends(account: Account) -> Sequence[tuple[str, Entry]]:
    """Return the first day (ISO) without each delay in force, and the delay: in order, each day once."""
    found: dict[str, Entry] = {}
    for summary in account.summaries.values():
        if summary.delay is not None and summary.delay.kind == "granted":
            on = first_day_without(summary.delay)
            if on not in found or summary.delay.order < found[on].order:
                found[on] = summary.delay
    return sorted(found.items()) if found else ()


def first_day_without(delay: Entry) -> str:
    """Return the day after a granted delay's last."""
    return (date.fromisoformat(delay.until) + _DAY).isoformat()


def encode(standing: Standing) -> bytes:
    """Return the compact JSON of a standing."""
    said = [standing.told.ratio, standing.told.full, standing.day]
    return compact_json(said).encode()


@lru_cache(maxsize=1_024)
def decode(stored: bytes) -> Standing:
    """Return the standing that `encode` wrote."""
    ratio, full, day = from_json(stored)
    return Standing(Entitlement(ratio, full), day)


def _covered(period: Summary, day: str) -> bool:
    delay = period.delay
    return delay is not None and delay.kind == "granted" and day <= delay.until
