"""What every agent knows: scheme versions and yearly parameters, organisms and territories, topics."""

from dataclasses import dataclass, field

import scheme
from coordination.directory import Directory
from coordination.rights import Parameters, parse_parameters
from coordination.rulebook import Rulebook
from streaming.topics import Registry


@dataclass(frozen=True, slots=True)
class World:
    """The data that decisions are made from. Read once when a worker starts."""

    rulebook: Rulebook
    directory: Directory
    registry: Registry
    parameters: Parameters = field(default_factory=lambda: parse_parameters(scheme.parameters()))
