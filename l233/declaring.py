"""Puts outages of organisms on l233.outages, and reads those that stand there."""

from collections.abc import Mapping
from typing import Final

from agents.outages import declared_in
from coordination.ids import uuid5
from schemas.envelope import pack_binary
from schemas.outages import OUTAGE, OUTAGE_TYPE, DeclaredOutage
from schemas.topics import OUTAGES
from streaming.client import Connection
from streaming.posting import poster
from streaming.reading import reader
from streaming.records import Output

SOURCE: Final = "urn:l233:operators"


async def standing(connection: Connection) -> Mapping[bytes, DeclaredOutage]:
    """Return every outage that is declared and not withdrawn. Raises KafkaError, TopicMissingError."""
    async with reader(connection) as source:
        ends = await source.ends(await source.places([OUTAGES]))
        return declared_in([record async for batch in source.read(ends) for record in batch])


async def declare(connection: Connection, outages: Mapping[bytes, DeclaredOutage], at: str) -> None:
    """Declare outages, or say anew when they end; `at` is when that is said. Raises KafkaError."""
    async with poster(connection) as posts:
        await posts.put([_output(key, outage, at) for key, outage in outages.items()])


async def withdraw(connection: Connection, key: bytes) -> None:
    """Take an outage back that never was. Raises KafkaError."""
    async with poster(connection) as posts:
        await posts.put([Output(OUTAGES, key, None)])


def key_of(organism: str, starts: str) -> bytes:
    """Return the key of an outage: it is the same one as long as organism and start are."""
    return f"{organism}/{starts}".encode()


def _output(key: bytes, outage: DeclaredOutage, at: str) -> Output:
    said = {
        "id": uuid5("outage", outage.organism, outage.starts, outage.ends or "", at),
        "source": SOURCE,
        "type": OUTAGE_TYPE,
        "subject": f"organism:{outage.organism}",
        "time": at,
    }
    headers, value = pack_binary(said, OUTAGE.dump_json(outage))
    return Output(OUTAGES, key, value, headers)
