"""How an agent's world changes while it works: versions of the scheme as they are published.

What is published is judged as `l233 scheme publish` judged it, by this worker's own trusted keys; a version
that may not be in force is told in the log and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import ValidationError

import scheme
from agents.world import World
from coordination.directory import Directory
from coordination.rulebook import Rulebook, Scheme
from coordination.scheme_file import SchemeError
from coordination.scheme_version import Files, Signed, admit, faults, gaps, read_signed, refuse
from coordination.signing import Trusted, trust
from schemas.scheme import SCHEME_VERSION, SCHEME_VERSION_TYPE, SchemeVersion
from schemas.topics import SCHEME
from streaming.broadcast import Broadcast
from streaming.errors import DeliveryError
from streaming.records import Record

_TYPE: Final = "ce_type"
_log = structlog.get_logger(__name__)


class NoSchemeError(DeliveryError):
    """No version of the scheme may be in force: nothing can be routed (CSS art. L233-1)."""


def example_trust() -> Trusted:
    """Return the keys that signed the shipped example: everybody has them."""
    return trust(scheme.example_keys())


def shipped_schemes(directory: Directory, trusted: Trusted) -> list[Scheme]:
    """Return the versions that came with the program and that trusted keys have signed.

    One that others signed is left out: so is the example, in production.

    Raises:
        SchemeError: for a version that was altered after it was signed, or never was.
    """
    signatures = scheme.signatures()
    found = []
    for name, text in scheme.versions().items():
        beside = name.replace(".yaml", ".signatures.json")
        signed = read_signed(Files(name, text, beside, signatures.get(name)), directory)
        wrong = faults(signed, trusted)
        refuse(signed, [fault for fault in wrong if fault.reason != "untrusted_key"] or gaps(signed))
        if not wrong:
            found.append(signed.scheme)
    return found


class PublishedSchemes:
    """The versions that are in force or will be: those shipped, then those published, each judged once."""

    def __init__(self, world: World, trusted: Trusted) -> None:
        self._world = world
        self._trusted = trusted
        self._refused: set[SchemeVersion] = set()

    @property
    def broadcast(self) -> Broadcast:
        """What a worker follows so that its world changes with the scheme."""
        return Broadcast(SCHEME, self.take)

    def take(self, records: Sequence[Record]) -> None:
        """Take what was published, in order. Raises NoSchemeError while there is no version at all."""
        told = told_on_topic(records)
        for offset in told.unreadable:
            _log.error("scheme_unreadable", offset=offset)
        new = [version for version in told.versions if version not in self._refused]
        judged = judge(new, self._world, self._trusted)
        for version, why in judged.refused:
            self._refused.add(version)
            _log.error("scheme_refused", scheme=version.scheme, what=why)
        if judged.admitted:
            more = [signed.scheme for signed in judged.admitted]
            self._world.rulebook = Rulebook((*self._world.rulebook.schemes, *more))
            for scheme_ in more:
                _log.info("scheme_adopted", scheme=scheme_.version, in_force=scheme_.in_force.isoformat())
        if not self._world.rulebook.schemes:
            raise NoSchemeError(
                "no version of the scheme may be in force: the shipped one is an example, which production "
                "refuses, and none is published that the trusted keys signed: `l233 scheme publish FILE`"
            )


@dataclass(frozen=True, slots=True)
class Told:
    """What the topic of the scheme says: versions in order; and the offsets of what can't be read as one."""

    versions: tuple[SchemeVersion, ...]
    unreadable: tuple[int, ...]


def told_on_topic(records: Sequence[Record]) -> Told:
    """Read the versions among the records of the topic; their life as events lies beside them."""
    versions: list[SchemeVersion] = []
    unreadable: list[int] = []
    for record in records:
        if record.value is None or (_TYPE, SCHEME_VERSION_TYPE.encode()) not in record.headers:
            continue
        try:
            versions.append(SCHEME_VERSION.validate_json(record.value))
        except ValidationError:
            unreadable.append(record.offset)
    return Told(tuple(versions), tuple(unreadable))


@dataclass(frozen=True, slots=True)
class Judged:
    """Which published versions may be in force beside those the world has, and which not, and why."""

    admitted: tuple[Signed, ...]
    refused: tuple[tuple[SchemeVersion, str], ...]


def judge(versions: Sequence[SchemeVersion], world: World, trusted: Trusted) -> Judged:
    """Judge published versions in order. One that the world has already is left out."""
    known = list(world.rulebook.schemes)
    found: list[Signed] = []
    refused: list[tuple[SchemeVersion, str]] = []
    for version in versions:
        if any((one.version, one.hash) == (version.scheme, version.sha256) for one in known):
            continue
        try:
            signed = admit(version, known, world.directory, trusted)
        except SchemeError as error:
            refused.append((version, str(error)))
        else:
            known.append(signed.scheme)
            found.append(signed)
    return Judged(tuple(found), tuple(refused))
