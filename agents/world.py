"""What every agent knows: the scheme's versions, the organisms and territories, and the topics."""

from dataclasses import dataclass

from coordination.directory import Directory
from coordination.rulebook import Rulebook
from streaming.topics import Registry


@dataclass(frozen=True, slots=True)
class World:
    """The data that decisions are made from. Read once when a worker starts."""

    rulebook: Rulebook
    directory: Directory
    registry: Registry
