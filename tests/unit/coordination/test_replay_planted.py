"""Fifty nondeterminisms and changes of rules, each planted where it could slip in: replay finds every one."""

import json
import locale
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from hashlib import md5
from typing import Any, Final, Literal
from uuid import uuid4
from zlib import crc32

import pytest
from stdnum.fr import nir

from coordination import (
    acknowledgement,
    calendar,
    clocks,
    corrections,
    directory,
    explaining,
    ids,
    intake,
    partitioning,
    remembered,
    routing,
    situation,
)
from coordination.calendar import Delay
from coordination.expressions import Fixed, Own
from coordination.intake import Intake
from coordination.rulebook import Assignment, Rule, Rulebook, Scheme
from coordination.situation import History
from schemas import validation
from schemas.records import Recipient, Situation, Unresolved
from schemas.refusal import Refusal
from tests.replay_corpus.corpus import Entry, divergences, entries, judge, rulebook
from tests.replay_corpus.corpus import directory as organisms
from tests.replay_corpus.record import recorded
from tests.unit.coordination.examples import OWN_DATA, SUBJECT, structured, worker

CACHED: Final = (
    acknowledgement,
    calendar,
    clocks,
    directory,
    explaining,
    ids,
    partitioning,
    routing,
    situation,
)
"""Modules that remember answers, which a plant must not hide behind."""


