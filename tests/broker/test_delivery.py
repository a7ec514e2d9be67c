"""Delivery on a real Kafka: nothing lost, nothing twice, whatever fails; one record's failure is its own."""

import asyncio
import shutil
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.fetch import FetchRequest
from confluent_kafka import Producer

from streaming import changelog
from streaming.errors import LaneBroken, NoProgress, TooManyUnexpected
from streaming.records import Output, Record, Result, State
from streaming.store import Store
from tests.broker.delivery import Bench, count_per_key, per_key, records, unbroken

Scenario = Callable[[Bench], Coroutine[Any, Any, None]]


@pytest.fixture
def bench(bootstrap: str, tmp_path: Path) -> Bench:
    """Topics of this test's own."""
    found = Bench(bootstrap, tmp_path)
    asyncio.run(found.create_topics())
    return found


def test_every_record_is_worked_once_and_in_order(bench: Bench) -> None:
    """A worker that starts after the records were written works all of them, per key in order."""
    values = records(5_000)

    async def scenario() -> None:
        await bench.feed(values)
        async with bench.worker():
            assert unbroken(await bench.counted(len(values)), per_key(values))

    asyncio.run(scenario())


def test_a_restart_goes_on_where_the_last_commit_left_off(bench: Bench) -> None:
    """Stopped and started again, with its state folder, a worker repeats nothing."""
    first, second = records(1_000), records(1_000)

    async def scenario() -> None:
        await bench.feed(first)
        async with bench.worker():
            await bench.counted(len(first))
        await bench.feed(second)
        async with bench.worker():
            assert unbroken(await bench.counted(2_000), per_key([*first, *second]))

    asyncio.run(scenario())


def test_state_comes_back_from_the_changelog_when_the_folder_is_lost(bench: Bench) -> None:
    """On a new machine the numbering goes on, since changelog and outputs were written together."""
    values = records(1_000)

    async def scenario() -> None:
        await bench.feed(values)
        async with bench.worker("old"):
            await bench.counted(len(values))
        shutil.rmtree(bench.folder / "old")
        await bench.feed(values)
        async with bench.worker("new"):
            assert unbroken(await bench.counted(2_000), per_key([*values, *values]))

    asyncio.run(scenario())


@pytest.mark.parametrize("spoil", ["ahead", "too old"])
def test_a_store_that_can_not_be_trusted_is_restored_in_full(bench: Bench, spoil: str) -> None:
    """A store beyond its changelog's end, or older than the deletions it keeps, is not built upon."""
    values = records(400)

    async def scenario() -> None:
        await bench.feed(values)
        async with bench.worker():
            await bench.counted(len(values))
        for number in range(4):
            store = Store(bench.connection().state / bench.name / str(number))
            applied = store.applied()
            assert applied is not None
            offset, written = applied
            poisoned: dict[bytes, bytes | None] = {f"k{i}".encode(): b"999" for i in range(40)}
            ahead = spoil == "ahead"
            store.apply(
                poisoned, next_offset=offset + 10**6 if ahead else offset, now_ms=written if ahead else 0
            )
            store.close()
        await bench.feed(values)
        async with bench.worker():
            assert unbroken(await bench.counted(800), per_key([*values, *values]))

    asyncio.run(scenario())


def test_one_poisonous_record_is_dead_lettered_alone(bench: Bench) -> None:
    """The records around it, of the same key and slice, are worked as if it had not been there."""
    values = records(2_000)
    poisoned = [*values[:700], ("k3", "poison"), *values[700:1_500], ("k5", "poison"), *values[1_500:]]

    async def scenario() -> None:
        await bench.feed(poisoned)
        async with bench.worker():
            assert unbroken(await bench.counted(len(values)), per_key(values))
            letters = await bench.read("dead", 2)
        assert sorted((letter.key, letter.value) for letter in letters) == [
            (b"k3", b"ValueError"),
            (b"k5", b"ValueError"),
        ]

    asyncio.run(scenario())


