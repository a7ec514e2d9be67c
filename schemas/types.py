"""The field types of the contracts: one strict reading for each, one message that says what is expected.

No message repeats the value it refuses: a wrong value may be personal data.
Parsing and patterns run inside pydantic-core, so that a typical event costs a few microseconds.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from stdnum.fr import siren as siren_number
from stdnum.fr import siret as siret_number

from schemas.codes import ALL_ORGANISMS, DEPARTEMENTS, LOCAL_ORGANISMS, NATIONAL_HEADS, ORGANISMS_FOR

# --- how a type is built -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expect:
    """Replace whatever error the type raises by one message that says what is expected."""

    message: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the schema of the annotated type."""
        return core_schema.custom_error_schema(
            handler(source), custom_error_type="expectation", custom_error_message=self.message
        )


@dataclass(frozen=True, slots=True)
class OneOf:
    """Accept the codes of a closed list that is data, so that `Literal` can't spell it."""

    codes: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Replace the schema of `str` by the list."""
        return core_schema.literal_schema(list(self.codes))


@dataclass(frozen=True, slots=True)
class _CalendarDate:
    """Read text that fits `pattern` as a real date of the calendar."""

    pattern: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the pattern first: pydantic alone would take other notations for a date too."""
        return core_schema.chain_schema(
            [
                core_schema.str_schema(strict=True, pattern=self.pattern),
                core_schema.date_schema(strict=False),
            ]
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Publish the format beside the pattern."""
        return {**handler(schema), "format": "date"}


@dataclass(frozen=True, slots=True)
class MayBeAbsent:
    """An optional field is left out or has a value: `null` is refused."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take the nullable wrapper off: None is only the default of an absent field."""
        schema = handler(source)
        return schema["schema"] if schema["type"] == "nullable" else schema


ABSENT: Final[Any] = Field(default=None)
"""Default of an optional field, together with `MayBeAbsent`."""

_Value = TypeVar("_Value")
_Item = TypeVar("_Item", bound=Hashable)

Optional = Annotated[_Value | None, MayBeAbsent()]
"""`Optional[X] = None`: may be left out, may not be null."""


def _without_repetition(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    if len(set(items)) != len(items):
        raise PydanticCustomError("repetition", "expected every value at most once")
    return items


DistinctList = Annotated[
    tuple[_Item, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_without_repetition),
]
"""A non-empty list without repetition."""

# --- text, numbers, times ------------------------------------------------------------------------

MONEY_PATTERN: Final = r"^[0-9]{1,12}\.[0-9]{2}$"
Money = Annotated[
    str,
    StringConstraints(strict=True, pattern=MONEY_PATTERN),
    Expect('expected an amount in euros as a string with two decimals, such as "1250.00"'),
]
"""Euros as text with two decimals; `to_decimal` computes with it."""


def to_decimal(amount: Money) -> Decimal:
    """Compute the exact number of euros that a money text stands for."""
    return Decimal(amount)


_YEARS = "(?:19|2[0-9])[0-9]{2}"

IsoDate = Annotated[
    date,
    _CalendarDate(rf"^{_YEARS}-[0-9]{{2}}-[0-9]{{2}}$"),
    Expect('expected a real date as "YYYY-MM-DD", years 1900 to 2999'),
]
"""A calendar date. Years are bounded as `Year`, so that no deadline leaves the calendar."""

Year = Annotated[
    int, Field(strict=True, ge=1900, le=2999), Expect("expected a year as an integer, 1900 to 2999")
]

Period = Annotated[
    str,
    StringConstraints(strict=True, pattern=rf"^{_YEARS}-(?:0[1-9]|1[0-2]|T[1-4])$"),
    Expect('expected a month "2026-03" or a quarter "2026-T1"'),
]
"""The month or quarter that a contribution belongs to."""

Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000), Expect("expected an integer, 0 to 1000000")]
Quarters = Annotated[int, Field(strict=True, ge=0, le=4), Expect("expected an integer, 0 to 4")]
"""Validated quarters of one year: at most four. Source: CSS art. R351-9 (M)."""

Flag = Annotated[bool, Field(strict=True), Expect("expected true or false")]

Text = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=500, pattern=r"\S"),
    Expect("expected a text of 1 to 500 characters"),
]

# \d and \s of the pydantic engine know every script: only ASCII digits are meant. The hours of a clock stand
# here and not in a library's hands: Python 3.14 reads 24:00, RFC 3339 does not know it.
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
TIME_PATTERN: Final = (
    rf"^{_YEARS}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_CLOCK}:[0-5][0-9](?:\.[0-9]{{1,9}})?(?:[Zz]|[+-]{_CLOCK})$"
)
TIME_EXPECTED: Final = 'expected an RFC 3339 time with offset, such as "2026-03-02T09:30:00+01:00"'
_TIME = re.compile(TIME_PATTERN.removesuffix("$") + r"\Z")