@cache
def corpus() -> list[Entry]:
    """Return the corpus, and an event with a number that no file may hold, made up here."""
    digits = "1850578006048"
    note = {**OWN_DATA["appointment.requested"], "worker": worker("31555")}
    line = structured("appointment.requested", {**note, "place": digits + str(nir.calc_check_digits(digits))})
    made_up = recorded([(SUBJECT.encode(), line, (("content-type", b"application/cloudevents+json"),), None)])
    return [*made_up, *entries()]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Forget remembered answers before and after."""
    forget()
    yield
    forget()


def forget() -> None:
    """Forget every remembered answer."""
    for module in CACHED:
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def found(intake_: Intake) -> bool:
    """Say whether replay finds anything."""
    return next(divergences(corpus(), intake_), None) is not None


def test_nothing_planted_is_nothing_found() -> None:
    assert not found(judge())


# --- what differs from run to run, from machine to machine ----------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], object]


def wrapped(owner: object, name: str, around: Callable[..., Any]) -> Plant:
    """Return the plant that puts `around(the real one, *arguments)` in place of a function."""
    real = getattr(owner, name)
    return lambda patch: patch.setattr(owner, name, partial(around, real))


Shared = tuple[tuple[Recipient, ...], tuple[Unresolved, ...]] | Refusal


def shuffled(real: Callable[..., Shared], *given: object) -> Shared:
    """Give recipients in any order."""
    decided = real(*given)
    if isinstance(decided, Refusal):
        return decided
    return tuple(sorted(decided[0], key=lambda _: random.random())), decided[1]


def of_a_set(real: Callable[..., Shared], *given: object) -> Shared:
    """Give recipients in the order of a set, which the hash seed decides."""
    decided = real(*given)
    return decided if isinstance(decided, Refusal) else (tuple(set(decided[0])), decided[1])


def now(*_: object) -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def history_at(pick: Callable[[History, datetime], object]) -> Plant:
    return lambda patch: patch.setattr(History, "at", pick)


_AT: Final = History.at

RUNS: Final[Mapping[str, Plant]] = {
    "random ids": wrapped(ids, "uuid5", lambda _, *parts: str(uuid4())),
    "ids of str.__hash__": wrapped(ids, "uuid5", lambda _, *parts: f"{hash(parts):x}"),
    "ids of the process": wrapped(ids, "decision_id", lambda real, *a: real(*a) + str(os.getpid())),
    "ids of the time": wrapped(ids, "decision_id", lambda real, *a: f"{real(*a)}-{time.time_ns()}"),
    "ids of the locale": wrapped(
        ids, "decision_id", lambda real, *a: f"{real(*a)}{locale.localeconv()['decimal_point']}"
    ),
    "ids of the environment": wrapped(ids, "case_id", lambda real, *a: real(*a) + os.environ["PATH"]),
    "ids of an address in memory": wrapped(ids, "case_id", lambda real, *a: f"{id(object())}"),
    "order by address": lambda patch: patch.setattr(
        routing, "_place", lambda share: id(share[0].organism.id)
    ),
    "order by hash": lambda patch: patch.setattr(routing, "_place", lambda share: hash(share[0].organism.id)),
    "order by chance": wrapped(routing, "_shared", shuffled),
    "order of a set": wrapped(routing, "_shared", of_a_set),
    "order of a dict": lambda patch: patch.setattr(routing, "_place", lambda share: 0),
    "order of the locale": lambda patch: patch.setattr(
        routing, "_place", lambda share: locale.strxfrm(share[0].organism.id)
    ),
    "a deadline from today": wrapped(
        routing, "deadline_from", lambda real, day, *rest: real(now().date(), *rest)
    ),
    "a deadline of this year": wrapped(
        routing,
        "deadline_from",
        lambda real, day, *rest: real(day.replace(year=now().year + 1, day=1), *rest),
    ),
    "a deadline as a float": wrapped(
        routing,
        "deadline_from",
        lambda real, *a: datetime.fromtimestamp(
            datetime.fromisoformat(real(*a)).timestamp() + 0.1, UTC
        ).isoformat(),
    ),
    "a deadline as the locale writes it": wrapped(
        routing, "deadline_from", lambda real, *a: datetime.fromisoformat(real(*a)).strftime("%c")
    ),
    "a deadline in the machine's zone": wrapped(
        routing,
        "deadline_from",
        lambda real, *a: datetime.fromisoformat(real(*a)).astimezone(UTC).isoformat(),
    ),
    "the situation of today": history_at(lambda self, _: _AT(self, now())),
    "the situation of the day in UTC": history_at(
        lambda self, at: _AT(self, at.astimezone(UTC).replace(hour=12))
    ),
    "the latest situation": history_at(lambda self, _: _AT(self, datetime(2099, 1, 1, tzinfo=UTC))),
    "the earliest situation": history_at(lambda self, _: _AT(self, datetime(1999, 1, 1, tzinfo=UTC))),
    "another hash": lambda patch: patch.setattr(
        explaining, "sha256", lambda text: md5(text, usedforsecurity=False)
    ),
    "a hash without the deadlines": lambda patch: patch.setattr(explaining, "_recipient", lambda to: to.role),
    "a hash of unordered text": wrapped(
        explaining, "_canonical", lambda real, *a: json.dumps(json.loads(real(*a))).encode()
    ),
    "partitions as librdkafka has them": lambda patch: patch.setattr(
        intake, "partition_of", lambda key, partitions: crc32(key) % partitions
    ),
    "content told apart by chance": lambda patch: patch.setattr(
        intake, "content_digest", lambda event: os.urandom(16)
    ),
}


@pytest.mark.parametrize("plant", RUNS.values(), ids=RUNS.keys())
def test_what_differs_from_run_to_run_is_found(monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    plant(monkeypatch)
    assert found(judge())


# --- what is decided otherwise --------------------------------------------------------------------------

CODE: Final[Mapping[str, Plant]] = {
    "no public holidays": lambda patch: patch.setattr(
        calendar, "_public_holidays", lambda year, subdivision: frozenset()
    ),
    "holidays of the mainland only": wrapped(
        calendar, "_public_holidays", lambda real, year, subdivision: real(year, None)
    ),
    "work on Saturdays": lambda patch: patch.setattr(calendar, "_SATURDAY", 6),
    "the day of the event counts": wrapped(
        calendar, "_last_day", lambda real, day, *rest: real(day - timedelta(days=1), *rest)
    ),
    "months of 30 days": lambda patch: patch.setattr(
        calendar, "months_later", lambda day, months: day + timedelta(days=30 * months)
    ),
    "départements of two characters": lambda patch: patch.setattr(
        directory, "departement_of", lambda commune: commune[:2]
    ),
    "personal data let through": lambda patch: patch.setattr(intake, "holds_nir", lambda *_: False),
    "only the first violation": lambda patch: patch.setattr(
        validation, "listed", lambda violations: tuple(violations)[:1]
    ),
    "a repeated event is another": lambda patch: patch.setattr(
        remembered, "digest_of", lambda stored: b"never"
    ),
    "another event is a repetition": lambda patch: patch.setattr(
        intake, "content_digest", lambda event: b"always the same!"
    ),
    "the case that an event names is not joined": wrapped(
        ids, "case_id", lambda real, event, _: real(event, None)
    ),
    "corrections to the lead alone": wrapped(
        corrections, "rule_of", lambda real, rule, of: real(rule, replace(of, recipients=of.recipients[:1]))
    ),
    "in circles": lambda patch: patch.setattr(remembered, "organisms_of", lambda stored: ()),
    "clocks that do not start": lambda patch: patch.setattr(routing, "started", lambda *_, **__: ()),
    "scheme by the time of arrival": lambda patch: patch.setattr(
        Rulebook, "in_force", lambda self, at: self.schemes[-1]
    ),
    "unknown workers in Paris": wrapped(
        intake,
        "_situation",
        lambda real, event, history: real(event, history)
        or Situation("123456782", "75056", "75056"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("plant", CODE.values(), ids=CODE.keys())
def test_code_that_decides_otherwise_is_found(monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    plant(monkeypatch)
    assert found(judge())


Change = Callable[[Rule], Rule]


def owing(role: str, delay: str) -> Change:
    """Change by when a role has to answer."""

    def changed(one: Assignment) -> Assignment:
        if one.role != role:
            return one
        return replace(one, obligation=replace(one.obligation, delay=Delay.parse(delay)))

    return lambda rule: replace(rule, assignments=tuple(map(changed, rule.assignments)))


def asking(level: Literal["received", "reported"]) -> Change:
    """Change what everybody has to answer."""
    return lambda rule: replace(
        rule,
        assignments=tuple(
            replace(one, obligation=replace(one.obligation, acknowledge=level)) for one in rule.assignments
        ),
    )


def without(role: str) -> Change:
    """Leave a role out."""
    return lambda rule: replace(rule, assignments=tuple(one for one in rule.assignments if one.role != role))


def led_by(expression: Own | Fixed) -> Change:
    """Let another organism lead."""
    return lambda rule: replace(
        rule, assignments=(replace(rule.assignments[0], expression=expression), *rule.assignments[1:])
    )


RULES: Final[Mapping[str, tuple[str, Change]]] = {
    "a day less to report": ("contribution.paid", owing("lead", "9 working days")),
    "a day more to receive": ("contribution.paid", owing("informed", "2 working days")),
    "fifteen days for a radiation": ("radiation.envisaged", owing("support", "15 days")),
    "days that need not be worked": ("sick-leave.received", owing("support", "10 days")),
    "two months for a mediation": ("mediation.opened", owing("lead", "2 months")),
    "reports from everybody": ("activity.registered", asking("reported")),
    "reports from nobody": ("complaint.lodged", asking("received")),
    "nobody informed": ("payment-delay.granted", without("informed")),
    "no support": ("career.disputed", without("support")),
    "another leads": ("turnover.declared", led_by(Own("retirement"))),
    "a head leads": ("difficulty.detected", led_by(Fixed("cnam"))),
    "another basis": ("income.declared", lambda rule: replace(rule, basis="another")),
    "another activity": ("maternity.declared", lambda rule: replace(rule, activity="requests")),
}


@pytest.mark.parametrize(("name", "change"), RULES.values(), ids=RULES.keys())
def test_a_rule_that_changed_is_found(name: str, change: Change) -> None:
    """Under the same version and hash, as if somebody had not told."""
    changed = [replace(one, rules={**one.rules, name: change(one.rules[name])}) for one in rulebook().schemes]
    assert found(judge(Rulebook(changed)))


def scheme(change: Callable[[Scheme], Scheme]) -> Intake:
    first, second = rulebook().schemes
    return judge(Rulebook((change(first), second)))


SCHEMES: Final[Mapping[str, Callable[[Scheme], Scheme]]] = {
    "another text": lambda one: replace(one, hash="0" * 64),
    "in force a month later": lambda one: replace(one, in_force=one.in_force + timedelta(days=31)),
    "an end": lambda one: replace(one, until=datetime(2026, 5, 1, tzinfo=UTC)),
    "a type without a rule": lambda one: replace(
        one, rules={name: rule for name, rule in one.rules.items() if name != "career.disputed"}
    ),
    "other heads": lambda one: replace(one, heads=dict.fromkeys(one.heads, ("cnam",))),
    "a later clock": lambda one: replace(
        one, clocks={k: replace(c, delay=Delay.parse("16 days")) for k, c in one.clocks.items()}
    ),
}


@pytest.mark.parametrize("change", SCHEMES.values(), ids=SCHEMES.keys())
def test_a_version_that_changed_is_found(change: Callable[[Scheme], Scheme]) -> None:
    assert found(scheme(change))


def test_a_directory_that_changed_is_found() -> None:
    """The CCSS of Lozère becomes two organisms that are not there."""
    known = organisms()
    places = {**known._by_departement, "48": known._by_departement["34"]}
    assert found(Intake(rulebook(), replace(known, _by_departement=places), {}, 4))


def test_there_are_fifty_at_least() -> None:
    assert len(RUNS) + len(CODE) + len(RULES) + len(SCHEMES) + 1 >= 50
