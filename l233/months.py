"""The months of the demonstration: its stories, played on a clock that it moves, and what was said by whom.

On the way the next version of the scheme is published, and comes into force while the workers work.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from agents.missions.retirement import mismatch_case
from agents.world import World
from coordination.instants import PARIS
from coordination.rulebook import Rulebook
from coordination.scheme_version import Signed
from l233 import rehearsal_input, scheme_publishing
from l233.day.stories import Story, stories
from l233.event_file import Line
from l233.example_scheme import next_version
from l233.playing import Step, plan, play
from l233.reference import world
from l233.rehearsal import EMITTED as TOPICS
from l233.running import System
from l233.settings import Settings
from l233.trust import trusted
from schemas.emitted import EMITTED
from schemas.events import TYPE_PREFIX
from schemas.inputs import INPUTS
from schemas.scheme import LIFE
from schemas.topics import INPUT, QUALITY, SCHEME
from streaming.client import Connection
from streaming.reading import reader

BEGIN: Final = datetime(2026, 1, 10, 9, tzinfo=PARIS)
END: Final = datetime(2026, 10, 4, 23, 59, 59, tzinfo=PARIS)
"""The day of the demonstration comes after it."""
VERSION: Final = "2026-07"
_IN_FORCE: Final = datetime(2026, 7, 1, tzinfo=PARIS)
TYPES: Final = tuple(dict.fromkeys((*INPUTS, *EMITTED, *LIFE)))
"""Every event type there is, by name: taken in, emitted by agents, told of the scheme."""


@dataclass(frozen=True, slots=True)
class Months:
    """Everything that the months will be, known beforehand."""

    stories: Sequence[Story]
    steps: Sequence[Step]
    version: Signed

    @property
    def events(self) -> int:
        """How many events come in."""
        return sum(len(story.lines) for story in self.stories)

    @property
    def names(self) -> Counter[str]:
        """The events that come in, by name."""
        return Counter(name for story in self.stories for name in story.names)


def prepare(settings: Settings) -> Months:
    """Rehearse the stories, by the scheme as it will be."""
    known = world(settings)
    version = next_version(VERSION, _IN_FORCE, BEGIN - timedelta(days=1), known.directory)
    known.rulebook = Rulebook((*known.rulebook.schemes, version.scheme))
    told = stories()
    lines = [line for story in told for line in story.lines]
    inputs = rehearsal_input.in_order(
        (Line(number, line) for number, line in enumerate(lines, 1)),
        known.registry.topics[INPUT].partitions,
    )
    return Months(told, plan(inputs, known, rehearsal_input.milliseconds(END)), version)


async def live(system: System, clock: Path, months: Months, on_step: Callable[[int], None]) -> None:
    """Publish the next version of the scheme, and play the stories.

    Raises L233Error when something that was rehearsed does not come.
    """
    connection = system.settings.connection()
    known: World = world(system.settings)
    await scheme_publishing.publish(months.version, known, trusted(system.settings), connection)
    await play(connection, clock, months.steps, on_step)


def cases(story: Story) -> Sequence[str]:
    """Return the ids of the cases of a story that are worth telling."""
    own = [story.case(name) for name in story.cases]
    if "income.declared" in story.names:
        own.append(mismatch_case(story.subject, 2025))
    return own


async def said(connection: Connection) -> Mapping[str, int]:
    """Return how many events l233 itself has said so far, by name."""
    counts: Counter[str] = Counter()
    async with reader(connection) as reading:
        ends = await reading.ends(await reading.places([*TOPICS, QUALITY, SCHEME]))
        async for records in reading.read(ends):
            for record in records:
                headers = dict(record.headers)
                if headers.get("ce_source", b"").startswith(b"urn:l233:"):
                    type_ = headers["ce_type"].decode()
                    counts[type_.removeprefix(TYPE_PREFIX).rpartition(".")[0]] += 1
    return counts
