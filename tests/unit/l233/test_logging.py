"""What is logged, and what never is."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from l233.logging import TAMED, configure
from l233.settings import Settings


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Put logging back as it was: it is one for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    for name in TAMED:
        logging.getLogger(name).setLevel(logging.NOTSET)


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return what was logged, one object a line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_events_and_those_of_libraries_come_out_alike() -> None:
    stream = io.StringIO()
    configure(Settings(), stream)
    structlog.get_logger("agents.intake").info("case_opened", case="c1")
    logging.getLogger("somebody.else").warning("careful with %s", "that")
    ours, theirs = logged(stream)
    assert {k: ours[k] for k in ("event", "case", "level", "logger")} == {
        "event": "case_opened",
        "case": "c1",
        "level": "info",
        "logger": "agents.intake",
    }
    assert {k: theirs[k] for k in ("event", "level", "logger")} == {
        "event": "careful with that",
        "level": "warning",
        "logger": "somebody.else",
    }
    assert ours["at"].endswith("Z")


def test_what_is_bound_is_in_every_line() -> None:
    """The role and the partition of a lane stand in lines of libraries as well."""
    stream = io.StringIO()
    configure(Settings(), stream)
    with structlog.contextvars.bound_contextvars(role="intake", partition=3):
        structlog.get_logger().info("slice_done")
        logging.getLogger("library").error("no answer")
    assert [(line["role"], line["partition"]) for line in logged(stream)] == [("intake", 3)] * 2


@pytest.mark.parametrize("name", ["faust.worker", "mode.threads", "aiokafka.consumer.fetcher"])
def test_what_faust_and_aiokafka_do_at_every_step_is_not_logged(name: str) -> None:
    """Their warnings are. DEBUG is for our own code: their debug records cost 7 % of a core."""
    stream = io.StringIO()
    configure(Settings(log_level="DEBUG"), stream)
    library = logging.getLogger(name)
    assert not library.isEnabledFor(logging.INFO)
    library.warning("heartbeat failed")
    assert [line["event"] for line in logged(stream)] == ["heartbeat failed"]


def test_less_severe_than_asked_is_not_logged() -> None:
    stream = io.StringIO()
    configure(Settings(log_level="WARNING"), stream)
    structlog.get_logger().info("slice_done")
    logging.getLogger("library").info("fine")
    assert stream.getvalue() == ""


def _fail_on(record: str) -> None:
    local = record.upper()
    raise ValueError(f"can't read {local}")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["json", "console"])
@pytest.mark.parametrize("by", ["structlog", "logging"])
def test_an_exception_tells_where_but_never_the_record(stream: io.StringIO, by: str) -> None:
    """Messages quote values and local variables are records: neither reaches a log."""
    stream.truncate(0)
    stream.seek(0)
    configure(Settings(), stream)
    try:
        try:
            _fail_on("payload of a worker")
        except ValueError as error:
            raise RuntimeError("failed on PAYLOAD") from error
    except RuntimeError:
        if by == "structlog":
            structlog.get_logger().exception("handler_failed")
        else:
            logging.getLogger("library").exception("handler_failed")
    text = stream.getvalue()
    assert "handler_failed" in text
    assert "_fail_on" in text
    assert "ValueError" in text
    assert "RuntimeError" in text
    assert "PAYLOAD OF A WORKER" not in text
    assert "failed on PAYLOAD" not in text.replace('raise RuntimeError("failed on PAYLOAD")', "").replace(
        'raise RuntimeError(\\"failed on PAYLOAD\\")', ""
    )


def test_an_error_of_the_network_keeps_its_message() -> None:
    stream = io.StringIO()
    configure(Settings(), stream)
    try:
        raise ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9092)")
    except OSError as error:
        structlog.get_logger().warning("broker_lost", exc_info=error)
    assert "Connect call failed" in logged(stream)[0]["exception"]


def test_a_terminal_gets_lines_for_people_and_a_pipe_gets_json() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    configure(Settings(), terminal)
    structlog.get_logger().info("case_opened", case="c1")
    structlog.reset_defaults()
    configure(Settings(), pipe)
    structlog.get_logger().info("case_opened", case="c1")
    assert logged(pipe)[0]["case"] == "c1"
    with pytest.raises(json.JSONDecodeError):
        logged(terminal)


def test_the_format_can_be_forced() -> None:
    terminal = Terminal()
    configure(Settings(log_format="json"), terminal)
    structlog.get_logger().info("case_opened")
    assert logged(terminal)[0]["event"] == "case_opened"