def test_a_handler_that_fails_on_record_after_record_stops_the_worker_uncommitted(bench: Bench) -> None:
    """A broken release does not dead-letter the whole stream: repaired, it works every record."""
    values = [(f"k{i % 4}", "poison") for i in range(500)]

    async def scenario() -> None:
        await bench.feed(values)
        async with bench.worker(limits=replace(bench.limits, unexpected_in_a_row=10)) as worker:
            with pytest.raises(TooManyUnexpected):
                await asyncio.wait_for(asyncio.shield(worker), 30)
        assert await bench.read("dead", 1, seconds=1) == []

        def repaired(record: Any, state: Any) -> Any:  # noqa: ANN401  a handler, whatever it is given
            return count_per_key(bench.topic("out"))(_Renamed(record), state)

        async with bench.worker(role=bench.role(repaired)):
            assert unbroken(await bench.counted(len(values)), per_key(values))

    asyncio.run(scenario())


class _Renamed:
    """A record whose value no longer offends."""

    def __init__(self, record: Any) -> None:  # noqa: ANN401  any record
        self._record = record
        self.value = b"antidote"

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the record has
        return getattr(self._record, name)


def test_when_even_the_dead_letter_can_not_be_written_nothing_is_committed(bench: Bench) -> None:
    """The worker ends with an error; the record is worked once its dead letters can be written."""
    values = [("k1", "a"), ("k1", "poison"), ("k1", "b")]

    async def scenario() -> None:
        await bench.feed(values)
        nowhere = bench.role(dead="no-such-topic")
        quick = replace(bench.limits, failures_in_a_row=1, request_timeout=1.5, close_timeout=0.5)
        async with bench.worker(role=nowhere, limits=quick) as worker:
            with pytest.raises(LaneBroken):
                await asyncio.wait_for(asyncio.shield(worker), 150)
        assert await bench.read("out", 1, seconds=1) == []
        async with bench.worker():
            assert await bench.counted(2) == {"k1": [1, 2]}
            assert len(await bench.read("dead", 1)) == 1

    asyncio.run(scenario())


def test_a_fenced_lane_opens_again_and_nothing_is_lost_or_repeated(bench: Bench) -> None:
    """Another writer with the lane's transactional id throws it out in the middle of its work."""
    values = records(6_000)

    async def scenario() -> None:
        async with bench.worker():
            feeding = asyncio.create_task(bench.feed(values))
            for _ in range(3):
                await bench.counted(500)
                for number in range(4):
                    intruder = AIOKafkaProducer(
                        bootstrap_servers=bench.bootstrap, transactional_id=f"l233.{bench.name}.{number}"
                    )
                    await intruder.start()
                    await intruder.stop()
                await bench.feed([("k0", "more")])
            await feeding
            expected = per_key([*values, *[("k0", "more")] * 3])
            assert unbroken(await bench.counted(expected.total()), expected)

    asyncio.run(scenario())


def test_workers_that_come_and_go_share_the_lanes_without_loss_or_repetition(bench: Bench) -> None:
    """Two more workers join and leave while records arrive: every key keeps its sequence."""
    values = records(12_000, keys=100)

    async def scenario() -> None:
        async with bench.worker("a"):
            feeding = asyncio.create_task(bench.feed(values[:6_000]))
            async with bench.worker("b"):
                await bench.counted(2_000)
                async with bench.worker("c"):
                    await bench.feed(values[6_000:9_000])
                    await bench.counted(6_000)
            await bench.feed(values[9_000:])
            await feeding
            assert unbroken(await bench.counted(len(values)), per_key(values))

    asyncio.run(scenario())


