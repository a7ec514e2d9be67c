"""Tells the story of a case to a person, in French or English: dates, organisms, articles, deadlines.

Times are those of Paris; the day of a deadline is the organism's own. The basis of a rule stands as the
scheme has it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from coordination.acknowledgement import Acknowledgement
from coordination.directory import Directory
from l233.story import Decided, Happened, Story, was_erased
from l233.telling import plain
from l233.words import Words
from schemas.events import TYPE_PREFIX
from schemas.records import CaseClock, CaseRecipient, Recipient, StartedClock

_OWN_CASES: Final = ("rights.mismatch",)
"""Outcomes that open a case by themselves."""

_FIRST: Final = 0
_BETWEEN: Final = 7
_ORDER: Final = {
    "registered": 1,
    "forwarded": 2,
    "deadline.near": 3,
    "deadline.missed": 4,
    "escalation.raised": 5,
    "received": 6,
    "refused": 6,
    "reported": 8,
    "settled": 9,
}
"""What comes first of what is said at one instant; other outcomes stand between received and reported."""


def as_text(story: Story, directory: Directory, words: Words) -> Sequence[str]:
    """Return the story in lines."""
    teller = _Teller(story, directory, words)
    return list(teller.lines())


class _Teller:
    """Tells one story in one language."""

    def __init__(self, story: Story, directory: Directory, words: Words) -> None:
        self._story = story
        self._directory = directory
        self._words = words

    def lines(self) -> Iterator[str]:
        """Return the whole story."""
        state, say = self._story.state, self._words.say
        status = say("case", state.status)
        yield say("case", "heading", case=plain(state.case), worker=state.worker, status=status)
        if self._story.known_on is not None:
            yield say("case", "known_on", day=self._words.day(self._story.known_on))
        for one in self._story.decided:
            yield ""
            yield from self._decision(one)
        yield from self._opened_by_itself()
        yield ""
        yield say("case", "told")
        yield from (f"  {line}" for line in self._told())
        if state.waiting:
            yield ""
            yield say("case", "waiting", count=len(state.waiting))
        for declined in state.declined:
            level, by = self._words.name("level", declined.level), self._organism(declined.organism)
            yield say("case", "declined", level=level, organism=by, why=plain(declined.why))

    # -- what was asked ---------------------------------------------------------------------------

    def _decision(self, one: Decided) -> Iterator[str]:
        decision, words = one.decision, self._words
        event, worker = decision.event, decision.situation
        yield words.say(
            "case",
            "event",
            at=words.moment(event.time),
            event=f"{self._event(event.type)}  {event.type}",
            id=plain(event.id),
            source=plain(event.source),
        )
        if not decision.recipients and not decision.clocks:
            return  # it asks nobody: what it says stands among what was told
        decided = {"at": words.moment(one.at), "scheme": decision.scheme, "rule": decision.rule}
        if decision.activity is None:
            yield "  " + words.say("case", "decided", **decided)
        else:
            activity = words.name("activity", decision.activity)
            yield "  " + words.say("case", "decided_activity", **decided, activity=activity)
        yield "  " + words.say("case", "basis", basis=decision.basis)
        if worker is not None:
            key = "worker_event" if decision.situation_from == "event" else "worker_known"
            yield "  " + words.say(
                "case", key, residence=worker.residence, establishment=worker.establishment
            )
        elif was_erased(decision):
            yield "  " + words.say("case", "worker_erased")
        for to in decision.recipients:
            yield f"  {words.say('role', to.role):<12} {self._with_article(to.organism)}"
            yield f"               {self._asked(to, self._story.part(decision, to))}"
        for clock in decision.clocks:
            yield f"               {self._clock(clock, decision.id)}"
        for gap in decision.unresolved:
            kind, why = words.say("kind", gap.kind), words.say("reason", gap.reason)
            yield f"  {words.say('role', gap.role):<12} {words.say('case', 'nobody', kind=kind, reason=why)}"

    def _asked(self, to: Recipient, part: CaseRecipient | None) -> str:
        words = self._words
        moved = part is not None and part.due not in ("", to.by)
        return words.say(
            "case",
            "moved" if moved else "asked",
            level=words.name("level", to.acknowledge),
            day=words.day(to.by),
            moved=words.day(part.due) if part is not None and part.due else "",
            standing=self._standing(part),
            status=words.name("status", to.status),
            basis=to.basis,
        )

    def _clock(self, clock: StartedClock, decision: str) -> str:
        words = self._words
        meant = decision, clock.organism, clock.level
        known = (one for one in self._story.state.clocks if (one.decision, one.organism, one.level) == meant)
        return words.say(
            "case",
            "clock",
            until=words.name("event", clock.until),
            day=words.day(clock.due),
            standing=self._standing(next(known, None)),
            status=words.name("status", clock.status),
            basis=clock.basis,
        )

    def _standing(self, part: CaseRecipient | CaseClock | None) -> str:
        words = self._words
        if part is not None and part.done_at is not None and part.ended is not None:
            late = datetime.fromisoformat(part.done_at) > datetime.fromisoformat(part.due)
            key = "answered_late" if part.ended == "answered" and late else part.ended
            return words.say("standing", key, at=words.moment(part.done_at))
        if part is not None and part.missed_at is not None:
            return words.say("standing", "missed", at=words.moment(part.missed_at))
        return words.say("standing", "open")

    def _opened_by_itself(self) -> Iterator[str]:
        """Tell of a case that no decision opened, but what an organism made of an event of another."""
        words = self._words
        for made in self._story.happened:
            if made.name in _OWN_CASES:
                yield ""
                event = f"{self._event(made.name)}  {made.name}"
                yield f"{words.moment(made.at)}  {words.say('case', 'own', event=event)}"
                for part in self._story.state.recipients:
                    if part.decision == made.id:
                        yield f"  {words.say('role', part.role):<12} {self._with_article(part.organism)}"
                        yield f"               {words.day(part.due or part.by)}: {self._standing(part)}"

    # -- what was said and done -------------------------------------------------------------------

    def _told(self) -> Iterator[str]:
        """Return receipts, acknowledgements and outcomes, one a line, in the order of time."""
        words = self._words
        lines: list[tuple[str, int, str]] = []
        for receipt in self._story.receipts:
            key = "receipt_again" if receipt.again else "receipt"
            lines.append((receipt.at, _FIRST, words.say("case", key, event=plain(receipt.event))))
        for said in self._story.acknowledged:
            key = "line_late" if self._is_late(said) else "line"
            what = words.say("level", said.level)
            text = words.say("case", key, what=what, text=self._said(said))
            lines.append((said.at, _ORDER[said.level], text))
        for made in self._story.happened:
            text = words.say("case", "line", what=self._event(made.name), text=self._happened(made))
            lines.append((made.at, _ORDER.get(made.name, _BETWEEN), text))
        for at, _, text in sorted(lines, key=lambda line: (datetime.fromisoformat(line[0]), line[1])):
            yield f"{words.moment(at)}  {text}"

    def _is_late(self, said: Acknowledgement) -> bool:
        if said.level == "settled":
            return False  # by itself, after the last report, which may have been late
        return any(
            given.late for part in self._story.state.recipients for given in part.given if given.id == said.id
        )

    def _said(self, said: Acknowledgement) -> str:
        words, own = self._words, said.data.model_dump(exclude_none=True)
        by = self._organism(said.organism)
        match said.level:
            case "forwarded":
                return words.say("said", "forwarded", organism=by, to=self._organism(str(own["to"])))
            case "refused":
                reason = plain(words.name("reason", str(own["reason"])))
                return words.say("said", "refused", organism=by, reason=reason)
            case "reported":
                code = str(own["code"])
                reasons = "; ".join(plain(str(reason)) for reason in own.get("reasons", ()))
                key = "reported_reasons" if reasons else "reported"
                meaning = words.say("code", code)
                return words.say("said", key, organism=by, code=code, meaning=meaning, reasons=reasons)
            case _:
                return words.say("said", "plain", organism=by)

    def _happened(self, made: Happened) -> str:
        words = self._words
        values = {name: plain(str(value)) for name, value in made.data.items()}
        values["organism"] = self._organism(made.organism)
        if made.erased:
            return words.say("outcome", "erased", organism=values["organism"])
        for name in ("income", "declared", "recorded", "amount"):
            if name in values:
                values[name] = words.money(values[name])
        for name in ("on", "due"):
            if name in values:
                values[name] = words.day(values[name])
        if "ratio" in values:
            values["ratio"] = words.number(values["ratio"])
        if "level" in values:
            values["level"] = words.name("level", values["level"])
        if "to" in values:
            values["to"] = self._organism(values["to"])
        return words.say("outcome", _sentence(made), **values)

    def _event(self, type_: str) -> str:
        name = type_.removeprefix(TYPE_PREFIX)
        return self._words.name("event", name.rpartition(".")[0] if name != type_ else name)

    def _organism(self, id_: str) -> str:
        known = self._directory.organisms.get(id_)
        return plain(id_) if known is None else f"{known.name} ({id_})"

    def _with_article(self, id_: str) -> str:
        known = self._directory.organisms.get(id_)
        if known is None:
            return plain(id_)
        return self._words.say("case", "article", name=known.name, id=id_, article=known.article)


_SENTENCES: Final = {
    "deadline.near": "deadline",
    "deadline.missed": "deadline",
    "escalation.raised": "escalation",
    "rights.recorded": "rights-recorded",
    "rights.mismatch": "rights-mismatch",
    "social-aid.instructed": "social-aid-instructed",
    "social-aid.referred": "social-aid-referred",
    "social-aid.paid": "social-aid-paid",
}


def _sentence(made: Happened) -> str:
    """Return the key of the sentence that tells an outcome."""
    if made.name == "entitlement.updated":
        return "entitlement-full" if made.data.get("full") else "entitlement-reduced"
    if made.name == "radiation.answered":
        if made.data.get("by_silence"):
            return "radiation-silence"
        return "radiation-objection" if made.data.get("objection") else "radiation-no-objection"
    return _SENTENCES.get(made.name, "other")