def parse_time(text: str) -> datetime | None:
    """Read an RFC 3339 time with offset; None when it is not one.

    Years 1900 to 2999, at most nine decimals (kept to the microsecond); second 60 is refused.
    """
    return _parsed(text) if len(text) <= _LONGEST_TIME else None


_LONGEST_TIME: Final = len("2026-03-02T09:30:00.123456789+01:00")


@lru_cache(maxsize=8_192)
def _parsed(text: str) -> datetime | None:
    """Read a text that is short enough; the time of one event is read by everybody who gets it."""
    if _TIME.match(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:  # the 31st of February, hour 25, offset +99:00
        return None


def _rfc3339(text: str) -> str:
    if parse_time(text) is None:
        raise PydanticCustomError("expectation", TIME_EXPECTED)
    return text


Rfc3339 = Annotated[
    str,
    StringConstraints(strict=True, pattern=TIME_PATTERN),
    AfterValidator(_rfc3339),
    Expect(TIME_EXPECTED),
    Field(json_schema_extra={"format": "date-time"}),
]
"""A time kept as the text that was received."""

# --- identifiers ---------------------------------------------------------------------------------

SUBJECT_PATTERN: Final = r"^worker:[0-9a-f]{32}$"
SUBJECT_EXPECTED: Final = 'expected a worker reference: "worker:" and 32 lowercase hexadecimal digits'
WorkerRef = Annotated[str, StringConstraints(strict=True, pattern=SUBJECT_PATTERN), Expect(SUBJECT_EXPECTED)]
"""The worker's one reference for life: the first 16 bytes of HMAC-SHA-256 of the SIREN."""


@lru_cache(maxsize=16_384)
def _is_siren(number: str) -> bool:
    return bool(siren_number.is_valid(number))  # twice the cost of the rest of a `worker` block


def _siren(number: str) -> str:
    if not _is_siren(number):
        raise PydanticCustomError("expectation", "expected a SIREN")
    return number


@lru_cache(maxsize=16_384)
def _is_siret(number: str) -> bool:
    return bool(siret_number.is_valid(number))


def _siret(number: str) -> str:
    if not _is_siret(number):
        raise PydanticCustomError("expectation", "expected a SIRET")
    return number


Siren = Annotated[
    str,
    StringConstraints(strict=True, pattern="^[0-9]{9}$"),
    AfterValidator(_siren),
    Expect("expected a SIREN: 9 digits with a right check digit"),
]
Siret = Annotated[
    str,
    StringConstraints(strict=True, pattern="^[0-9]{14}$"),
    AfterValidator(_siret),
    Expect("expected a SIRET: 14 digits with right check digits"),
]
"""La Poste's establishments have a check of their own, which python-stdnum knows."""

Ape = Annotated[
    str,
    StringConstraints(strict=True, pattern="^[0-9]{4}[A-Z]$"),
    Expect('expected an APE code: 4 digits and a capital letter, such as "6201Z"'),
]
LegalForm = Annotated[
    str,
    StringConstraints(strict=True, pattern="^[0-9]{4}$"),
    Expect('expected a legal form code: 4 digits as a string, such as "1000"'),
]


def _starting_with(length: int) -> str:
    codes = "|".join(code for code in DEPARTEMENTS if len(code) == length)
    return f"(?:{codes})[0-9]{{{5 - length}}}"


COMMUNE_PATTERN: Final = f"^(?:{_starting_with(2)}|{_starting_with(3)})$"
Commune = Annotated[
    str,
    StringConstraints(strict=True, pattern=COMMUNE_PATTERN),
    Expect('expected a 5-character INSEE commune code of a known département, such as "31555" or "2A004"'),
]
"""Not a postal code. Corsica begins with 2A or 2B, overseas with the three characters of the département."""

OrganismId = Annotated[
    str, OneOf(LOCAL_ORGANISMS), Expect('expected the id of a local organism, such as "cpam:311"')
]
NationalHead = Annotated[
    str, OneOf(NATIONAL_HEADS), Expect("expected a national head: " + ", ".join(NATIONAL_HEADS))
]
AnyOrganism = Annotated[
    str, OneOf(ALL_ORGANISMS), Expect('expected the id of an organism, such as "cpam:311" or "cnam"')
]
HealthOrganism = Annotated[
    str, OneOf(ORGANISMS_FOR["health"]), Expect("expected the id of a CPAM, CCSS or CGSS")
]
CollectionOrganism = Annotated[
    str, OneOf(ORGANISMS_FOR["collection"]), Expect("expected the id of an URSSAF, CCSS or CGSS")
]
RetirementOrganism = Annotated[
    str,
    OneOf(ORGANISMS_FOR["retirement"]),
    Expect("expected the id of a CARSAT, of cnav:ile-de-france or of a CGSS"),
]

Role = Literal["lead", "support", "informed"]
