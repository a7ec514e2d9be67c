"""Decides what another scheme would have changed: who gets what, by when, which answers would have been late.

Of each event two decisions are compared, by the version in force and by a draft, from the same recorded
inputs. What is not known is not guessed: whether an organism that was never asked would have been in time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Final, Literal

from coordination.quality import FULFILS
from coordination.quality_facts import instant
from coordination.quality_objectives import Indicator
from coordination.rulebook import ROLES, Scheme
from coordination.verdicts import Refused
from schemas.records import Decision, Recipient

Side = Literal["then", "now"]
SIDES: Final[tuple[Side, ...]] = ("then", "now")
"""By the version that the draft is compared with; by the draft."""
Fate = Literal["in_time", "late", "open", "unknown"]
"""Of an answer. open: still in time when the range ended. unknown: the organism was not asked then."""
FATES: Final[tuple[Fate, ...]] = ("in_time", "late", "open", "unknown")
LEVELS: Final = ("received", "reported")
_DAY_MS: Final = 24 * 60 * 60 * 1000

Answers = Mapping[tuple[str, str], Sequence[tuple[str, int]]]
"""Event id and organism -> the levels of acknowledgement that it gave, and when (milliseconds)."""


@dataclass(slots=True)
class Tally:
    """What was counted; tallies of parts add up to that of the whole, in any order."""

    events: int = 0
    outcomes: "Counter[tuple[Side, str]]" = field(default_factory=Counter)
    """`routed`, or the reason of a refusal."""
    elsewhere: "Counter[str]" = field(default_factory=Counter)
    """Events whose recipients or roles differ, by name."""
    gained: "Counter[str]" = field(default_factory=Counter)
    lost: "Counter[str]" = field(default_factory=Counter)
    """By organism."""
    load: "Counter[tuple[str, Side, str]]" = field(default_factory=Counter)
    """Organism, side, role."""
    shorter: "Counter[str]" = field(default_factory=Counter)
    longer: "Counter[str]" = field(default_factory=Counter)
    """Deadlines of organisms that are asked on both sides, by event."""
    days: "Counter[str]" = field(default_factory=Counter)
    """Whole days by which they move, added up."""
    answers: "Counter[tuple[str, Side, Fate]]" = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Add what was counted elsewhere."""
        self.events += other.events
        for one in fields(self)[1:]:
            getattr(self, one.name).update(getattr(other, one.name))

    def take(self, then: Decision | Refused, now: Decision | Refused, answers: Answers, as_of: int) -> None:
        """Count an event.

        Args:
            then: what the version in force decides, or decided.
            now: what the draft decides.
            answers: what organisms answered.
            as_of: milliseconds: what was due before and not answered is late.
        """
        self.events += 1
        self._routed(then, now)
        asked_then, asked_now = _asked(then), _asked(now)
        name = then.rule if isinstance(then, Decision) else now.rule if isinstance(now, Decision) else ""
        if {(to.organism, to.role) for to in asked_then.values()} != {
            (to.organism, to.role) for to in asked_now.values()
        }:
            self.elsewhere[name] += 1
        self.gained.update(asked_now.keys() - asked_then.keys())
        self.lost.update(asked_then.keys() - asked_now.keys())
        for organism in asked_then.keys() & asked_now.keys():
            self._moved(name, asked_then[organism], asked_now[organism])
        event = then.event.id if isinstance(then, Decision) else ""
        for side, asked in zip(SIDES, (asked_then, asked_now), strict=True):
            for organism, to in asked.items():
                self.load[organism, side, to.role] += 1
                known = organism in asked_then
                fate = _fate(to, answers.get((event, organism), ()), as_of) if known else "unknown"
                self.answers[to.acknowledge, side, fate] += 1

    def _routed(self, then: Decision | Refused, now: Decision | Refused) -> None:
        for side, verdict in zip(SIDES, (then, now), strict=True):
            outcome = "routed" if isinstance(verdict, Decision) else verdict.refusal.reason
            self.outcomes[side, outcome] += 1

    def _moved(self, name: str, then: Recipient, now: Recipient) -> None:
        if then.by == now.by:
            return
        difference = instant(now.by) - instant(then.by)
        (self.longer if difference > 0 else self.shorter)[name] += 1
        self.days[name] += round(difference / _DAY_MS)


def _asked(verdict: Decision | Refused) -> Mapping[str, Recipient]:
    return {to.organism: to for to in verdict.recipients} if isinstance(verdict, Decision) else {}


def _fate(to: Recipient, given: Sequence[tuple[str, int]], as_of: int) -> Fate:
    enough, by = FULFILS[to.acknowledge], instant(to.by)
    at = min((at for level, at in given if level in enough or level == "forwarded"), default=None)
    if at is not None:
        return "in_time" if at <= by else "late"
    return "open" if as_of <= by else "late"


# --- the report --------------------------------------------------------------------------------------

Report = Mapping[str, object]


def report(
    tally: Tally,
    against: Scheme,
    draft: Scheme,
    span: Mapping[str, str | None],
    objectives: Sequence[Indicator],
) -> Report:
    """Return what is told of a simulation: public names, the same for the same stream.

    Args:
        tally: what was counted.
        against: the version that the draft is compared with.
        draft: the draft.
        span: the range, `from` and `to` as RFC 3339 (null: from the beginning, to the end).
        objectives: of quality; only those about answers in time can be told for a draft.
    """
    return {
        "range": dict(span),
        "against": {"scheme": against.version, "sha256": against.hash},
        "draft": {"scheme": draft.version, "sha256": draft.hash},
        "events": tally.events,
        "outcomes": {
            side: {outcome: n for (at, outcome), n in sorted(tally.outcomes.items()) if at == side}
            for side in SIDES
        },
        "elsewhere": dict(sorted(tally.elsewhere.items())),
        "organisms": list(_organisms(tally)),
        "deadlines": {
            name: {
                "shorter": tally.shorter[name],
                "longer": tally.longer[name],
                "days": tally.days[name],
            }
            for name in sorted(tally.shorter.keys() | tally.longer.keys())
        },
        "answers": {
            level: {side: {fate: tally.answers[level, side, fate] for fate in FATES} for side in SIDES}
            for level in LEVELS
        },
        "objectives": list(_objectives(tally, objectives)),
    }


def _organisms(tally: Tally) -> Iterable[Mapping[str, object]]:
    known = {organism for organism, _, _ in tally.load}
    for organism in sorted(known):
        row: dict[str, object] = {
            "organism": organism,
            "gained": tally.gained[organism],
            "lost": tally.lost[organism],
        }
        for side in SIDES:
            row[side] = {role: tally.load[organism, side, role] for role in ROLES}
        yield row


def _objectives(tally: Tally, objectives: Sequence[Indicator]) -> Iterable[Mapping[str, object]]:
    for indicator in objectives:
        level = (indicator.measure or "").removesuffix("-in-time")
        if level not in LEVELS:
            continue
        row: dict[str, object] = {
            "indicator": indicator.id,
            "name": indicator.name,
            "threshold": _text(indicator.threshold),
            "target": _text(indicator.target),
        }
        for side in SIDES:
            value = _share(tally.answers[level, side, "in_time"], tally.answers[level, side, "late"])
            row[side] = {"value": _text(value), "state": indicator.state_of(value)}
        yield row


def _share(in_time: int, late: int) -> Decimal | None:
    if not in_time + late:
        return None
    return (Decimal(100 * in_time) / (in_time + late)).quantize(Decimal("0.01"))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
