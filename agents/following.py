"""How an agent's world changes while it works: versions of the scheme as they are published.

What is published is judged as `l233 scheme publish` judged it, by this worker's own trusted keys; a version
that may not be in force is told in the log and changes nothing.
"""

from collections.abc import Mapping, Sequence
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
from streaming.broadcast import Broadcast
from streaming.records import Record

SCHEME_TOPIC: Final = "l233.scheme"
_log = structlog.get_logger(__name__)


class NoSchemeError(Exception):
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
        self._judged: set[tuple[str, str]] = set()

    @property
    def broadcast(self) -> Broadcast:
        """What a worker follows so that its world changes with the scheme."""
        return Broadcast(SCHEME_TOPIC, self.take)

    def take(self, records: Sequence[Record]) -> None:
        """Take what was published, in order. Raises NoSchemeError while there is no version at all."""
        for version in versions_in(records):
            self._judge(version)
        if not self._world.rulebook.schemes:
            raise NoSchemeError(
                "no version of the scheme may be in force: the shipped one is an example, which production "
                "refuses, and none is published that the trusted keys signed: `l233 scheme publish FILE`"
            )

    def _judge(self, version: SchemeVersion) -> None:
        identity = version.scheme, version.sha256
        if identity in self._judged:
            return
        self._judged.add(identity)
        known = self._world.rulebook.schemes
        for signed in admitted([version], self._world, self._trusted):
            self._world.rulebook = Rulebook((*known, signed.scheme))
            since = signed.scheme.in_force.isoformat()
            _log.info("scheme_adopted", scheme=signed.scheme.version, in_force=since)


def admitted(versions: Sequence[SchemeVersion], world: World, trusted: Trusted) -> list[Signed]:
    """Return those of the published versions that may be in force beside those the world has, in order.

    One that the world has already is left out; one that may not be in force is told in the log.
    """
    known = list(world.rulebook.schemes)
    found: list[Signed] = []
    for version in versions:
        if any((one.version, one.hash) == (version.scheme, version.sha256) for one in known):
            continue
        try:
            signed = admit(version, known, world.directory, trusted)
        except SchemeError as error:
            _log.error("scheme_refused", scheme=version.scheme, what=str(error))
            continue
        known.append(signed.scheme)
        found.append(signed)
    return found


def versions_in(records: Sequence[Record]) -> list[SchemeVersion]:
    """Return the versions among what the topic says; what is no version of ours is told in the log."""
    found = []
    for record in records:
        if _headers(record).get("ce_type") != SCHEME_VERSION_TYPE.encode() or record.value is None:
            continue
        try:
            found.append(SCHEME_VERSION.validate_json(record.value))
        except ValidationError as error:
            _log.error("scheme_unreadable", offset=record.offset, what=error.title)
    return found


def _headers(record: Record) -> Mapping[str, bytes]:
    return dict(record.headers)
