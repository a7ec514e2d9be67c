"""Decides again, with today's code and scheme, what would become of dead letters that are put back.

Letters are judged in the order in which they would come in, each with what its role remembers now and what
those before it would add. A letter of the input topic is judged by intake's own judge, so recipients and
reasons are told; another role is asked whether its handler still fails. Nothing here reads or writes Kafka.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, Literal, assert_never

from agents.emission import REDRIVES_HEADER, REKEYED_HEADER, unexpected
from agents.roles import roles
from agents.world import World
from coordination.intake import Intake
from coordination.verdicts import Duplicate, InputRecord, Refused, Rekeyed, Routed, Verdict
from l233.dead_letters import Letter
from schemas.records import Recipient
from schemas.refusal import Violation
from schemas.topics import INPUT
from streaming.posting import record_size
from streaming.records import Output
from streaming.store import entries

REDRIVE_OF_HEADER: Final = "l233-redrive-of"
"""On a record that was put back: the id of the dead letter that it comes from."""

Fate = Literal[
    "routed",
    "worked",
    "refused",
    "failed",
    "routed_since",
    "redriven_before",
    "withheld",
    "erased",
    "too_large",
]
"""What would become of a letter; public names. Only `routed` and `worked` ones are put back.

routed: intake would hand it to its recipients. worked: its role would go on with it. refused: intake would
refuse it again. failed: its role would fail on it again. routed_since: the same event came in once more and
was routed. redriven_before: it was put back already. withheld: its bytes were not kept. erased: they went
with its worker. too_large: with the marks of a redrive its topic would not take it.
"""
PUT_BACK: Final[frozenset[Fate]] = frozenset({"routed", "worked"})


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A letter and what would become of it; reason and errors are those of today."""

    letter: Letter
    fate: Fate
    reason: str | None = None
    errors: tuple[Violation, ...] = ()
    scheme: str | None = None
    case: str | None = None
    recipients: tuple[Recipient, ...] = ()

    @property
    def put_back(self) -> bool:
        """Whether a redrive puts it back."""
        return self.fate in PUT_BACK

    def as_json(self) -> dict[str, object]:
        """Return what `dead-letters redrive --json` shows of a letter."""
        return {
            **self.letter.as_json(),
            "fate": self.fate,
            "was": self.letter.data.reason,
            "reason": self.reason,
            "errors": [error._asdict() for error in self.errors],
            "scheme": self.scheme,
            "case": self.case,
            "recipients": [asdict(to) for to in self.recipients],
        }


def output(letter: Letter) -> Output:
    """Return the record that puts a letter back: its own bytes, key, headers and place, and the marks of it.

    The mark of a rekeyed copy goes: it stands for the copy, and would count the original twice.
    """
    original = letter.original
    own = {REKEYED_HEADER, REDRIVES_HEADER, REDRIVE_OF_HEADER}
    headers = [header for header in original.headers if header[0] not in own]
    marks = [
        (REDRIVES_HEADER, b"%d" % (letter.data.redrives + 1)),
        (REDRIVE_OF_HEADER, letter.data.id.encode()),
    ]
    return Output(original.topic, original.key, original.value, [*headers, *marks], original.partition)


@dataclass(slots=True)
class Memory:
    """What a role remembers, as far as it is known here, and what it was asked for."""

    known: Mapping[bytes, bytes] = field(default_factory=dict)
    written: dict[bytes, bytes | None] = field(default_factory=dict)
    asked: set[tuple[int, bytes]] = field(default_factory=set)
    number: int = 0
    """The partition of the record in hand."""

    def get(self, key: bytes) -> bytes | None:
        """Return what stands under a key, and note that it was asked for."""
        if key in self.written:
            return self.written[key]
        self.asked.add((self.number, key))
        return self.known.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return what is known under keys that begin so."""
        return entries({**self.known, **self.written}, prefix)


class Rejudge:
    """Judges the letters of one role."""

    def __init__(self, role: str, world: World) -> None:
        """Prepare. Raises UnknownRoleError."""
        registry = world.registry
        (known,) = roles([role], world)
        self.changelog: Final = known.changelog
        self._handler: Final = known.handler
        self._intake: Final = Intake(
            world.rulebook, world.directory, registry.allowed_sources, registry.partitions
        )
        self._limits: Final = {name: topic.max_message_bytes for name, topic in registry.topics.items()}

    def all(self, letters: Iterable[Letter], redriven: Container[str], memory: Memory) -> Sequence[Rejudged]:
        """Judge letters in order; `redriven` are the ids of those that were put back already."""
        return [self._kept(letter, redriven) or self._again(letter, memory) for letter in letters]

    def _kept(self, letter: Letter, redriven: Container[str]) -> Rejudged | None:
        """Return what keeps a letter from being put back whatever would become of it, if anything does."""
        data = letter.data
        fate: Fate
        if letter.erased:
            fate = "erased"
        elif letter.withheld:
            fate = "withheld"
        elif data.id in redriven:
            fate = "redriven_before"
        elif data.topic in self._limits and record_size(output(letter)) > self._limits[data.topic]:
            fate = "too_large"
        else:
            return None
        return Rejudged(letter, fate, data.reason, data.errors)

    def _again(self, letter: Letter, memory: Memory) -> Rejudged:
        original = letter.original
        memory.number = original.partition
        try:
            if original.topic == INPUT:
                return _judged(letter, self._verdict(original, memory), memory)
            memory.written.update(self._handler(original, memory).writes)
        except Exception as error:  # that it fails again is the answer
            refusal = unexpected(error)
            return Rejudged(letter, "failed", refusal.reason, refusal.errors)
        return Rejudged(letter, "worked")

    def _verdict(self, original: InputRecord, memory: Memory) -> Verdict:
        """Return what intake says in the end, which for a record that it rekeys is what it says then."""
        verdict = self._intake.judge(original, memory)
        if not isinstance(verdict, Rekeyed):
            return verdict
        memory.number = verdict.partition
        return self._intake.judge(original._replace(key=verdict.key, partition=verdict.partition), memory)


def _judged(letter: Letter, verdict: Verdict, memory: Memory) -> Rejudged:
    match verdict:
        case Routed(receipt=receipt):
            memory.written.update(verdict.writes)
            return Rejudged(
                letter, "routed", scheme=receipt.scheme, case=receipt.case, recipients=receipt.recipients
            )
        case Duplicate(receipt=receipt):
            return Rejudged(
                letter,
                "routed_since",
                scheme=receipt.scheme,
                case=receipt.case,
                recipients=receipt.recipients,
            )
        case Refused(refusal=refusal):
            return Rejudged(letter, "refused", refusal.reason, refusal.errors)
        case Rekeyed():
            raise ValueError("a record under its own key is not rekeyed")
        case _:
            assert_never(verdict)
