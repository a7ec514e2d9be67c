"""A worker: one or more roles in one process, started together, stopped within a bound.

It exits with 0 when asked to stop, and with another code, having committed nothing more, when a lane
can't go on or when records wait and nothing moves.
"""

import asyncio
import contextlib
import gc
import os
import signal
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from streaming import health
from streaming.broadcast import Broadcast, followed
from streaming.client import Connection
from streaming.errors import DeliveryError, NoProgress
from streaming.faust_role import RoleApp, role_app, wall_clock_ms
from streaming.handling import Progress, Role

_log = structlog.get_logger(__name__)
Beside = Callable[[Connection], Coroutine[Any, Any, None]]
"""What a worker does beside its lanes, as long as it works."""
EXIT_STOPPED = 0
EXIT_FAILED = 4
"""A lane, or Faust, could not go on."""
EXIT_STUCK = 5
"""Stopping took longer than its bound."""


async def work(
    roles: Sequence[Role],
    connection: Connection,
    *,
    stop: asyncio.Event,
    started: Callable[[Sequence[RoleApp]], None] = lambda _: None,
    now_ms: Callable[[], int] = wall_clock_ms,
    health_file: Path | None = None,
    stopping: Callable[[], None] = lambda: None,
    broadcasts: Sequence[Broadcast] = (),
    beside: Sequence[Beside] = (),
) -> None:
    """Run `roles` until `stop` is set. Raises what made a lane, or Faust, or what is followed, fail.

    No lane opens before every broadcast was read in full. `stopping` is called when the end begins, whatever
    brought it: nothing here bounds how long it takes. What is to run `beside` fails the worker when it ends.
    """
    asyncio.get_running_loop().set_exception_handler(_untaken)
    async with followed(broadcasts, connection) as following, _running(beside, connection) as tasks:
        apps = [role_app(role, connection, now_ms) for role in roles]
        try:
            await asyncio.gather(*(app.start() for app in apps))
            started(apps)
            _log.info("worker_started", roles=[role.name for role in roles])
            async with _telling(apps, health_file, now_ms):
                await _until_ended(apps, stop, [following, *tasks], connection, now_ms)
        finally:
            _log.info("worker_stopping")
            stopping()
            await asyncio.gather(*(app.lanes.release() for app in apps))
            await asyncio.gather(*(app.stop() for app in apps))
            # Once more: a rebalance that was under way may have opened lanes before its app stopped.
            await asyncio.gather(*(app.lanes.release() for app in apps))


