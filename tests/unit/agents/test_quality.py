"""What the lanes tell of quality adds up to what the records say, whatever their order and split."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

import scheme
from agents.emission import MANDATE_HEADER, cloud_event
from agents.quality import Quality
from coordination.periods import period_of
from coordination.quality import Books, Tally
from coordination.quality_facts import Asked, Facts, Given, Taken, Told, instant, take
from coordination.quality_objectives import read_objectives
from schemas.emitted import QualityMeasured
from schemas.events import type_of
from schemas.records import DECISION, DECISION_TYPE, MANDATE, Decision, EventRef, Mandate, Recipient
from streaming.records import Later, Output, Result
from streaming.timers import PREFIX, Timer
from tests.unit.agents.records import Kept, Memory, arrived
from tests.unit.coordination.test_quality import Life, at, given_, lives, payment, told

OBJECTIVES = read_objectives("quality.yaml", scheme.quality())
WITHIN = 30
LONG_AFTER = "2027-06-01T00:00:00+02:00"
LANES = 3

Place = tuple[str, str, str, str]


def record(case: tuple[str, str], fact: Asked | Given | Told, number: int, taken_at: int) -> Kept:
    """Return the record that tells a fact, as the roles write it."""
    output = _output(case, fact, number)
    kept = arrived(output)
    return Kept(kept.topic, kept.value, kept.headers, kept.key, len(case[0]) % LANES, number, taken_at)


def _output(case: tuple[str, str], fact: Asked | Given | Told, number: int) -> Output:
    worker, name = case
    match fact:
        case Asked():
            decision = Decision(
                id=f"d{number}",
                event=EventRef(fact.event, "urn:test", type_of(fact.name), worker, fact.time),
                case=name,
                scheme="2026-01",
                scheme_hash="",
                rule=fact.name,
                basis="",
                activity=fact.activity,
                situation=None,
                situation_from="nothing",
                recipients=(
                    Recipient(
                        organism=fact.organism,
                        role=fact.role,  # type: ignore[arg-type]  # drawn from the roles
                        activity=fact.activity,
                        acknowledge=fact.level,  # type: ignore[arg-type]  # drawn from the levels
                        by=fact.by,
                        basis="",
                        status="example",
                    ),
                ),
                unresolved=(),
            )
            return cloud_event(
                "l233.decisions",
                type_=DECISION_TYPE,
                id_=decision.id,
                role="intake",
                subject=worker,
                time=fact.registered,
                data=DECISION.dump_json(decision),
                case=name,
            )
        case Given():
            said = {"organism": fact.organism} | ({} if fact.code is None else {"code": fact.code})
            return cloud_event(
                "l233.acknowledgements",
                type_=type_of(f"acknowledgement.{fact.level}"),
                id_=f"g{number}",
                role="cpam",
                subject=worker,
                time=fact.at,
                data=json.dumps(said).encode(),
                case=name,
                cause=fact.event or None,
            )
        case Told():
            came = {"organism": fact.organism} | (
                {"level": fact.level, "due": fact.due} if fact.name == "deadline.missed" else {}
            )
            return cloud_event(
                "l233.outcomes",
                type_=type_of(fact.name),
                id_=f"t{number}",
                role="carsat",
                subject=worker,
                time=fact.at,
                data=json.dumps(came).encode(),
                case=name,
                cause=fact.event,
            )


def facts_of(taken: Taken) -> Asked | Given | Told:
    """Return the one fact that is told."""
    found: list[Asked | Given | Told] = [*taken.facts.asked, *taken.facts.given, *taken.facts.told]
    (fact,) = found
    return fact


@dataclass
class Lane:
    """One lane of the role: its state, and the last that it told of every sum."""

    handler: Quality = field(default_factory=lambda: Quality(OBJECTIVES))
    memory: Memory = field(default_factory=Memory)
    said: dict[Place, QualityMeasured] = field(default_factory=dict)
    times: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def hear(self, kept: Kept) -> None:
        """Let time pass up to a record, and take it."""
        self.until(kept.timestamp)
        self.catch_up(kept)

    def catch_up(self, kept: Kept) -> None:
        """Take a record before anything fires, as a lane does that was away."""
        self._take(self.handler(kept, self.memory))

    def until(self, at_ms: int) -> None:
        """Fire what is due, as a lane does: in order, and what a timer sets for now in the same go."""
        while keys := [key for key in self.memory.kept if key.startswith(PREFIX)]:
            timer = Timer.read(min(keys), self.memory.kept[min(keys)])
            if timer.at_ms > at_ms:
                return
            result = self.handler.due(timer, self.memory)
            del self.memory.kept[timer.key]
            self._take(result)

    def _take(self, result: Result) -> None:
        for key, value in result.writes.items():
            if value is None:
                self.memory.kept.pop(key, None)
            else:
                self.memory.kept[key] = value
        for latest in result.latest:
            output = latest.output() if isinstance(latest, Later) else latest
            one = QualityMeasured.model_validate_json(output.value or b"")
            self.said[one.period, one.indicator, one.organism, one.activity or ""] = one
            headers = dict(output.headers)
            self.times.append(headers["ce_time"].decode())
            self.ids.append(headers["ce_id"].decode())


def whole(lanes: list[Lane]) -> dict[Place, Tally]:
    """Return the sum of what every lane told last."""
    total: defaultdict[Place, Tally] = defaultdict(Tally)
    for lane in lanes:
        for place, one in lane.said.items():
            tally = Tally(one.numerator, one.denominator)
            tally.spread.update({found.milliseconds: found.times for found in one.spread or ()})
            total[place].add(tally)
    return {place: tally for place, tally in total.items() if tally.denominator or tally.numerator}


def expected(records: list[Kept]) -> dict[Place, Tally]:
    """Return what the records say, from books that take them all."""
    books = Books(WITHIN)
    for kept in records:
        taken = take(kept)
        assert taken is not None
        books.take(taken)
    indicators = {one.measure: one for one in OBJECTIVES if one.measure not in (None, "oldest-open-case")}
    total: defaultdict[Place, Tally] = defaultdict(Tally)
    for key, tally in books.figures(instant(LONG_AFTER)).items():
        if key.measure in indicators:
            one = indicators[key.measure]
            total[period_of(key.day, one.period).text, one.id, key.organism, key.activity].add(tally)
    return dict(total)


@settings(max_examples=60)
@given(lives(), st.randoms(use_true_random=False))
def test_what_the_lanes_tell_adds_up_to_what_the_records_say(life: Life, random: Random) -> None:
    """Records come in any order, some twice, and weeks after their period: the last word is right."""
    records = [
        record(taken.case, facts_of(taken), number, instant(at(random.randrange(400, 1_100))))
        for number, taken in enumerate(life.records)
    ]
    lanes = [Lane() for _ in range(LANES)]
    for kept in sorted([*records, *random.sample(records, len(records) // 3)], key=lambda one: one.timestamp):
        lanes[kept.partition].hear(kept)
    for lane in lanes:
        lane.until(instant(LONG_AFTER))
        assert len(lane.ids) == len(set(lane.ids)), "what is told anew has an id of its own"
    assert whole(lanes) == expected(records)


@given(lives())
def test_a_record_tells_the_fact_that_was_written(life: Life) -> None:
    """Decision, acknowledgement and outcome, read back from their topics."""
    for number, taken in enumerate(life.records):
        assert take(record(taken.case, facts_of(taken), number, 0)) == taken


def test_a_period_is_told_when_it_ends_and_corrected_the_night_after_a_late_record() -> None:
    """March is told at the first instant of April; what comes on 3 April corrects it on the 4th, once."""
    lane, case = Lane(), ("worker:a", "c")
    lane.hear(record(case, payment(), 1, instant(at(1))))
    lane.hear(record(case, given_("received", 2, "carsat:31"), 2, instant(at(2))))
    lane.until(instant("2026-03-31T23:59:59+02:00"))
    assert lane.said == {}
    lane.until(instant("2026-04-01T00:00:00.001+02:00"))
    march = ("2026-03", "reported-in-time", "carsat:31", "future-rights")
    assert (lane.said[march].numerator, lane.said[march].denominator) == (0, 1)
    assert set(lane.times) == {"2026-04-01T00:00:00.000+02:00"}
    lane.hear(record(case, given_("reported", 3, "carsat:31"), 3, instant("2026-04-03T09:00:00+02:00")))
    lane.until(instant("2026-04-03T23:59:59+02:00"))
    assert lane.said[march].numerator == 0
    lane.until(instant("2026-04-30T00:00:00+02:00"))
    assert (lane.said[march].numerator, lane.said[march].denominator) == (1, 1)
    assert lane.times.count("2026-04-04T00:00:00.000+02:00") == 2, "the share, and the time to the report"


def test_what_comes_after_a_period_does_not_hold_up_its_figures() -> None:
    """A lane that was away hears it first; it tells the period at once, and not when a clock has gone on."""
    lane, case, after = Lane(), ("worker:a", "c"), instant("2026-04-01T00:00:10+02:00")
    lane.hear(record(case, payment(), 1, instant(at(1))))
    lane.until(instant("2026-03-31T23:00:00+02:00"))
    lane.catch_up(record(case, given_("received", 2, "carsat:31"), 2, after))
    lane.until(after)
    march = ("2026-03", "reported-in-time", "carsat:31", "future-rights")
    assert (lane.said[march].numerator, lane.said[march].denominator) == (0, 1)


def test_what_is_complete_is_let_go_of_and_what_is_open_is_kept() -> None:
    """After 31 days without news; the sums stay."""
    lane = Lane()
    for name, case in (("open", ("worker:a", "c")), ("complete", ("worker:b", "d"))):
        lane.hear(record(case, payment(), 1, instant(at(1))))
        if name == "complete":
            lane.hear(record(case, given_("reported", 3, "carsat:31", code=0), 2, instant(at(4))))
    lane.until(instant(at(24 * 60)))
    assert [key for key in lane.memory.kept if key.startswith(b"case/")] == [b"case/worker:a/c"]
    lane.until(instant("2028-01-01T00:00:00Z"))
    assert [key for key in lane.memory.kept if key.startswith(b"sum/")] == [], "after 400 days no more"


def test_a_difference_asks_the_organism_that_its_mandate_names() -> None:
    """A case that an outcome opens counts like one that a decision opens."""
    mandate = Mandate(
        case="m",
        organism="urssaf:midi-pyrenees",
        role="lead",
        activity="future-rights",
        acknowledge="reported",
        by=at(500),
        basis="",
        status="example",
        scheme="2026-01",
    )
    kept = record(("worker:a", "m"), told("rights.mismatch", 1, "carsat:31"), 1, 0)
    with_mandate = Kept(
        kept.topic, kept.value, (*kept.headers, (MANDATE_HEADER, MANDATE.dump_json(mandate))), kept.key
    )
    taken = take(with_mandate)
    assert taken is not None
    (asked,) = taken.facts.asked
    assert (asked.organism, asked.level, asked.by) == ("urssaf:midi-pyrenees", "reported", at(500))
    books = Books(WITHIN)
    books.take(taken)
    books.take(
        Taken(
            taken.case,
            Facts(given=frozenset({given_("reported", 400, "urssaf:midi-pyrenees", event=asked.event)})),
        )
    )
    shares = [tally for key, tally in books.figures(instant(LONG_AFTER)).items() if "reported" in key.measure]
    assert [(tally.numerator, tally.denominator) for tally in shares] == [(1, 1)]


def test_what_is_no_record_of_ours_counts_for_nothing() -> None:
    """The role `cases` isolates it; here nothing comes of it, and nothing fails."""
    broken = Kept("l233.acknowledgements", b"{", (("ce_type", b"fr.l233.acknowledgement.received.v1"),))
    assert Quality(OBJECTIVES)(broken, Memory()) == Result()
