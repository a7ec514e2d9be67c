"""Logs, configured once per process: JSON for machines, readable lines on a terminal, always on stderr.

Our modules log with `structlog.get_logger`, libraries with the standard library: both come out alike, with
what is bound in contextvars (role, partition, case…). What an exception carries is told by its type and the
lines it passed through; its message only where it can't quote a record: a payload never reaches a log.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TextIO

import structlog
from aiokafka.errors import KafkaError
from structlog.typing import EventDict, Processor, WrappedLogger

from l233.errors import L233Error
from l233.settings import Settings
from streaming.errors import DeliveryError

QUOTE_NO_RECORD = (OSError, KafkaError, DeliveryError, L233Error)
"""Errors about the world around, whose messages name addresses, files and topics."""

# Faust and mode log what they do at every step; what they and aiokafka warn of is worth knowing.
# (mode names the logger of a subclass after the module it stands in, so our Faust seam is named too.)
TAMED = (
    "faust",
    "mode",
    "aiokafka",
    "kafka",
    "asyncio",
    "streaming.faust_role",
    "streaming.faust_slices",
)

ExceptionTriple = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send everything that is logged in this process to `stream` (stderr), as the settings say."""
    to = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level]
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not to.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        exceptions_without_values,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(to)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=repr)
                if as_json
                else _console(to),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in TAMED:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(level, logging.WARNING))


def exceptions_without_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the exception of a log event by where it passed, without what its message may quote."""
    told = event.pop("exc_info", None)
    error = _exception(told)
    if error is not None:
        event["exception"] = "".join(_lines(error)).rstrip()
    return event


def _exception(told: object) -> BaseException | None:
    match told:
        case BaseException():
            return told
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exception()
        case _:
            return None


def _lines(error: BaseException) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _lines(before)
        yield "which led to\n"
    yield from traceback.format_tb(error.__traceback__)
    message = (
        str(error) if isinstance(error, QUOTE_NO_RECORD) else "(message withheld: it may quote a record)"
    )
    yield f"{type(error).__module__}.{type(error).__qualname__}: {message}\n"


def _console(to: TextIO) -> Processor:
    # The plain formatter: others show local variables, and those are records.
    return structlog.dev.ConsoleRenderer(
        colors=to.isatty(), timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
    )
