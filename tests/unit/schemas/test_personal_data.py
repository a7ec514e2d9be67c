"""A NIR is found wherever in the data it hides, and what only looks like one is let through."""

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Envelope, unpack, unpack_structured
from schemas.personal_data import holds_nir
from tests.unit.schemas.event_parts import ATTRIBUTES, raw, with_key

DIGITS = st.text("0123456789", min_size=13, max_size=13)
CORSICANS = st.builds(
    lambda before, place, after: before + place + after,
    st.text("0123456789", min_size=5, max_size=5),
    st.sampled_from(["2A", "2B", "2a", "2b"]),
    st.text("0123456789", min_size=6, max_size=6),
)
NIRS = st.builds(lambda base: base + with_key(base.upper())[13:], DIGITS | CORSICANS)
SPACES = st.sampled_from(["", "", " ", "\u00a0", "\u202f"])
SPACED = st.builds(
    lambda number, spaces: "".join(a + b for a, b in zip(number, [*spaces, ""], strict=True)),
    NIRS,
    st.lists(SPACES, min_size=14, max_size=14),
)
SIGNS = ["", " ", "-", "/", ":", "_", '"', "\\", "\n", "(", "«", "\U0001f600"]
BEFORE = st.sampled_from([*SIGNS, "no. ", "12 "])
AFTER = st.sampled_from([*SIGNS, " 12", ".5"])
NEIGHBOURS = st.sampled_from(["x", "7", "é", "Z", "٣"])


def in_data(payload: bytes) -> bool:
    """Search the data of a binary record."""
    return holds_nir(raw(payload), payload)


@st.composite
def escaped(draw: st.DrawFn, text: str) -> str:
    """Draw a way to write a JSON string: any character may be escaped."""
    escape = draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    parts = [
        "".join(f"\\u{unit:04x}" for unit in memoryview(letter.encode("utf-16-le")).cast("H"))
        if hide
        else json.dumps(letter, ensure_ascii=False)[1:-1]
        for letter, hide in zip(text, escape, strict=True)
    ]
    return '"' + "".join(parts) + '"'


@given(SPACED, BEFORE, AFTER, st.data(), st.sampled_from(['{"a":%s}', "{%s:1}", '[[{"a":["b",%s]}]]', "%s"]))
def test_a_nir_is_found_in_values_and_keys_however_it_is_written(
    number: str, before: str, after: str, data: st.DataObject, shape: str
) -> None:
    """With single spaces, any other sign around it, and any JSON escapes."""
    written = data.draw(escaped(before + number + after))
    assert in_data((shape % written).encode())


@pytest.mark.parametrize("space", ["", " ", "\u00a0", "\u202f"], ids=ascii)
def test_a_nir_is_found_as_people_type_it(space: str) -> None:
    """In groups, with the spaces of a keyboard or of French typography, and no escape anywhere."""
    number = with_key("299012A000001")
    groups = [number[:1], number[1:3], number[3:5], number[5:7], number[7:10], number[10:13], number[13:]]
    assert in_data(f'{{"place":"no. {space.join(groups)}"}}'.encode())


@given(SPACED, NEIGHBOURS, st.booleans(), st.data())
def test_a_letter_or_digit_beside_it_makes_it_something_else(
    number: str, neighbour: str, first: bool, data: st.DataObject
) -> None:
    """A longer identifier is no NIR: not even by its end."""
    compact = re.sub(r"\s", "", number)
    text = neighbour + compact if first else compact + neighbour
    assert not in_data(data.draw(escaped(text)).encode())


@given(DIGITS, st.integers(0, 99))
def test_a_wrong_key_is_no_nir(base: str, key: int) -> None:
    number = f"{base}{key:02d}"
    assert in_data(f'{{"a":"{number}"}}'.encode()) == (number == with_key(base))


@given(NIRS.filter(lambda number: number.isdigit() and number[0] != "0"))
def test_a_bare_number_is_searched_too(number: str) -> None:
    """As a value of its own, with or without an escape elsewhere, of either sign."""
    assert in_data(f'{{"a":{number}}}'.encode())
    assert in_data(f'{{"\\n":[-{number}]}}'.encode())


@given(SPACED)
def test_two_spaces_separate(number: str) -> None:
    """Single spaces only: what stands further apart is not one number."""
    compact = re.sub(r"\s", "", number)
    assert not in_data(f'"{compact[:6]}  {compact[6:]}"'.encode())


@given(NIRS, st.data())
def test_data_that_cannot_be_read_is_searched_as_text(number: str, data: st.DataObject) -> None:
    """Truncated, not UTF-8, or a value that a second one shadows: also there no escape hides it."""
    written = data.draw(escaped(number))
    for payload in (
        f'{{"a":{written}'.encode(),
        f'{{"a":{written}}}'.encode() + b"\xff",
        f'{{"a":{written},"a":""}}'.encode(),
    ):
        assert in_data(payload)


@given(NIRS, st.data())
def test_structured_mode_is_searched_too(number: str, data: st.DataObject) -> None:
    """Whether or not the line can be read; also a value that another one shadows."""
    head = json.dumps(ATTRIBUTES)[:-1]
    written = data.draw(escaped(number))
    for line in (
        f'{head},"data":{{"a":{written}}}}}',
        f'{head},"data":{{"a":{written},"a":1}}}}',
        f"{head},{written}",
    ):
        assert holds_nir(unpack_structured(line.encode()), line.encode())


@given(NIRS, st.data(), st.sampled_from(["data_base64", "data\\u005fbase64"]))
def test_base64_hides_nothing_even_when_the_data_within_cannot_be_read(
    number: str, data: st.DataObject, key: str
) -> None:
    """Truncated, not strict, shadowed, beside a second data, cut off or in a line that is no JSON."""
    head = json.dumps(ATTRIBUTES)[:-1]
    written = data.draw(escaped(number))
    for payload in (f'{{"a":{written}', f'{{"a":NaN,"b":{written}}}', f'{{"a":{written},"a":""}}', written):
        encoded = base64.b64encode(payload.encode()).decode()
        slashed = encoded.replace("/", "\\/")
        for line in (
            f'{head},"{key}":"{encoded}"}}',
            f'{head},"{key}":"{slashed}"}}',
            f'{head},"{key}" : "{encoded.rstrip("=")}"}}',
            f'{head},"data":{{}},"{key}":"{encoded}"}}',
            f'{head},"{key}":"{encoded}",',
        ):
            assert holds_nir(unpack_structured(line.encode()), line.encode())


def test_attributes_are_not_data() -> None:
    """An id of fifteen digits may have a right key by chance: only the data is searched."""
    line = json.dumps({**ATTRIBUTES, "id": with_key("2990100000001"), "data": {}}).encode()
    assert not holds_nir(unpack_structured(line), line)


@pytest.mark.parametrize(
    "text",
    [
        "99900100100018",
        "2026-03-02T09:30:00.000000+01:00",
        "20260302093000123456",
        "worker:29901000000011234567890123456789",
        "7b0e2f60-2990-4100-8000-000113370000",
        "123456789012.34",
    ],
)
def test_what_events_are_made_of_is_no_nir(text: str) -> None:
    """SIRET, times, references, UUIDs, amounts."""
    assert not in_data(json.dumps({"a": text}).encode())


def test_no_value_holds_nothing() -> None:
    assert not holds_nir(unpack(None, []), None)
    assert not holds_nir(Envelope({}, None, ()), b"")