def test_a_lane_owns_its_number_of_every_input(bench: Bench) -> None:
    """Two input topics, two workers: a key's records of both are numbered in one sequence."""
    bench = replace(bench, name=f"{bench.name}x", inputs=("in", "other"))
    values = records(2_000)

    async def scenario() -> None:
        await bench.create_topics()
        async with bench.worker("a"), bench.worker("b"):
            await asyncio.gather(bench.feed(values), bench.feed(values, "other"))
            assert unbroken(await bench.counted(4_000), per_key([*values, *values]))

    asyncio.run(scenario())


def test_what_an_aborted_producer_wrote_is_not_worked(bench: Bench) -> None:
    """Inputs are read committed: a record of a transaction that was given up never happened."""

    async def scenario() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=bench.bootstrap, transactional_id=bench.name
        ) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(bench.topic("in"), b"never", key=b"k1")
            await producer.abort_transaction()
        await bench.feed([("k1", "real")])
        async with bench.worker():
            (output,) = await bench.read("out", 1)
            assert output.value == b"1 real"

    asyncio.run(scenario())


def test_a_lane_that_is_full_waits_and_loses_nothing(bench: Bench) -> None:
    """With room for a few records only, the inputs are paused and resumed until all are worked."""
    values = records(3_000)
    narrow = replace(bench.limits, lane_bytes=4_000, slice_records=20, slice_bytes=2_000)

    async def scenario() -> None:
        await bench.feed(values)
        async with bench.worker(limits=narrow):
            assert unbroken(await bench.counted(len(values)), per_key(values))

    asyncio.run(scenario())


def test_the_store_holds_exactly_what_the_changelog_holds(bench: Bench) -> None:
    """After a stop, a store rebuilt from nothing equals the one that was worked with."""
    values = records(2_000)

    async def scenario() -> None:
        await bench.feed(values)
        async with bench.worker():
            await bench.counted(len(values))
        for number in range(4):
            worked = Store(bench.connection().state / bench.name / str(number))
            rebuilt = Store(bench.folder / "rebuilt" / str(number))
            await changelog.restore(
                rebuilt,
                bench.topic("state"),
                number,
                bench.connection(),
                now_ms=bench.now_ms,
                tombstones_kept_ms=10**9,
            )
            assert worked.items() == rebuilt.items()
            assert (worked.applied() or (0,))[0] == (rebuilt.applied() or (0,))[0]
            assert worked.items()
            worked.close()
            rebuilt.close()

    asyncio.run(scenario())


def test_a_lane_waits_for_state_that_another_process_still_holds(bench: Bench) -> None:
    """A worker that replaces one which is slow to end takes over when it has; the other lanes do not wait."""
    values = records(400)

    async def scenario() -> None:
        held = Store(bench.connection().state / bench.name / "0")
        await bench.feed(values)
        elsewhere = sum(one.partition != 0 for one in await bench.read("in", len(values)))
        assert 0 < elsewhere < len(values)
        async with bench.worker():
            others = await bench.read("out", elsewhere)
            assert [one.partition for one in others].count(0) == 0
            held.close()
            assert unbroken(await bench.counted(len(values)), per_key(values))

    asyncio.run(scenario())


async def _in_one_transaction(bench: Bench, values: list[tuple[str, str]]) -> None:
    """Write records as another role would: a mark of the transaction follows them in the topic."""
    async with (
        AIOKafkaProducer(bootstrap_servers=bench.bootstrap, transactional_id=bench.name) as producer,
        producer.transaction(),
    ):
        for key, value in values:
            await producer.send(bench.topic("in"), value.encode(), key=key.encode())


def test_a_worker_that_has_worked_everything_is_not_taken_for_a_stuck_one(bench: Bench) -> None:
    """What other roles write ends in a mark that is no record: a lane that stands before it has no work."""
    values = records(40)
    impatient = replace(bench.limits, progress_timeout=2.0)

    async def scenario() -> None:
        await _in_one_transaction(bench, values)
        async with bench.worker(limits=impatient) as worker:
            assert unbroken(await bench.counted(len(values)), per_key(values))
            ended, _ = await asyncio.wait([worker], timeout=5)
            assert not ended, worker.exception()

    asyncio.run(scenario())


