"""Decides what a collection organism proves from its ledger: texts, one fact each, for its report.

Amounts are euros. A fact says what is known when it is asked for.
"""

from typing import Final

from coordination.contributions import Account, Summary, euros

_INCOMES: Final = 3
"""Daily allowances look at the incomes of the last three years (unverified)."""


def for_allowances(account: Account) -> tuple[str, ...]:
    """Return what daily allowances need: incomes, paid of due, delays. Source: CSS art. D622-7 (L)."""
    declared = [(year, account.declared(year)) for year in account.years()]
    incomes = [f"income declared for {year}: {euros(said)}" for year, said in declared if said is not None]
    facts = incomes[-_INCOMES:]
    due = account.periods()
    if due:
        facts.append(f"contributions: {_paid_of_due([said for _, said in due])}")
    facts += [_delay(period, said) for period, said in sorted(account.summaries.items()) if said.delay]
    return tuple(facts) or ("no income, contribution or payment delay is known",)


def of_year(account: Account, year: int) -> tuple[str, ...]:
    """Return the proof of payment of a year, by period, calls included. Source: CSS art. L225-1 (L)."""
    periods = sorted(about for about in account.summaries if about.startswith(f"{year}-"))
    facts = [fact for period in periods if (fact := _of_period(period, account.summaries[period]))]
    return tuple(facts) or (f"no contribution of {year} is known",)


def of_career(account: Account) -> tuple[str, ...]:
    """Return what is paid of what is due, year by year."""
    by_year: dict[str, list[Summary]] = {}
    for period, said in account.periods():
        by_year.setdefault(period[:4], []).append(said)
    facts = [f"{year}: {_paid_of_due(periods)}" for year, periods in by_year.items()]
    return tuple(facts) or ("no contribution is known",)


def _of_period(period: str, said: Summary) -> str | None:
    if said.named:
        return f"{period}: {_paid_of_due([said])}, base {euros(said.base)}"
    return None if said.called is None else f"{period}: {euros(said.called.due)} called, no payment is known"


def _paid_of_due(periods: list[Summary]) -> str:
    paid, due = sum(said.counted for said in periods), sum(said.due for said in periods)
    return f"{euros(paid)} paid of {euros(due)} due"


def _delay(period: str, said: Summary) -> str:
    delay = said.delay
    if delay is not None and delay.kind == "granted":
        return f"payment delay of {period}: granted until {delay.until}"
    return f"payment delay of {period}: broken"
