"""One Faust app per role: its own consumer group, so its own lag, its own scaling and its own failure."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import faust
from faust.app.base import BootStrategy
from faust.tables import TableManager

from streaming.client import Connection
from streaming.faust_slices import SliceTransport
from streaming.handling import Role
from streaming.lanes import Lanes
from streaming.records import Slice


def wall_clock_ms() -> int:
    """Return the milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class _ConsumerOnly(BootStrategy):
    """Starts what consumes: our lanes have producers of their own, and nothing listens."""

    enable_kafka_producer = False
    enable_web = False


class _NoTables(TableManager):
    """Has no table to wait for: Faust's own gives them a second, at every start of every role."""

    async def on_start(self) -> None:
        """Start what assigns partitions."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class RoleApp(faust.App):
    """The Faust app of one role, fed by slices."""

    BootStrategy = _ConsumerOnly

    def __init__(self, role: Role, connection: Connection, now_ms: Callable[[], int]) -> None:
        self.connection = connection
        self.lanes = Lanes(role, connection, now_ms)
        super().__init__(
            role.group,
            broker=f"kafka://{connection.bootstrap}",
            store="memory://",
            TableManager=_NoTables,
            datadir=str(connection.state / "faust"),
            topic_disable_leader=True,
            topic_allow_declare=False,
            consumer_auto_offset_reset="earliest",
            web_enabled=False,
            stream_wait_empty=False,
            stream_buffer_maxsize=64,
            broker_session_timeout=connection.limits.session_timeout,
            value_serializer="raw",
            key_serializer="raw",
        )
        self.on_partitions_revoked.connect(self._revoked)

    def _new_transport(self) -> SliceTransport:
        return SliceTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Create none: no Faust table keeps anything on disk; the lanes' stores have their own folders."""

    async def _revoked(self, *_: Any, **__: Any) -> None:  # noqa: ANN401  a Faust signal's arguments
        await self.lanes.release()


def role_app(role: Role, connection: Connection, now_ms: Callable[[], int] = wall_clock_ms) -> RoleApp:
    """Return the app of `role`: a Faust agent that hands every slice to its lane."""
    app = RoleApp(role, connection, now_ms)
    source = app.topic(*role.inputs, key_type=bytes, value_type=bytes, value_serializer="raw")

    @app.agent(source, name=role.name)
    async def take(slices: AsyncIterator[Slice]) -> None:
        async for slice_ in slices:
            await app.lanes.offer(slice_)

    return app
