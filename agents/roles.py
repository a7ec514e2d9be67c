"""Every role by name: its handler over its topics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

import scheme
from agents import intake
from agents.acoss import Acoss
from agents.audit import Audit
from agents.carsat import Carsat
from agents.cases import Cases
from agents.cgss import Cgss
from agents.cnam import Cnam
from agents.cnav import Cnav
from agents.cpam import Cpam
from agents.emission import unexpected_dead_letter
from agents.following import example_trust, shipped_schemes
from agents.missions import handover
from agents.quality import Quality
from agents.urssaf import Urssaf
from agents.witness import Witness
from agents.world import World
from coordination.directory import parse_directory
from coordination.quality_objectives import read_objectives
from coordination.rulebook import Rulebook
from coordination.signing import Trusted
from streaming.handling import GATHER, Role
from streaming.parking import never_awaited
from streaming.records import Handler, Output, Record
from streaming.topics import Registry

ORGANISMS = (Cpam, Urssaf, Carsat, Cgss, Cnam, Cnav, Acoss)
_ORGANISM_NAMES = frozenset(organism.agent for organism in ORGANISMS)
_HANDLERS: Mapping[str, Callable[[World], Handler]] = {
    "intake": intake.IntakeAgent,
    **{organism.agent: organism for organism in ORGANISMS},
    "cases": Cases,
    "quality": lambda _: Quality(read_objectives("quality.yaml", scheme.quality())),
    "audit": lambda world: Audit(_there("audit", world.sealers.sealing)),
    "witness": lambda world: Witness(_there("witness", world.sealers.witnessing)),
}
NAMES: Sequence[str] = tuple(_HANDLERS)
LOOKING_ON: Sequence[str] = ("quality", "audit", "witness")
ACTING: Sequence[str] = tuple(name for name in NAMES if name not in LOOKING_ON)
"""The roles that make what happens."""


_GATHER: Mapping[str, float] = {"intake": 0.14, "cases": 0.5, "quality": 2.0, "audit": 5.0, "witness": 1.0}
"""Where a busy lane gathers longer than the usual 0.1 s. What intake commits together reaches the organisms
together, so they need not gather again; for cases, quality and what is sealed nobody waits."""
_NICE: Mapping[str, int] = {"cases": 5, "quality": 5, "audit": 10, "witness": 10}
"""Roles that stand back, where they share a machine, for those that pass an event on and answer it."""
_SEALING: Final = frozenset({"audit", "witness"})
"""What is sealed is the records as they stand, veiled."""

T = TypeVar("T")


class UnknownRoleError(ValueError):
    """No role has this name."""


class NoSealKeyError(ValueError):
    """A role that signs has no key."""


def load_world(registry: Registry, trusted: Trusted | None = None) -> World:
    """Return the world of the shipped scheme versions, organisms and territories.

    Without `trusted`, the example keys may sign. Raises SchemeError for a shipped version that was altered.
    """
    directory = parse_directory(scheme.organisms(), scheme.territories())
    shipped = shipped_schemes(directory, example_trust() if trusted is None else trusted)
    return World(Rulebook(shipped), directory, registry)


def roles(names: Iterable[str], world: World) -> list[Role]:
    """Return the roles of these names, in order, each once.

    Raises `UnknownRoleError` for a name that is none, `NoSealKeyError` for a role that lacks its key.
    """
    return [_role(name, world) for name in dict.fromkeys(names)]


def _role(name: str, world: World) -> Role:
    if name not in _HANDLERS:
        raise UnknownRoleError(f"unknown role {name!r}: known are {', '.join(NAMES)}")
    topics = world.registry.roles[name]
    return Role(
        name=name,
        inputs=tuple(topics.inputs),
        changelog=topics.state,
        handler=_HANDLERS[name](world),
        dead_letter=intake.failed if name == intake.ROLE else partial(_isolate, name),
        tombstones_kept_ms=world.registry.topics[topics.state].delete_retention_ms,
        awaited=handover.brings_account if name in _ORGANISM_NAMES else never_awaited,
        takes={topic: world.registry.topics[topic].max_message_bytes for topic in topics.all},
        gather=_GATHER.get(name, GATHER),
        reads="as_written" if name in _SEALING else "plain",
        nice=_NICE.get(name, 0),
    )


def _there(role: str, found: T | None) -> T:
    if found is None:
        raise NoSealKeyError(f"the role {role} signs checkpoints and has no key")
    return found


def _isolate(name: str, record: Record, error: Exception) -> Sequence[Output]:
    return unexpected_dead_letter(name, record, error)
