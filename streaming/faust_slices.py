"""The Faust seam: a transport that hands an agent one slice of a partition as one Faust event.

Faust keeps what it is good at here: group membership, co-partitioned assignment, agents. What it costs
per message (about 100 µs) is paid once per slice, and offsets are committed by our transactions alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import aiokafka
import structlog
from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode.utils.futures import maybe_async

from streaming.records import Slice

if TYPE_CHECKING:
    from streaming.faust_role import RoleApp


_log = structlog.get_logger(__name__)
ASK_SECONDS = 10.0
"""How long a broker may take to say how far an input goes."""
_IDLE_MS: Final = 500
"""How long a broker holds a fetch back while there is nothing."""
_LOOK_AGAIN: Final = 0.02
"""Seconds until a consumer that may fetch nothing looks again."""


class SliceThread(driver.AIOKafkaConsumerThread):
    """Faust's seat of the consumer, here without a thread: it lives in the loop that its lanes live in.

    In a thread of its own each fetch changes threads four times, and each time waits while a lane computes.
    """

    _busy = False

    async def start(self) -> None:
        """Start the consumer in this loop."""
        self._thread_started.set()
        await self._default_start()
        await self.on_thread_started()

    async def on_start(self) -> None:
        """Start the consumer, and wait until Kafka tells of all that it is to read.

        Of a topic that a broker does not know yet, since it was made an instant ago, the group would assign
        nothing, and look again after minutes.
        """
        await super().on_start()
        app: RoleApp = self.consumer.app
        inputs, consumer = set(app.lanes.role.inputs), self._ensure_consumer()
        until = time.monotonic() + ASK_SECONDS
        while not inputs <= await consumer.topics():
            if time.monotonic() > until:
                _log.error("inputs_missing", role=app.lanes.role.name, topics=sorted(inputs))
                return
            await asyncio.sleep(_LOOK_AGAIN)

    def _stopped_set(self) -> None:
        self._stopped.set()

    async def on_stop(self) -> None:
        """Stop what a thread would stop at its end."""
        await self._shutdown_thread()

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  Faust's signature
        """Call at once: there is no other thread."""
        return await maybe_async(fun(*args, **kwargs))

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        app: RoleApp = self.consumer.app
        limits = app.connection.limits
        # Faust's own assignor keeps equal partition numbers of all our topics together; its driver
        # falls back to round robin, which does not.
        self._assignor = app.assignor
        return aiokafka.AIOKafkaConsumer(
            **app.connection.client(),
            client_id=f"{app.conf.id}-consumer",
            group_id=app.conf.id,
            partition_assignment_strategy=[self._assignor],
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(limits.session_timeout * 1000),
            heartbeat_interval_ms=int(limits.session_timeout * 1000 / 4),
            max_poll_interval_ms=int(app.conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=2 * 1024 * 1024,
            fetch_max_wait_ms=_IDLE_MS,
        )

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109  Faust's signature
        max_records: int | None = None,
    ) -> Mapping[TopicPartition, Any]:
        """Fetch; when something came, let Kafka gather a little of what comes next, else ask for it at once.

        A fetch and its slices cost a millisecond, whatever is in them; a busy lane gathers for longer anyway.
        """
        app: RoleApp = self.consumer.app
        hold = app.lanes.role.hold
        if self._busy:
            timeout = min(timeout or 0, 2 * hold)
        found: Mapping[TopicPartition, Any] = await super()._fetch_records(
            consumer, active_partitions, timeout=timeout, max_records=max_records
        )
        if self._busy != bool(found):
            self._busy = bool(found)
            # What aiokafka puts into its next request: it offers no way to change that under way.
            fetcher: Any = consumer._fetcher  # noqa: SLF001
            fetcher._fetch_max_wait_ms = int(hold * 1000) if self._busy else _IDLE_MS  # noqa: SLF001
            fetcher._fetch_min_bytes = app.connection.limits.fetch_bytes if self._busy else 1  # noqa: SLF001
        return found

    async def pause(self, places: Iterable[TopicPartition]) -> None:
        """Stop fetching."""
        await self.call_thread(self._pause, tuple(places))

    async def resume(self, places: Iterable[TopicPartition]) -> None:
        """Fetch again."""
        await self.call_thread(self._resume, tuple(places))

    async def move(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Seek to these offsets (None: the beginning)."""
        await self.call_thread(self._move, dict(offsets))

    async def _pause(self, places: tuple[TopicPartition, ...]) -> None:
        self._ensure_consumer().pause(*places)

    async def _resume(self, places: tuple[TopicPartition, ...]) -> None:
        self._ensure_consumer().resume(*places)

    async def _move(self, offsets: dict[TopicPartition, int | None]) -> None:
        consumer = self._ensure_consumer()
        for place, offset in offsets.items():
            if offset is None:
                await consumer.seek_to_beginning(place)
            else:
                consumer.seek(place, offset)

    async def reach(self, places: Iterable[TopicPartition]) -> Mapping[TopicPartition, tuple[int, int]]:
        """Ask the broker, not the last fetch, from where to where these go."""
        found: Mapping[TopicPartition, tuple[int, int]] = await self.call_thread(self._reach, tuple(places))
        return found

    async def _reach(self, places: tuple[TopicPartition, ...]) -> dict[TopicPartition, tuple[int, int]]:
        consumer = self._ensure_consumer()
        # Bounded here: what waits on this thread keeps one of the few that carry out our calls.
        async with asyncio.timeout(ASK_SECONDS):
            first = await consumer.beginning_offsets(places)
            ends = await consumer.end_offsets(places)
        return {place: (first[place], ends[place]) for place in places}

    async def behind(self, places: Iterable[TopicPartition]) -> bool:
        """Say whether any of these goes further than it was fetched, marks of transactions included."""
        behind: bool = await self.call_thread(self._behind, tuple(places))
        return behind

    async def _behind(self, places: tuple[TopicPartition, ...]) -> bool:
        consumer = self._ensure_consumer()
        async with asyncio.timeout(ASK_SECONDS):
            ends = await consumer.end_offsets(places)
            return any([await consumer.position(place) < ends[place] for place in places])


