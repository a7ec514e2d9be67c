"""Reads files of the business register: an array of records, a single one, or JSON lines of any length.

JSON lines are read one at a time, each a record or an array of records (the flow of changes comes so). A
document over several lines is read as a whole.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NoReturn

from schemas.strict_json import JsonValue

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class BrokenJsonError(Exception):
    """The file is not JSON at a line: the text tells which line, and what was expected there."""

    def __init__(self, line: int, what: str, *, cut_off: bool = False) -> None:
        super().__init__(f"line {line}: {what}")
        self.cut_off = cut_off


def records(lines: Iterable[bytes]) -> Iterator[JsonValue]:
    """Yield the records of a file, given its lines.

    Raises:
        BrokenJsonError: where the file stops being JSON; the records before it were given.
    """
    numbered = enumerate(_unmarked(lines), start=1)
    first = True
    for number, line in numbered:
        if not line.strip():
            continue
        try:
            value = _parse(line, number)
        except BrokenJsonError as error:
            if not (first and error.cut_off):
                raise
            value = _parse(b"".join(chain((line,), (later for _, later in numbered))), number)
        first = False
        yield from value if isinstance(value, list) else (value,)


def _unmarked(lines: Iterable[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        yield line.removeprefix(_BYTE_ORDER_MARK) if number == 0 else line


def _parse(text: bytes, first_line: int) -> JsonValue:
    try:
        decoded = text.decode("utf-8").rstrip()
    except UnicodeDecodeError as error:
        line = first_line + text.count(b"\n", 0, error.start)
        raise BrokenJsonError(line, f"expected UTF-8, byte {error.start} is not") from None
    try:
        value: JsonValue = json.loads(decoded, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        what = f"not JSON: {error.msg} (column {error.colno})"
        raise BrokenJsonError(line, what, cut_off=error.pos >= len(decoded)) from None
    except RecursionError:
        raise BrokenJsonError(first_line, "nested too deeply to be a record") from None
    except ValueError as error:
        raise BrokenJsonError(first_line, f"not JSON: {error}") from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
