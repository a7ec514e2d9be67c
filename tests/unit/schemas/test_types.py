"""Each field type: what it takes and what it refuses."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas import types
from schemas.types import TIME_PATTERN, parse_time, to_decimal

# Type, texts of JSON that it takes, texts of JSON that it refuses.
CASES: Final[dict[str, tuple[object, list[str], list[str]]]] = {
    "Money": (
        types.Money,
        ['"0.00"', '"1250.00"', '"999999999999.99"'],
        [
            '""',
            "1250.00",
            '"1250"',
            '"1250.0"',
            '"1250,00"',
            '"-1.00"',
            '"+1.00"',
            '"1000000000000.00"',
            '"1.00\\n"',
            '"\\u0661.00"',
            "null",
            '" 1.00"',
            '".50"',
            '"1e3.00"',
        ],
    ),
    "IsoDate": (
        types.IsoDate,
        ['"1900-01-01"', '"2024-02-29"', '"2999-12-31"'],
        [
            '"2023-02-29"',
            '"2026-02-30"',
            '"2026-2-3"',
            '"20260203"',
            '"2026-02-03T00:00:00"',
            '"1899-12-31"',
            '"3000-01-01"',
            '"0000-01-01"',
            "1767225600",
            '"1767225600"',
            "null",
            '"2026-02-03Z"',
            '""',
        ],
    ),
    "Period": (
        types.Period,
        ['"2026-01"', '"2026-12"', '"2026-T1"', '"2026-T4"'],
        [
            '"2026"',
            '"2026-00"',
            '"2026-13"',
            '"2026-T0"',
            '"2026-T5"',
            '"2026-t1"',
            '"2026-1"',
            '"26-01"',
            "202601",
        ],
    ),
    "Year": (types.Year, ["1900", "2999"], ['"2026"', "1899", "3000", "2026.0", "true", "null", "1" * 400]),
    "Count": (types.Count, ["0", "12"], ["-1", "1.0", "true", '"1"', "9" * 400]),
    "Quarters": (types.Quarters, ["0", "4"], ["-1", "5", "false", '"4"']),
    "Flag": (types.Flag, ["true", "false"], ["1", "0", '"true"', "null"]),
    "Text": (
        types.Text,
        ['"x"', '"Toulouse, 1 rue d\'Aur\\u00e8ge"', f'"{"é" * 500}"'],
        ['""', '"   "', '"\\n"', f'"{"x" * 501}"', "7", "null"],
    ),
    "Siren": (
        types.Siren,
        ['"999001001"'],
        ['"999001002"', '"99900100"', '"9990010010"', '"999 001 001"', "999001001"],
    ),
    "Siret": (
        types.Siret,
        ['"99900100100018"', '"35600000000048"', '"35600000049837"'],  # the last two are La Poste's
        ['"99900100100019"', '"35600000049838"', '"9990010010001"', '"99900100200018"', "99900100100018"],
    ),
    "Ape": (types.Ape, ['"6201Z"'], ['"62.01Z"', '"6201z"', '"6201"', '"62011Z"']),
    "LegalForm": (types.LegalForm, ['"1000"'], ['"100"', '"10000"', "1000", '"EI"']),
    "Commune": (
        types.Commune,
        [
            '"31555"',
            '"01001"',
            '"2A004"',
            '"2B033"',
            '"97101"',
            '"97411"',
            '"97502"',
            '"97608"',
            '"97701"',
            '"97801"',
        ],
        [
            '"20004"',
            '"2a004"',
            '"2C001"',
            '"96001"',
            '"97001"',
            '"97901"',
            '"98818"',
            '"99100"',
            '"00001"',
            '"3155"',
            '"315555"',
            "31555",
            '"31 555"',
        ],
    ),
    "WorkerRef": (
        types.WorkerRef,
        [f'"worker:{"0a" * 16}"'],
        [f'"worker:{"0A" * 16}"', f'"worker:{"0a" * 15}"', f'"Worker:{"0a" * 16}"', f'"{"0a" * 16}"'],
    ),
    "OrganismId": (
        types.OrganismId,
        ['"cpam:311"', '"ccss:481"', '"cnav:ile-de-france"', '"cgss:974"', '"carsat:31"', '"urssaf:corse"'],
        ['"cnam"', '"cnav"', '"acoss"', '"cpam"', '"cpam:312"', '"CPAM:311"', '""', "null"],
    ),
    "NationalHead": (
        types.NationalHead,
        ['"cnam"', '"cnav"', '"acoss"'],
        ['"cnav:ile-de-france"', '"cpam:311"'],
    ),
    "AnyOrganism": (types.AnyOrganism, ['"cnam"', '"cpam:311"'], ['"cpsti"', '"cpam:000"']),
    "HealthOrganism": (
        types.HealthOrganism,
        ['"cpam:311"', '"ccss:481"', '"cgss:972"'],
        ['"urssaf:corse"', '"carsat:31"', '"cnam"'],
    ),
    "CollectionOrganism": (
        types.CollectionOrganism,
        ['"urssaf:corse"', '"ccss:481"', '"cgss:972"'],
        ['"cpam:311"', '"carsat:31"', '"acoss"'],
    ),
    "RetirementOrganism": (
        types.RetirementOrganism,
        ['"carsat:34"', '"cnav:ile-de-france"', '"cgss:972"'],
        ['"ccss:481"', '"cpam:311"', '"cnav"'],  # the CCSS has no retirement role: carsat:34 has
    ),
    "Rfc3339": (
        types.Rfc3339,
        ['"2026-03-02T09:30:00+01:00"', '"2026-03-02T08:30:00.123456789Z"', '"2026-03-02t08:30:00z"'],
        [
            '"2026-03-02T09:30:00"',
            '"2026-03-02 09:30:00Z"',
            '"2026-03-02"',
            '"2026-02-30T00:00:00Z"',
            "1767225600",
        ],
    ),
    "DistinctList": (
        types.DistinctList[types.Quarters],
        ["[1]", "[1, 2]"],
        ["[]", "[1, 1]", "[5]", "1", "{}", "null"],
    ),
}


def adapter(annotation: object) -> TypeAdapter[object]:
    """Return what reads a value of a field type."""
    return TypeAdapter(cast("type[object]", annotation))


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, (_, good, _) in CASES.items() for text in good]
)
def test_a_right_value_is_taken(name: str, text: str) -> None:
    adapter(CASES[name][0]).validate_json(text)


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, (_, _, bad) in CASES.items() for text in bad]
)
def test_a_wrong_value_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValidationError):
        adapter(CASES[name][0]).validate_json(text)


def test_every_public_field_type_is_tried() -> None:
    """None is forgotten here."""
    made_of_annotations = {
        name
        for name, value in vars(types).items()
        if not name.startswith("_") and isinstance(value, type(Annotated[int, 0])) and name != "Optional"
    }
    assert made_of_annotations == CASES.keys()


def test_a_date_is_a_date_and_money_stays_text() -> None:
    """Text that is exact stays text; a date can be compared."""
    assert adapter(types.IsoDate).validate_json('"2026-03-02"') == date(2026, 3, 2)
    assert adapter(types.Money).validate_json('"0.10"') == "0.10"
    assert to_decimal("999999999999.99") == Decimal("999999999999.99")


@given(st.from_regex(r"[0-9]{9}", fullmatch=True), st.integers(0, 8), st.integers(1, 9))
def test_a_single_wrong_digit_of_a_siren_is_found(number: str, place: int, shift: int) -> None:
    """What the check digit is for: of two SIRENs that differ in one digit at most one is right."""
    other = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    right = [_is_siren(candidate) for candidate in (number, other)]
    assert right != [True, True]


def _is_siren(number: str) -> bool:
    try:
        adapter(types.Siren).validate_json(f'"{number}"')
    except ValidationError:
        return False
    return True


OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31), timezones=OFFSETS)  # noqa: DTZ001 - bounds


@given(TIMES)
def test_a_time_is_read_as_it_was_told(time: datetime) -> None:
    """Same instant, same offset; any offset that RFC 3339 knows."""
    found = parse_time(time.isoformat())
    assert found == time
    assert found is not None
    assert found.utcoffset() == time.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T24:00:00Z",
        "2026-03-02T09:60:00Z",
        "2026-03-02T23:59:60Z",
        "2026-03-02T09:30:00+24:00",
        "2026-03-02T09:30:00+01:60",
    ],
)
def test_the_published_pattern_knows_what_a_clock_can_show(text: str) -> None:
    """RFC 3339 §5.6: nothing is left to a date library, of which the newer ones read hour 24."""
    assert re.search(TIME_PATTERN, text) is None


def test_zulu_is_utc_and_further_decimals_are_cut() -> None:
    assert parse_time("2026-03-02t08:30:00.1234567z") == datetime(2026, 3, 2, 8, 30, 0, 123456, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-02T09:30:00",
        "2026-03-02T09:30+01:00",
        "2026-03-02T09:30:00+0100",
        "2026-03-02T09:30:00+01",
        "2026-03-02T24:00:00Z",
        "2026-03-02T23:59:60Z",
        "2026-02-30T00:00:00Z",
        "2026-03-02T09:30:00+25:00",
        "1899-12-31T23:59:59Z",
        "3000-01-01T00:00:00Z",
        "2026-03-02T09:30:00Z\n",
        "2026-03-02T09:30:00.Z",
        "2026-W10-1T09:30:00Z",
        "٢٠٢٦-03-02T09:30:00Z",
    ],
)
def test_what_is_no_rfc_3339_time_with_offset_is_none(text: str) -> None:
    assert parse_time(text) is None
