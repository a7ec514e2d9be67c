"""Puts a version of the scheme on l233.scheme, or says why it may not be there; reads what is there.

One publisher at a time, and what it decides by is what it has read after it became the one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from agents.following import judge, told_on_topic
from agents.world import World
from coordination.rulebook import Rulebook
from coordination.scheme_life import Said, on_publication
from coordination.scheme_version import Signed, require_in_force_to_be
from coordination.signing import Trusted
from l233.errors import L233Error
from l233.reference import world
from l233.settings import Settings
from l233.trust import trusted
from schemas.envelope import pack_binary
from schemas.scheme import SchemeVersion
from schemas.topics import SCHEME
from streaming.client import Connection
from streaming.posting import exclusive_poster
from streaming.reading import reader
from streaming.records import Output

SOURCE = "urn:l233:scheme"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a version: what was told of it; nothing when it was published before."""

    version: Signed
    at: str
    said: tuple[Said, ...]


async def publish(signed: Signed, known: World, keys: Trusted, connection: Connection) -> Published:
    """Publish a version beside those that are shipped and published.

    Raises SchemeError for what speaks against it, OvertakenError when another publisher began meanwhile,
    KafkaError, TopicMissingError.
    """
    async with exclusive_poster(connection, "l233.scheme-owners") as poster:
        records = await read(connection)
        this = signed.scheme
        for record in records:
            if (record.scheme, record.sha256) == (this.version, this.hash):
                return Published(signed, record.published, ())
        admitted = judge(records, known, keys).admitted
        there = [*known.rulebook.schemes, *(one.scheme for one in admitted)]
        others = [other for other in there if (other.version, other.hash) != (this.version, this.hash)]
        now = instant(connection)
        require_in_force_to_be(signed, now, others, keys)
        at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = on_publication(signed, at, others)
        await poster.put([_output(one) for one in said])
        return Published(signed, at, said)


async def published_world(settings: Settings) -> World:
    """Return what workers know now: the versions that are shipped, and those published.

    Raises BadInput, KafkaError, TopicMissingError; L233Error where no version at all may be in force.
    """
    known = world(settings)
    fit = judge(await read(settings.connection()), known, trusted(settings)).admitted
    known.rulebook = Rulebook((*known.rulebook.schemes, *(one.scheme for one in fit)))
    if not known.rulebook.schemes:
        raise L233Error("no version of the scheme may be in force: publish one, `l233 scheme publish FILE`")
    return known


def instant(connection: Connection) -> datetime:
    """Return what time it is: by the clock that workers keep to, so that demonstrations can move it."""
    return _EPOCH + timedelta(milliseconds=connection.clock.now_ms())


async def read(connection: Connection) -> tuple[SchemeVersion, ...]:
    """Return every version that was published, in order; what can't be read as one is passed over."""
    async with reader(connection) as source:
        ends = await source.ends(await source.places([SCHEME]))
        return told_on_topic([record async for batch in source.read(ends) for record in batch]).versions


def _output(said: Said) -> Output:
    attributes = {"id": said.id, "source": SOURCE, "type": said.type, "time": said.time}
    headers, value = pack_binary({**attributes, "subject": said.subject}, said.payload)
    return Output(SCHEME, said.key.encode(), value, headers)
