"""Replay: a range of the input is decided again and compared with what was recorded; nothing is touched."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from coordination.intake import Intake
from coordination.replaying import Compared, Difference, Recorded, compare, compared
from coordination.verdicts import InputRecord, Routed
from l233.recordings import Gathering, Plan, Progress, gather, judge_by

_TOLD: Final = 100
"""Differences told one by one, of each partition."""


@dataclass(frozen=True, slots=True)
class Different:
    """An input that is decided otherwise today, or of which the topics tell something else."""

    partition: int
    offset: int
    outcome: str
    rule: str
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class Part:
    """What came of one partition."""

    number: int
    counts: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)
    told: list[Different] = field(default_factory=list)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a replay. The same range gives the same digest, whoever computes it."""

    counts: Mapping[str, int]
    by_rule: Mapping[str, int]
    told: Sequence[Different]
    digest: str

    @property
    def events(self) -> int:
        """How many inputs were decided again."""
        return sum(self.counts.values()) - self.counts.get("extra", 0)

    @property
    def agrees(self) -> bool:
        """Whether everything is as it was."""
        return not any(self.counts.get(name, 0) for name in ("different", "missing", "extra"))


def replay(planned: Plan, processes: int, on_progress: Progress) -> Result:
    """Replay what was planned. Raises KafkaError, and L233Error when a process ends without an answer."""
    parts = gather(planned, processes, on_progress, comparing)
    whole = sha256()
    for part in parts:
        whole.update(b"%d " % part.number + bytes.fromhex(part.digest))
    return Result(
        sum((part.counts for part in parts), Counter[str]()),
        sum((part.by_rule for part in parts), Counter[str]()),
        [one for part in parts for one in part.told],
        whole.hexdigest(),
    )


async def comparing(planned: Plan, numbers: Sequence[int]) -> Mapping[int, "Comparing"]:
    """Return who compares each partition."""
    intake = judge_by(planned.settings, planned.rulebook)
    return {number: Comparing(number, planned, intake) for number in numbers}


class Comparing(Gathering[Part]):
    """Decides on every input of a partition again and compares."""

    def __init__(self, number: int, planned: Plan, intake: Intake) -> None:
        super().__init__(number, planned)
        self._part = Part(number)
        self._intake = intake
        self._memory: dict[bytes, bytes] | None = {} if planned.rebuild else None
        self._digest = sha256()

    def examine(self, record: InputRecord, recorded: Recorded) -> None:
        """Compare an input."""
        if self._memory is None:
            if not self.of_worker(record):
                return
            found = compare(record, recorded, self._intake)
        else:
            found = self._rebuilt(record, recorded, self._memory)
            if record.offset < self.first or not self.of_worker(record):
                return
        self._digest.update(b"%d %d " % (record.offset, len(found.said)) + found.said)
        self._count(record.offset, found.outcome, found.rule, found.differences)

    def _rebuilt(self, given: InputRecord, recorded: Recorded, memory: dict[bytes, bytes]) -> Compared:
        verdict = self._intake.judge(given, memory)
        if isinstance(verdict, Routed):
            memory.update(verdict.writes)
            return compared(verdict.decision, recorded)
        return compared(verdict, recorded)

    def _count(self, offset: int, outcome: str, rule: str, differences: tuple[Difference, ...]) -> None:
        self._part.counts[outcome] += 1
        if outcome == "identical":
            return
        self._part.by_rule[rule] += 1
        if len(self._part.told) < _TOLD:
            self._part.told.append(Different(self.number, offset, outcome, rule, differences))

    def surplus(self, about: int, topic: str) -> None:
        """Count it."""
        self._count(about, "extra", topic, ())

    def erased(self, about: int) -> None:
        """Count it."""
        self._digest.update(b"%d erased " % about)
        self._part.counts["erased"] += 1

    def result(self) -> Part:
        """Return the counts, and the digest of everything that was said."""
        self._part.digest = self._digest.hexdigest()
        return self._part