def test_a_lane_that_hangs_ends_the_worker(bench: Bench) -> None:
    """Records wait and their transaction can't end, since an output does not exist: that is no progress."""
    impatient = replace(bench.limits, progress_timeout=2.0, close_timeout=0.5)

    async def scenario() -> None:
        await _in_one_transaction(bench, [("k1", "a")])
        nowhere = bench.role(count_per_key("no-such-topic"))
        async with bench.worker(role=nowhere, limits=impatient) as worker:
            with pytest.raises(NoProgress):
                await asyncio.wait_for(asyncio.shield(worker), 60)

    asyncio.run(scenario())


def test_a_record_whose_dead_letter_is_too_large_is_isolated_without_its_content(bench: Bench) -> None:
    """A few bytes on the wire may unpack to megabytes: its lane must not stand still before it for ever."""

    def with_content(record: Record, error: Exception) -> list[Output]:
        told = f"{record.offset} {type(error).__name__}".encode()
        return [Output(bench.topic("dead"), record.key, told + (record.value or b""), record.headers)]

    async def scenario() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=bench.bootstrap, compression_type="gzip", max_request_size=10_000_000
        ) as producer:
            for value in (b"a", b"0" * 6_000_000, b"b"):
                await producer.send_and_wait(bench.topic("in"), value, key=b"k1")
        async with bench.worker(role=replace(bench.role(), dead_letter=with_content)):
            assert await bench.counted(2) == {"k1": [1, 2]}
            (letter,) = await bench.read("dead", 1)
        assert (letter.key, letter.value, tuple(letter.headers)) == (b"k1", b"1 RecordTooLarge", ())

    asyncio.run(scenario())


def test_a_state_that_would_not_fit_its_changelog_isolates_its_record(bench: Bench) -> None:
    """Else the changelog's refusal would fail the lane's transaction again and again."""
    count = count_per_key(bench.topic("out"))

    def grows(record: Record, state: State) -> Result:
        result = count(record, state)
        return result._replace(writes={b"much": b"0" * 1_200_000}) if record.value == b"grow" else result

    async def scenario() -> None:
        await bench.feed([("k1", "a"), ("k1", "grow"), ("k1", "b")])
        tight = replace(bench.limits, output_bytes=1_000_000)
        async with bench.worker(role=bench.role(grows), limits=tight):
            assert await bench.counted(2) == {"k1": [1, 2]}
            (letter,) = await bench.read("dead", 1)
            assert letter.value == b"RecordTooLarge"

    asyncio.run(scenario())


def test_an_output_too_large_for_its_own_topic_isolates_its_record(bench: Bench) -> None:
    """Topics take different sizes, as the input does, on which records are put back; many stop no worker."""
    values = [("k1", "a"), *[("k1", "b" * 3_000)] * 3, ("k1", "c")]

    async def scenario() -> None:
        await bench.feed(values)
        narrow = replace(bench.role(), takes={bench.topic("out"): 2_000})
        async with bench.worker(role=narrow, limits=replace(bench.limits, unexpected_in_a_row=2)):
            assert await bench.counted(2) == {"k1": [1, 2]}
            assert [letter.value for letter in await bench.read("dead", 3)] == [b"RecordTooLarge"] * 3

    asyncio.run(scenario())