@asynccontextmanager
async def _running(
    beside: Sequence[Beside], connection: Connection
) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
    """Run what has no end for the length of the block."""
    tasks = [asyncio.create_task(one(connection)) for one in beside]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _untaken(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Be quiet about what aiokafka leaves untaken of a failed transaction: the lane has told of it.

    Each would otherwise be an error with a traceback in the log, a dozen for one lane that was fenced.
    """
    error = context.get("exception")
    if isinstance(error, KafkaError) or (error is not None and _of_aiokafka(error)):
        _log.debug("aiokafka_error_untaken", error=type(error).__name__)
    else:
        loop.default_exception_handler(context)


def _of_aiokafka(error: BaseException) -> bool:
    """Say whether an error came up in aiokafka's own code, such as a batch that it fails to put back."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and Path(frames[-1].filename).parent.parent.name == "aiokafka"


@asynccontextmanager
async def _telling(
    apps: Sequence[RoleApp], health_file: Path | None, now_ms: Callable[[], int]
) -> AsyncIterator[None]:
    """Write the health file, if one is asked for, for the length of the block."""
    if health_file is None:
        yield
        return
    task = asyncio.create_task(health.tell(apps, health_file, now_ms))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _until_ended(
    apps: Sequence[RoleApp],
    stop: asyncio.Event,
    following: Sequence[asyncio.Task[None]],
    connection: Connection,
    now_ms: Callable[[], int],
) -> None:
    asked = asyncio.create_task(stop.wait())
    ended = [asyncio.create_task(app.wait_until_stopped()) for app in apps]
    watch = asyncio.create_task(_watch(apps, connection.limits.progress_timeout, now_ms))
    failures = [app.lanes.failure for app in apps]
    try:
        waited = [asked, watch, *following, *ended, *failures]
        done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for future in done:
            future.result()
        for app in apps:
            if app.crash_reason is not None:
                raise app.crash_reason
        if not stop.is_set():
            raise DeliveryError("Faust ended by itself without telling why")
    finally:
        for task in (asked, watch, *ended):
            task.cancel()
            with contextlib.suppress(BaseException):  # cancelled, or told above
                await task


async def _watch(apps: Sequence[RoleApp], bound: float, now_ms: Callable[[], int]) -> None:
    """Raise `NoProgress` when a lane has something to do and has not moved within `bound` seconds."""
    moved: dict[tuple[str, int], tuple[Progress, int, int]] = {}
    while True:
        await asyncio.sleep(min(bound / 4, 15.0))
        for app in apps:
            for number, progress in app.lanes.progress().items():
                place, now = (app.lanes.role.name, number), now_ms()
                known, moves, since = moved.get(place, (progress, -1, now))
                # Other progress than the known one is a lane that was opened since: it has all of its time.
                held = app.lanes.role.held(number) is not None
                same = known is progress and moves == progress.moves
                if held or not same or not await _behind(app, number):
                    moved[place] = (progress, progress.moves, now)
                elif now - since > bound * 1000:
                    raise NoProgress(
                        f"lane {place[0]}.{number} has records to work and has not moved for {bound:.0f} s"
                    )


async def _behind(app: RoleApp, number: int) -> bool:
    lane = app.lanes.get(number)
    if lane is None:
        return False
    if not lane.idle:
        return True
    try:
        behind: bool = await app.consumer.behind(number)
    except (KafkaError, OSError, TimeoutError):
        return True  # a broker that does not answer is no progress either
    return behind


def run(
    roles: Sequence[Role],
    connection: Connection,
    health_file: Path | None = None,
    broadcasts: Sequence[Broadcast] = (),
    beside: Sequence[Beside] = (),
) -> int:
    """Run a worker in this process until SIGTERM or SIGINT; return its exit code."""
    bound = connection.limits.stop_timeout

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _ask_to_stop, stop, bound)
        await work(
            roles,
            connection,
            stop=stop,
            started=lambda _: _settle_in(min(role.nice for role in roles)),
            health_file=health_file,
            stopping=lambda: _exit_when_stuck(bound),
            broadcasts=broadcasts,
            beside=beside,
        )

    try:
        asyncio.run(main())
    except (DeliveryError, KafkaError, OSError) as error:
        _log.error("worker_failed", error=type(error).__name__, what=str(error))
        return EXIT_FAILED
    except Exception:
        _log.exception("worker_failed")
        return EXIT_FAILED
    return EXIT_STOPPED


def _settle_in(nice: int) -> None:
    """Take the place among the processes of this machine that is kept from now on."""
    _spare_the_collector()
    if nice:
        stand_back(nice)


def stand_back(nice: int) -> None:
    """Leave the processor to others first. On Linux also as a session, if this process leads one.

    Where Linux groups processes by session (`sched_autogroup_enabled`), niceness counts only within one.
    """
    os.nice(nice)
    group = Path("/proc/self/autogroup")
    if os.getsid(0) == os.getpid() and group.exists():
        group.write_text(str(nice))


def _spare_the_collector() -> None:
    """Collect garbage less often, and never among what is there once a worker has started: it stays for good.

    Every lane waits while the collector walks; a busy `cases` spent a fifth of its time so, up to 260 ms in
    one go. Little here is cyclic: counting references frees nearly all of it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _ask_to_stop(stop: asyncio.Event, bound: float) -> None:
    stop.set()
    _exit_when_stuck(bound)


def _exit_when_stuck(bound: float) -> None:
    """End the process when stopping does not come to an end: what is not committed is worked again."""

    def end() -> None:
        _log.error("worker_stuck", bound_seconds=bound)
        os._exit(EXIT_STUCK)

    timer = threading.Timer(bound, end)
    timer.daemon = True
    timer.start()
