"""Ten thousand broken records: each ends in exactly one place, and no worker dies of any of them."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from random import Random

from coordination.conservation import Account
from l233 import settings as configuration
from l233.day import GeneratedRecord, generate
from l233.following import Follower
from l233.local_kafka import temporary
from l233.running import System, passing
from schemas.envelope import STRUCTURED, Headers
from schemas.topics import INPUT
from streaming.posting import poster
from streaming.records import Output
from streaming.topics import Registry

COUNT = 10_000
SEED = 233
LIMIT = 1_048_588
"""Bytes that the input topic takes for a batch with one record. Source: topics.yaml."""
SETTLE_SECONDS = 300

Broken = tuple[bytes | None, Headers]
Break = Callable[[Random, GeneratedRecord], Broken]


def random_bytes(random: Random, record: GeneratedRecord) -> Broken:
    """Noise, as the value of an event or of nothing at all."""
    noise = random.randbytes(random.randrange(400))
    return noise, random.choice([(), record.headers, ((f"h{noise[:3].hex()}", noise),)])


def mutated(random: Random, record: GeneratedRecord) -> Broken:
    """Right JSON with a few bytes changed, dropped or added."""
    value = bytearray(record.value or b"{}")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(value) + 1)
        value[at : at + random.choice([0, 1, 1, 5])] = random.randbytes(random.randrange(3))
    return bytes(value), record.headers


def nested(random: Random, record: GeneratedRecord) -> Broken:
    """Brackets within brackets, closed or not."""
    deep = random.choice([50, 1_000, 100_000])
    opening, closing = random.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return opening * deep + b"1" + closing * random.choice([0, deep]), record.headers


def not_utf8(random: Random, record: GeneratedRecord) -> Broken:
    """Text that is no UTF-8, in the data or in a header."""
    broken = bytes([random.choice([0x80, 0xC0, 0xFE, 0xFF])]) + b"\xed\xa0\x80"
    if random.random() < 0.5:
        return (record.value or b"{}").replace(b'"', b'"' + broken, 1), record.headers
    at = random.randrange(max(len(record.headers), 1))
    spoilt = [(name, broken if n == at else value) for n, (name, value) in enumerate(record.headers)]
    return record.value, spoilt


def tombstone(_: Random, record: GeneratedRecord) -> Broken:
    """No value at all."""
    return None, record.headers


def odd_headers(random: Random, record: GeneratedRecord) -> Broken:
    """Headers that stand twice, are missing, are empty or are ours."""
    headers = [entry for entry in record.headers if random.random() < 0.8]
    headers += random.sample(list(record.headers), k=min(2, len(record.headers)))
    headers.append((random.choice(["ce_data", "ce_é", "ce_", "", "l233-mandate", "l233-input"]), b"\x00"))
    random.shuffle(headers)
    return record.value, headers


def structured(random: Random, record: GeneratedRecord) -> Broken:
    """Wrap what is no event in the structured mode."""
    inner = random.choice([b"null", b"[]", b'"text"', b"1e400", b'{"specversion":"1.0"}', record.value])
    return inner, (("content-type", random.choice([STRUCTURED, f"{STRUCTURED}-batch"]).encode()),)


BREAKS: tuple[Break, ...] = (
    random_bytes, mutated, nested, not_utf8, tombstone, odd_headers, structured
)  # fmt: skip


def large(record: GeneratedRecord, size: int) -> GeneratedRecord:
    """Return an event that fills the input's limit, but for `size` bytes."""
    around = 120 + len(record.key or b"") + sum(len(name) + len(value) + 12 for name, value in record.headers)
    text = "x" * (LIMIT - around - size - 16)
    value = json.dumps({"place": text}).encode()
    return GeneratedRecord(record.key, value, record.headers, record.partition, record.expected, record.name)


def broken_day(random: Random) -> Iterator[Output]:
    """Yield broken records under right, wrong and missing keys; a few of them as large as may be."""
    whole = cycle([one for one in generate(SEED, 3_000, date(2026, 3, 2)) if one.value and one.headers])
    for number, record in enumerate(islice(whole, COUNT)):
        if number % 1_000 == 500:
            filled = large(record, random.randrange(200))
            yield Output(INPUT, record.key, filled.value, record.headers)
            yield Output(INPUT, b"another", filled.value, record.headers)
            continue
        value, headers = random.choice(BREAKS)(random, record)
        key = random.choice([record.key, record.key, b"another", random.randbytes(5), None])
        if value is None:
            key = key or b""  # aiokafka sends no record that has neither
        yield Output(INPUT, key, value, headers, random.choice([None, None, random.randrange(4)]))


async def published_and_settled(system: System) -> tuple[int, Account]:
    """Publish the broken day, then a whole one; return how many records that was, and the account."""
    connection = system.settings.connection()
    async with poster(connection) as writer, Follower(connection, system.registry) as follower:
        count = 0
        records = broken_day(Random(SEED))
        while chunk := list(islice(records, 500)):
            count += len(await writer.put(chunk))
        afterwards = [
            Output(INPUT, one.key, one.value, one.headers, one.partition)
            for one in generate(SEED + 1, 300, date(2026, 3, 3))
        ]
        count += len(await writer.put(afterwards))
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            account = await follower.look()
            system.workers.require_alive()
            if account.total.received >= count and await follower.settled(account):
                return count, account
            assert time.monotonic() < deadline, f"not settled: {account.total}"
            await asyncio.sleep(0.5)


def test_ten_thousand_broken_records_each_end_in_one_place(tmp_path: Path) -> None:
    """Whatever is sent ends routed, a duplicate, a dead letter or put back; and the next day is worked."""
    with temporary() as kafka, passing(kafka, configuration.load(), Registry.load(), tmp_path) as system:
        count, account = asyncio.run(published_and_settled(system))
    assert count >= COUNT
    assert account.total.received == count + account.total.rekeyed
    assert account.total.residual == 0
    assert account.repeated == 0
    assert account.isolated == 0
    assert account.total.routed > 200, "the whole day after the broken one is routed"
