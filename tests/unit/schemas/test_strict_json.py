"""Strict JSON: reads what every reader understands alike, refuses the rest in words, never crashes."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.strict_json import JsonValue, RepeatedKeyError, UnreadableJsonError, read, scalars, write

DOCUMENTS: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(DOCUMENTS)
def test_what_is_written_is_read_again(document: JsonValue) -> None:
    assert read(write(document)) == document


@given(st.binary() | st.text().map(str.encode) | DOCUMENTS.map(lambda value: json.dumps(value).encode()[:-1]))
def test_whatever_the_bytes_they_are_json_or_refused(text: bytes) -> None:
    """Nothing but the one error is raised, and what is read is what Python's own reader sees."""
    try:
        value = read(text)
    except UnreadableJsonError:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'"\xff"', "UTF-8: byte 1"),
        (b"", "expected JSON: not readable at character 0"),
        (b'{"a": 1', "not readable at character 7"),
        (b"\xef\xbb\xbf{}", "expected JSON"),
        (b'{"a": NaN}', "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b'{"a": 1, "a":' + b"[" * 100_000, "nested"),
        (b"9" * 5_000, "4300 digits"),
    ],
)
def test_what_is_refused_is_said(text: bytes, words: str) -> None:
    with pytest.raises(UnreadableJsonError, match=words):
        read(text)


def test_keys_that_stand_twice_are_found_where_they_stand() -> None:
    """At any depth; the value that a lenient reader would take comes along."""
    with pytest.raises(RepeatedKeyError) as caught:
        read(b'{"a": [{"b": 1, "c": 2, "b": 3}], "d": 4, "d": {"e": 5, "e": 6}}')
    assert set(caught.value.places) == {("a", 0, "b"), ("d",), ("d", "e")}
    assert caught.value.value == {"a": [{"b": 3, "c": 2}], "d": {"e": 6}}


def test_integers_are_exact_whatever_their_size() -> None:
    assert read(b"9" * 4_000) == int("9" * 4_000)


def test_scalars_are_all_strings_and_numbers_and_all_keys() -> None:
    document: JsonValue = {"a": ["b", 1, None], "c": {"d": "e"}}
    assert sorted(scalars(document)) == ["1", "a", "b", "c", "d", "e"]


def test_a_lone_surrogate_is_written_escaped() -> None:
    """UTF-8 has no bytes for it; the text must still be writable."""
    assert write("\ud800é") == rb'"\ud800\u00e9"'


def test_no_infinity_comes_from_a_number() -> None:
    """A number beyond the range of a double is read as Python does: the contracts have no such field."""
    value = read(b"1e999")
    assert isinstance(value, float)
    assert math.isinf(value)