class SliceConsumer(driver.Consumer):
    """Yields slices, and leaves positions and commits to the lanes. Is the lanes' `Flow`."""

    _thread: SliceThread

    def _new_consumer_thread(self) -> SliceThread:
        return SliceThread(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    def _places(self, number: int) -> set[TP]:
        return {TP(topic, number) for topic in self.app.lanes.role.inputs}

    async def pause(self, number: int) -> None:
        """Fetch nothing more from the inputs of this number."""
        places = self._places(number)
        self.pause_partitions(places)
        await self._thread.pause(_kafka(places))

    async def resume(self, number: int) -> None:
        """Fetch again from the inputs of this number."""
        places = self._places(number)
        await self._thread.resume(_kafka(places))
        self.resume_partitions(places)

    async def seek(self, number: int, positions: Mapping[str, int]) -> None:  # type: ignore[override]  # Faust's own seek moves one partition; ours, a lane
        """Go on from these offsets; an input that is not named goes on from its beginning."""
        places = _kafka(self._places(number))
        await self._thread.move({place: positions.get(place.topic) for place in places})

    async def reach(self, number: int) -> Mapping[str, tuple[int, int]]:
        """Return the first offset of each input of this number, and the one after its last."""
        found = await self._thread.reach(_kafka(self._places(number)))
        return {place.topic: offsets for place, offsets in found.items()}

    async def behind(self, number: int) -> bool:
        """Say whether an input of this number has anything that was not fetched yet."""
        return await self._thread.behind(_kafka(self._places(number)))

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109  Faust's signature
        """Fetch, and yield one message per slice whose value is a `Slice`."""
        lanes, size = self.app.lanes, self.app.connection.limits.slice_records
        epochs = lanes.epochs()
        records, _ = await self._wait_next_records(timeout)
        lanes.turned()
        if not records or self.should_stop:
            return
        for place, fetched in records.items():
            lane = lanes.get(place.partition)
            if lane is not None and lane.working and lane.epoch == epochs.get(place.partition):
                lane.note_fetched(place.topic, fetched[-1].offset + 1)
        for place, fetched in records.items():
            lane = lanes.get(place.partition)
            if lane is None or not lane.working:
                continue  # it seeks when it opens
            if lane.epoch != epochs.get(place.partition) or not self.flow_active:
                await self.seek(place.partition, lane.expected())
                continue
            for start in range(0, len(fetched), size):
                self._read_offset[place] = None  # Faust's own gap bookkeeping has nothing to keep
                part = fetched[start : start + size]
                # The epoch they were asked for under: the lane may have opened anew since the last slice.
                yield place, self._message(place, Slice(place.partition, epochs[place.partition], part))

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ANN401, ASYNC109  Faust's signature
        """Fetch; while nothing may be fetched, as all lanes open or are full, look again soon.

        Faust itself would sleep for a second, in which lanes that have opened meanwhile get nothing.
        """
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(_LOOK_AGAIN)
            return {}, None
        return await super()._wait_next_records(timeout)

    def _message(self, place: TP, slice_: Slice) -> ConsumerMessage:
        last = slice_.records[-1]
        return ConsumerMessage(
            place.topic,
            place.partition,
            last.offset,
            last.timestamp / 1000,
            0,
            None,
            None,
            slice_,  # type: ignore[arg-type]  # raw topics pass the value on as it is
            None,
            -1,
            -1,
            place,
            generation_id=self.app.consumer_generation_id,
        )

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Close what is still open: an overtaken rebalance may have opened lanes that are no longer ours.

        Faust asks for a seek, and so for new lanes, only when anything is assigned.
        """
        await self.app.lanes.release()
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Open a lane for every number assigned; each seeks when its state is restored."""
        inputs = self.app.lanes.role.inputs
        numbers = {place.partition for place in self.assignment() if place.topic in inputs}
        await self.app.lanes.assign(numbers, self)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ANN401  Faust's signature
        """Commit nothing: positions go with the lanes' transactions."""
        return False

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ANN401  Faust's signature
        """Commit nothing, as `commit`."""
        return False

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Find nothing: the worker's own watch looks at progress.

        Faust's detector takes a partition that has no position yet, since its lane restores, for a failure.
        """

    def ack(self, message: Any) -> bool:  # noqa: ANN401  Faust's signature
        """Forget the message; an acknowledgement means nothing here."""
        message.acked = True
        self._unacked_messages.discard(message)
        return False


def _kafka(places: Iterable[TP]) -> list[TopicPartition]:
    """Return Faust's partitions as aiokafka's own type, which is the only one it takes."""
    return [TopicPartition(place.topic, place.partition) for place in places]


class SliceTransport(driver.Transport):
    """The aiokafka transport with our consumer."""

    Consumer = SliceConsumer
