"""A file of events is read line by line, and what can't be read is told with its place."""

import io
import os
import sys
from pathlib import Path

import pytest

from l233 import event_file
from l233.errors import BadInput
from l233.event_file import Line, event_lines, require_json


def lines(path: Path) -> list[Line]:
    return list(event_lines(str(path)))


def test_lines_keep_their_numbers_whatever_stands_between(tmp_path: Path) -> None:
    """Blank lines, both kinds of line ends, a byte order mark, and no end at the end."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\n  \t\r\n{"b": 2}\n{"c": 3}')
    assert lines(path) == [(1, b'{"a": 1}'), (4, b'{"b": 2}'), (5, b'{"c": 3}')]


def test_a_dash_is_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}\n")))
    assert list(event_lines("-")) == [(1, b"{}")]


def test_a_file_that_is_not_there_or_is_a_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere.jsonl can't be read: No such file"):
        lines(tmp_path / "nowhere.jsonl")
    with pytest.raises(BadInput, match="can't be read: Is a directory"):
        lines(tmp_path)


def test_a_file_without_permission_is_bad_input(tmp_path: Path) -> None:
    """As root sees it everything may be read, so a closed device stands in where the test runs as root."""
    path = tmp_path / "closed.jsonl"
    path.touch(mode=0)
    if os.geteuid() == 0:
        path = Path("/proc/self/mem")  # readable by permission, and reading its beginning fails
    with pytest.raises(BadInput, match="can't be read"):
        lines(path)


def test_a_line_of_unbelievable_length_is_told_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_file, "LONGEST_LINE", 10)
    path = tmp_path / "one-line.json"
    path.write_bytes(b"{}\n" + b"[" + b" " * 50)
    with pytest.raises(BadInput, match="line 2 is longer than 16 MiB: write one event a line"):
        lines(path)


@pytest.mark.parametrize("text", [b"{", b"[1,", b"\xff", b'{"a": NaN}', b"event"])
def test_a_line_that_is_no_json_is_named(text: bytes) -> None:
    with pytest.raises(
        BadInput, match=r"^events\.jsonl line 7 can't be read: .+; write one event in JSON a line"
    ):
        require_json("events.jsonl", Line(7, text))


@pytest.mark.parametrize("text", [b"{}", b"[]", b"null", b'{"a": 1, "a": 2}'])
def test_json_that_is_no_event_is_not_the_file_s_fault(text: bytes) -> None:
    """It is read, and refused as an event."""
    require_json("events.jsonl", Line(1, text))
