"""Simulation: the recorded stream decided by a draft of the scheme, beside the version that it would replace.

Read as a replay reads it, by all cores, touching nothing; what organisms answered is read too, to tell which
answers would have been late.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from coordination.intake import Intake
from coordination.quality_facts import instant
from coordination.replaying import Recorded, recorded_inputs
from coordination.rulebook import Rulebook, Scheme
from coordination.simulation import Answers, Tally
from coordination.verdicts import Duplicate, InputRecord, Refused, Rekeyed
from l233.recordings import Gathering, Plan, Progress, gather, judge_by
from schemas.events import TYPE_PREFIX
from schemas.records import DECISION, Decision
from schemas.topics import ACKNOWLEDGEMENTS
from streaming.reading import Place, reader
from streaming.records import Record

_GIVEN: Final = f"{TYPE_PREFIX}acknowledgement."
_REGISTERED: Final = f"{_GIVEN}registered.v1".encode()


@dataclass(frozen=True, slots=True)
class Simulated:
    """What to compare, and until when answers count (milliseconds)."""

    against: Scheme
    draft: Scheme
    as_of: int


def simulate(planned: Plan, asked: Simulated, processes: int, on_progress: Progress) -> Tally:
    """Return what a draft would have changed in a range. Raises KafkaError, L233Error."""
    whole = Tally()
    for part in gather(planned, processes, on_progress, partial(simulating, asked)):
        whole.add(part)
    return whole


async def simulating(asked: Simulated, planned: Plan, numbers: Sequence[int]) -> Mapping[int, "Simulating"]:
    """Return who simulates each partition, with the answers that were given there."""
    known = await _answers(planned, numbers, asked.as_of)
    judges = (
        judge_by(planned.settings, _only(asked.against)),
        judge_by(planned.settings, _only(asked.draft)),
    )
    return {
        number: Simulating(number, planned, asked, judges=judges, answers=known[number]) for number in numbers
    }


def _only(scheme: Scheme) -> Rulebook:
    return Rulebook((scheme,)).only(scheme.version)


class Simulating(Gathering[Tally]):
    """Decides on every input of a partition by two versions."""

    def __init__(
        self,
        number: int,
        planned: Plan,
        asked: Simulated,
        *,
        judges: tuple[Intake, Intake],
        answers: Answers,
    ) -> None:
        super().__init__(number, planned)
        self._against, self._draft = judges
        self._answers = answers
        self._as_of = asked.as_of
        self._then = f'"scheme_hash":"{asked.against.hash}"'.encode()
        self._tally = Tally()

    def examine(self, record: InputRecord, recorded: Recorded) -> None:
        """Count an input; what was said twice or put back is no event of its own."""
        if recorded.duplicate or recorded.nothing or not self.of_worker(record):
            return
        memory = recorded_inputs(record, recorded)
        decision = recorded.decision
        then: Decision | Duplicate | Refused | Rekeyed
        if decision is not None and self._then in decision:
            then = DECISION.validate_json(decision)
        else:
            then = self._against.decide(record, memory)
        now = self._draft.decide(record, memory)
        if isinstance(then, Decision | Refused) and isinstance(now, Decision | Refused):
            self._tally.take(then, now, self._answers, self._as_of)

    def result(self) -> Tally:
        """Return what was counted."""
        return self._tally


# --- what was answered -------------------------------------------------------------------------------


async def _answers(planned: Plan, numbers: Sequence[int], as_of: int) -> Mapping[int, Answers]:
    found: Mapping[int, dict[tuple[str, str], list[tuple[str, int]]]] = {
        number: defaultdict(list) for number in numbers
    }
    async with reader(planned.settings.connection()) as source:
        places: list[Place] = [(ACKNOWLEDGEMENTS, number) for number in numbers]
        ends = await source.ends(places)
        starts = await source.at(places, planned.since_ms)
        left = {place: end for place, end in ends.items() if not planned.since_ms or place in starts}
        async for records in source.read(left, starts):
            for record in records:
                _note(record, found[record.partition], as_of)
    return found


def _note(record: Record, known: dict[tuple[str, str], list[tuple[str, int]]], as_of: int) -> None:
    headers = dict(record.headers)
    type_, cause, at = headers.get("ce_type", b""), headers.get("ce_causationid"), headers.get("ce_time")
    if type_ == _REGISTERED or cause is None or at is None or record.value is None:
        return
    given = instant(at.decode())
    if given <= as_of:
        level = type_.decode().removeprefix(_GIVEN).removesuffix(".v1")
        known[cause.decode(), json.loads(record.value).get("organism")].append((level, given))
