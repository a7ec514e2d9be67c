"""What every agent knows: scheme versions and yearly parameters, organisms and territories, topics."""

from dataclasses import dataclass, field

import scheme
from agents.sealers import Sealers, example_sealers
from coordination.directory import Directory
from coordination.outages import NO_OUTAGES, Outages
from coordination.rights import Parameters, parse_parameters
from coordination.rulebook import Rulebook
from streaming.topics import Registry


@dataclass(slots=True)
class World:
    """The data that decisions are made from.

    Read when a worker starts; of it only `rulebook` changes later, replaced as a whole between two records
    when a version of the scheme is published. Handlers look it up here for each record and keep no copy.
    """

    rulebook: Rulebook
    directory: Directory
    registry: Registry
    parameters: Parameters = field(default_factory=lambda: parse_parameters(scheme.parameters()))
    outages: Outages = NO_OUTAGES
    """When an organism's own system is out of order."""
    sealers: Sealers = field(default_factory=example_sealers)
    """Who signs how far what was decided is sealed."""
