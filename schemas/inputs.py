"""Everything that is taken in on `l233.events`: the events of the table and the follow-ups on their cases."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.events import CONTRACTS, EventData, type_of
from schemas.follow_ups import FOLLOW_UPS

INPUTS: Final[Mapping[str, type[EventData]]] = MappingProxyType({**CONTRACTS, **FOLLOW_UPS})
"""Event name -> model of its data."""

EVENT_NAMES: Final[Mapping[str, str]] = MappingProxyType({type_of(name): name for name in INPUTS})
"""CloudEvents type -> event name, for every type that is taken in."""
