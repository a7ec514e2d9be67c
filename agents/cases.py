"""Cases: folds what is decided, answered and done into the state of each case, and runs its legal clock.

What a case makes of it stands in `coordination`; here it becomes records, state and the case's one timer.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial, reduce
from typing import Final, get_args

from pydantic import TypeAdapter

from agents.emission import INPUT_HEADER, MANDATE_HEADER, asking, cloud_event, outcome, receipt, source
from agents.world import World
from coordination import case_facts, case_voice, deadlines, outside
from coordination.case_facts import (
    Armed,
    Asked,
    Declined,
    Fact,
    Happened,
    Held,
    Moved,
    Raised,
    Said,
    Taken,
    Told,
)
from coordination.case_messages import MISMATCH, asked, mismatch, name_of
from coordination.case_parts import Part
from coordination.case_view import published
from coordination.cases import Case, fold, nothing_of
from coordination.deadlines import Law, next_instant
from coordination.instants import instant, milliseconds
from coordination.outside import GRACE_MS, OWN_SOURCE, is_ready, judge
from coordination.settling import settlements
from schemas.events import type_of
from schemas.records import CASE_TYPE, MANDATE, RECEIPT, Level
from schemas.topics import ACKNOWLEDGEMENTS, CASES, DECISIONS, OUTCOMES, inbox
from streaming.records import Later, Output, Record, Result, State
from streaming.timers import Timer, timer_key

ROLE: Final = "cases"
_OWN: Final = source(ROLE).encode()
_RECENT: Final = 4_000
_SMALL: Final = 256 * 1024
"""Facts of a case, in bytes, whose public state is sure to fit its topic: it is a few times as large."""
_LEVELS: Final[Mapping[bytes, Level]] = {
    type_of(f"acknowledgement.{level}").encode(): level for level in get_args(Level)
}
_NEEDED: Final = frozenset({"ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_correlationid"})
_NOTHING: Final = Result()
_MAY_BE_WAITED_FOR: Final = (Asked, Held)
_MAY_SET_A_TIMER: Final = (Asked, Held, Armed)
_OURS: Final = OWN_SOURCE.encode()
_INTAKE: Final = source("intake").encode()
_REGISTERED: Final = type_of("acknowledgement.registered").encode()
_SETTLED: Final = type_of("acknowledgement.settled")
_MAY_SETTLE: Final = frozenset({"refused", "forwarded", "reported"})


class NoMessageError(ValueError):
    """A record that is no decision, acknowledgement or outcome: the message says what is missing."""


@dataclass(frozen=True, slots=True)
class _Words:
    """What a case needs of the data of an acknowledgement or outcome."""

    organism: str
    code: int | None = None


_WORDS: Final = TypeAdapter(_Words)


@lru_cache(maxsize=8_192)
def _words(payload: bytes) -> _Words:
    """Return what a case needs of data; a few hundred organisms say the same few things all day."""
    return _WORDS.validate_json(payload)


def _payload(record: Record, headers: Mapping[str, bytes]) -> bytes:
    """Return the data of a record. Raises `NoMessageError` for one that is none of ours."""
    if record.value is not None and headers.keys() >= _NEEDED:
        return record.value
    missing = "data" if record.value is None else ", ".join(sorted(_NEEDED - headers.keys()))
    raise NoMessageError(f"a record of {record.topic} has no {missing}: look at its producer")


class Cases:
    """The handler of decisions, acknowledgements and outcomes: `l233.cases` has the latest of each case."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._recent: OrderedDict[bytes, tuple[bytes, Case]] = OrderedDict()
        """What was last written of a case, and what that is: it mostly hears several messages in a row."""

    def __call__(self, record: Record, state: State) -> Result:
        """Fold a message into its case; one that changes nothing writes nothing."""
        headers = dict(record.headers)
        source = headers.get("ce_source")
        if source == _OWN or (source == _INTAKE and headers.get("ce_type") == _REGISTERED):
            return _NOTHING  # folded when it was written, or with its decision
        fact = self._fact(record, headers, _payload(record, headers))
        # with the worker, since producers may give two workers one case id
        key = b"%b/%b" % (headers["ce_subject"], headers["ce_correlationid"])
        stored = state.get(key)
        before = self._case(key, stored)
        after = fold(before, fact)
        if after is before:
            return _NOTHING
        facts: list[Fact] = [fact]
        outputs: list[Output] = []
        now = instant(record.timestamp)
        if isinstance(fact, Said):
            if fact.level in _MAY_SETTLE:
                after = _settle(after, facts, outputs)
        elif before.known or isinstance(fact, Held):  # a decision by itself answers nothing
            if isinstance(fact, _MAY_BE_WAITED_FOR):
                after = self._judge(after, now, facts, outputs)
            if after.parts is not before.parts:
                after = _settle(after, facts, outputs)
        return self._kept(key, stored, after, facts, outputs, at=now)

    def due(self, timer: Timer, state: State) -> Result:
        """Say what the clock says of the case whose timer this is, and set its next one."""
        stored = state.get(timer.name)
        if stored is None:
            return _NOTHING
        case = self._case(timer.name, stored)
        facts: list[Fact] = [Armed(None)]
        outputs: list[Output] = []
        for fact in deadlines.due(case, timer.at_ms, Law(self._heads, self.world.outages)):
            case = fold(case, fact)
            facts.append(fact)
            if not isinstance(fact, Moved):
                outputs.extend(self._aloud(case, fact))
        case = self._judge(case, instant(timer.at_ms), facts, outputs)
        case = fold(_settle(case, facts, outputs), Armed(None))
        return self._kept(timer.name, stored, case, facts, outputs, at=instant(timer.at_ms))

    # -- what is read -----------------------------------------------------------------------------

    def _fact(self, record: Record, headers: Mapping[str, bytes], payload: bytes) -> Fact:
        """Return what a record tells. Raises `NoMessageError`; `pydantic.ValidationError` for broken data."""
        id_, time = headers["ce_id"].decode(), headers["ce_time"].decode()
        if record.topic == DECISIONS:
            return asked(payload, time, self.world.directory)
        words, caused = _words(payload), headers.get("ce_causationid")
        cause = None if caused is None else caused.decode()
        if record.topic == OUTCOMES:
            name, mandate = name_of(headers["ce_type"].decode()), headers.get(MANDATE_HEADER)
            if name == MISMATCH and mandate is not None:
                asks, directory = MANDATE.validate_json(mandate), self.world.directory
                return mismatch(id_, headers["ce_source"].decode(), time, asks, directory)
            return Happened(id_, time, name, words.organism, cause)
        level = _LEVELS.get(headers["ce_type"])
        if level is None:
            raise NoMessageError(f"{headers['ce_type'].decode()} is no acknowledgement: look at its producer")
        own = headers["ce_source"].startswith(_OURS)
        if own and cause is not None:
            return Said(id_, time, level, words.organism, cause, words.code, None)
        source = headers["ce_source"].decode()
        at = time if own else instant(record.timestamp)
        answer = Said(id_, at, level, words.organism, cause, words.code, None)
        if own:
            return Held(answer, source, False, (), "")
        named = tuple((name, value.decode()) for name, value in record.headers if name != INPUT_HEADER)
        return Held(answer, source, INPUT_HEADER in headers, named, payload.decode())

    def _judge(self, case: Case, at: str, facts: list[Fact], outputs: list[Output]) -> Case:
        """Take or decline what is held and can be judged now, or has been held for long enough."""
        for held in case.held:
            overdue = milliseconds(at) >= milliseconds(held.said.at) + GRACE_MS
            if not overdue and not is_ready(case, held):
                continue
            match judge(case, held):
                case outside.Taken(part):
                    facts.append(Taken(held.id, at, part.decision))
                    outputs.extend(self._handed_on(case, held, part))
                case outside.Again():
                    facts.append(Declined(held.id, at, "the same was said before"))
                case outside.NotTaken() as found:
                    facts.append(Declined(held.id, at, found.why))
                    outputs.extend(_refused(case, held, found, at))
            case = fold(case, facts[-1])
        return case

    def _handed_on(self, case: Case, held: Held, part: Part) -> Iterable[Output]:
        """Return an acknowledgement from outside for the agent of its organism, with the part it answers."""
        if held.headers:
            mandate = MANDATE.dump_json(case_voice.mandate_of_part(case, part))
            agent = self.world.directory.organisms[held.said.organism].agent
            headers = [*((name, value.encode()) for name, value in held.headers), (MANDATE_HEADER, mandate)]
            yield Output(inbox(agent), case.worker.encode(), held.payload.encode(), headers)

    def _case(self, key: bytes, stored: bytes | None) -> Case:
        """Return a case: as it is remembered, if that is what is stored, else folded anew."""
        known = self._recent.pop(key, None)
        if known is not None and known[0] == stored:
            return known[1]
        worker, _, case = key.decode().partition("/")
        return reduce(fold, () if stored is None else case_facts.read(stored), nothing_of(case, worker))

    # -- what is written --------------------------------------------------------------------------

    def _kept(
        self,
        key: bytes,
        stored: bytes | None,
        case: Case,
        facts: list[Fact],
        outputs: list[Output],
        *,
        at: str,
    ) -> Result:
        """Return the case with what was added to it; its timer is set anew only when it is to be earlier."""
        writes: dict[bytes, bytes | None] = {}
        if isinstance(facts[0], _MAY_SET_A_TIMER):
            instant_ms, timer_ms = next_instant(case), case.timer_ms
            if instant_ms is not None and (timer_ms is None or instant_ms < timer_ms):
                if timer_ms is not None:
                    writes[timer_key(timer_ms, key)] = None
                writes[timer_key(instant_ms, key)] = b""
                facts.append(Armed(instant_ms))
                case = fold(case, facts[-1])
        added = case_facts.write(facts)
        data = added if stored is None else stored + added
        writes[key] = data
        if len(self._recent) >= _RECENT:
            self._recent.popitem(last=False)
        self._recent[key] = data, case
        latest = Later(CASES, key, partial(_shown, case, key, at))
        return Result(outputs, writes, [latest if len(data) < _SMALL else latest.output()])

    def _aloud(self, case: Case, fact: Told | Raised) -> Iterable[Output]:
        """Return what the clock says as records; an escalation goes to its head, too."""
        told = outcome(ROLE, case_voice.outcome(case, fact))
        yield told
        if isinstance(fact, Raised):
            directory = self.world.directory
            mandate = case_voice.mandate_of_head(case, fact, directory)
            yield asking(told, directory.organisms[fact.to].agent, mandate)

    def _heads(self, scheme: str, organism: str) -> Sequence[str]:
        kind = self.world.directory.organisms[organism].kind
        return self.world.rulebook.version(scheme).heads.get(kind, ())


def _shown(case: Case, key: bytes, at: str) -> Output:
    """Return the public state of a case as a record."""
    return cloud_event(
        CASES,
        type_=CASE_TYPE,
        id_=case.id,
        role=ROLE,
        subject=case.worker,
        time=at,
        data=published(case),
        case=case.id,
        key=key,
    )


def _settle(case: Case, facts: list[Fact], outputs: list[Output]) -> Case:
    """Add what is settled now."""
    for said in tuple(settlements(case)):
        case = fold(case, said)
        facts.append(said)
        outputs.append(
            cloud_event(
                ACKNOWLEDGEMENTS,
                type_=_SETTLED,
                id_=said.id,
                role=ROLE,
                subject=case.worker,
                time=said.at,
                data=case_voice.settled(said.organism),
                case=case.id,
                cause=said.causation,
            )
        )
    return case


def _refused(case: Case, held: Held, found: outside.NotTaken, at: str) -> Iterable[Output]:
    """Return the receipt that tells why an acknowledgement from outside is not taken."""
    if held.headers:
        said = case_voice.refused_receipt(case, held, found)
        yield receipt(ROLE, said, RECEIPT.dump_json(said), subject=case.worker, time=at)