def test_a_header_without_a_value_is_passed_on(bench: Bench) -> None:
    """Kafka allows it, so a record that has one and is put back as it came is not `unexpected`."""

    def copies(record: Record, state: State) -> Result:
        return Result([Output(bench.topic("out"), record.key, record.value, record.headers)])

    async def scenario() -> None:
        async with AIOKafkaProducer(bootstrap_servers=bench.bootstrap) as producer:
            await producer.send_and_wait(bench.topic("in"), b"a", key=b"k1", headers=[("empty", None)])
        async with bench.worker(role=bench.role(copies)):
            (output,) = await bench.read("out", 1)
            assert [(name, value is None) for name, value in output.headers] == [("empty", True)]

    asyncio.run(scenario())


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_records_are_worked_however_their_producer_compressed_them(bench: Bench, compression: str) -> None:
    """Every codec that Kafka knows: one that we could not read would stop the input for ever."""
    values = records(200)
    producer = Producer({"bootstrap.servers": bench.bootstrap, "compression.type": compression})
    for key, value in values:
        producer.produce(bench.topic("in"), value, key)
    assert producer.flush(30) == 0

    async def scenario() -> None:
        async with bench.worker():
            assert unbroken(await bench.counted(len(values)), per_key(values))

    asyncio.run(scenario())


def test_an_input_that_was_made_anew_is_worked_from_its_beginning(bench: Bench) -> None:
    """Its first records have offsets that the lane has behind it: they are not taken for worked ones."""
    first, second = records(400), records(100)

    async def scenario() -> None:
        await bench.feed(first)
        async with bench.worker():
            await bench.counted(len(first))
        await bench.delete("in")
        await bench.create("in")
        await bench.feed(second)
        async with bench.worker():
            assert unbroken(await bench.counted(500), per_key([*first, *second]))

    asyncio.run(scenario())


def test_an_input_that_a_role_no_longer_reads_may_go(bench: Bench) -> None:
    """Its position stays in the state, but the group is not told of a topic that Kafka does not have."""
    values = records(40)
    both = replace(bench, name=f"{bench.name}x", inputs=("in", "other"))

    async def scenario() -> None:
        await both.create_topics()
        await both.feed(values)
        await both.feed(values, "other")
        async with both.worker():
            await both.counted(80)
        await both.delete("other")
        one = replace(both, inputs=("in",))
        await one.feed(values)
        async with one.worker():
            assert unbroken(await one.counted(120), per_key([*values, *values, *values]))

    asyncio.run(scenario())


def test_a_busy_role_fetches_what_gathers_and_not_each_record(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka holds a fetch back while more comes: a fetch for every few records would cost more than the work.

    It is also the canary for how aiokafka is told: at its next release the way to say so may be another.
    """
    fetches = 0
    send = AIOKafkaConnection.send

    def counting(connection: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:  # noqa: ANN401  aiokafka's own
        nonlocal fetches
        fetches += type(request) is FetchRequest
        return send(connection, request, expect_response)

    async def scenario() -> None:
        nonlocal fetches
        async with (
            bench.worker(role=replace(bench.role(), gather=2.0)),
            AIOKafkaProducer(bootstrap_servers=bench.bootstrap) as producer,
        ):
            await bench.feed(records(40))
            await bench.counted(40)
            monkeypatch.setattr(AIOKafkaConnection, "send", counting)
            began = time.monotonic()
            for number in range(100):
                await producer.send_and_wait(bench.topic("in"), b"v%d" % number, key=b"k%d" % (number % 40))
                await asyncio.sleep(0.01)
            seconds = time.monotonic() - began
            monkeypatch.undo()
            await bench.counted(140)
        assert fetches <= 5 + seconds * 4, f"{fetches} fetches in {seconds:.1f} s"

    asyncio.run(scenario())


def test_an_idle_lane_begins_at_once_and_a_full_one_too(bench: Bench) -> None:
    """Gathering is for what is neither: here it would take longer than the test waits."""
    # A fetch is not held back until more is there: the lane alone is looked at.
    bench.limits = replace(bench.limits, slice_records=200, fetch_bytes=1)
    values = records(5_000)

    async def scenario() -> None:
        async with bench.worker(role=replace(bench.role(), gather=60.0)):
            await bench.feed(records(4, keys=1))
            assert len(await bench.read("out", 4, seconds=20)) == 4
            await bench.feed(values)
            assert len(await bench.read("out", 4_000, seconds=40)) >= 4_000

    asyncio.run(scenario())
