"""Reads a file of events: one CloudEvent in structured JSON a line, `-` for the standard input.

The file is never held as a whole. Blank lines are skipped, and a byte order mark at the beginning; a line
that is no JSON makes the file unreadable, while JSON that is no event is the judge's business.
"""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Final, NamedTuple

from l233.errors import BadInput
from schemas.strict_json import RepeatedKeyError, UnreadableJsonError, read

LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes of a line; far beyond what the input topic takes, so a file without line breaks is told as such."""
_MARK: Final = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line that holds something, and its number from 1."""

    number: int
    text: bytes


def event_lines(file: str) -> Iterator[Line]:
    """Yield the lines of a file, without their ends. Raises BadInput when it can't be read."""
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as lines:
            number = 0
            while line := lines.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise BadInput(f"{place(file, number)} is longer than 16 MiB: write one event a line")
                text = line.removeprefix(_MARK).strip() if number == 1 else line.strip()
                if text:
                    yield Line(number, text)
    except OSError as error:
        raise BadInput(f"{_named(file)} can't be read: {error.strerror}") from error


def require_json(file: str, line: Line) -> None:
    """Raise BadInput, naming the line, when it is no JSON that every reader understands."""
    try:
        read(line.text)
    except RepeatedKeyError:
        return  # readable: its contract is broken
    except UnreadableJsonError as error:
        raise BadInput(
            f"{place(file, line.number)} can't be read: {error}; write one event in JSON a line"
        ) from error


def place(file: str, number: int) -> str:
    """Return how a line is told to a person."""
    return f"{_named(file)} line {number}"


def _named(file: str) -> str:
    return "standard input" if file == "-" else file
