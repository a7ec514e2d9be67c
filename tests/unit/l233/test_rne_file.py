"""Register files: every shape in which records come, and errors that name the line."""

import itertools
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l233.rne_file import BrokenJsonError, records
from schemas.strict_json import JsonValue

A: JsonValue = {"siren": "a", "name": "é\u2028"}
B: JsonValue = {"siren": "b"}


def read(text: str | bytes) -> list[JsonValue]:
    return list(records((text.encode() if isinstance(text, str) else text).splitlines(keepends=True)))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([A, B]),
        json.dumps([A, B], indent=2),
        json.dumps([A, B], indent=2).replace("\n", "\r\n\r\n"),
        f"{json.dumps(A)}\n{json.dumps(B)}\n",
        f"{json.dumps(A, ensure_ascii=False)}\n\n  \n{json.dumps(B)}",
        f"[{json.dumps(A)}]\n[{json.dumps(B)}]\n",
        f"\n[{json.dumps(A)},\n{json.dumps(B)}\n]\n",
    ],
    ids=[
        "array",
        "indented",
        "blank lines within",
        "lines",
        "blank lines between",
        "array a line",
        "array over lines",
    ],
)
def test_records_are_found_in_every_shape(text: str) -> None:
    """An array, JSON lines, or the flow's array a line."""
    assert read(text) == [A, B]
    assert read(b"\xef\xbb\xbf" + text.encode()) == [A, B]


@pytest.mark.parametrize("text", [json.dumps(A), json.dumps(A, indent=4)])
def test_a_single_record_is_a_file_too(text: str) -> None:
    """What the register's interface answers for one company."""
    assert read(text) == [A]


def test_an_empty_file_has_no_records() -> None:
    """Nothing to convert is no error."""
    assert read("") == read("\n\n") == []


def test_json_lines_are_read_one_at_a_time() -> None:
    """A stock of millions of companies must not have to fit into memory."""
    endless: Iterator[bytes] = (f'{{"siren":"{number}"}}\n'.encode() for number in itertools.count())

    assert next(records(endless)) == {"siren": "0"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a":1}\n{"a":2}\n{"a":\n{"a":4}\n', 3),
        ('{"a":1}}\n{"a":2}\n', 1),
        ('{"a":1\n{"a":2}\n', 2),
        ('[\n{"a":1},\n{"a":2}\n{"a":3}\n]', 4),
        ('\n\n[\n\n{"a":1},\n', 5),
        ('{"a":NaN}\n', 1),
        ('{"a":1}\n{"a":' + "9" * 5000 + "}\n", 2),
        ('{"a":1}\n' + "[" * 200_000 + "\n", 2),
        ("Siren;Nom\n1;2\n", 1),
    ],
)
def test_broken_json_is_told_with_its_line(text: str, line: int) -> None:
    """The first thing that one wants to know is where."""
    with pytest.raises(BrokenJsonError, match=rf"^line {line}: "):
        read(text)


def test_bytes_that_are_no_utf8_are_told_with_their_line() -> None:
    """A file in Latin-1 is a common mistake."""
    with pytest.raises(BrokenJsonError, match=r"^line 2: expected UTF-8"):
        read(b'{"a":1}\n{"a":"\xe9"}\n')
    with pytest.raises(BrokenJsonError, match=r"^line 3: expected UTF-8"):
        read(b'[\n{"a":1},\n{"a":"\xe9"}\n]')


def test_records_before_a_broken_line_are_given() -> None:
    """What was converted until then has gone to stdout already."""
    found = records([b'{"a":1}\n', b"oops\n"])

    assert next(found) == {"a": 1}
    with pytest.raises(BrokenJsonError):
        next(found)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_line(content: bytes) -> None:
    """No input makes the reader fail in another way."""
    refused = ""
    try:
        read(content)
    except BrokenJsonError as error:
        refused = str(error)
    assert not refused or refused.startswith("line ")
