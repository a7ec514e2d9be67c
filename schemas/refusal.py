"""Why an event is refused: one reason from a closed, public list, and every violation found."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Reason = Literal[
    "personal_data",
    "unknown_type",
    "not_allowed",
    "contract",
    "conflicting_duplicate",
    "no_scheme_in_force",
    "no_rule",
    "unknown_worker",
    "outside_scheme",
    "ambiguous_territory",
    "unexpected",
]

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
"""Every reason, in the order in which they are looked for: an event has the first that applies."""


class Violation(NamedTuple):
    """One thing that is wrong, and where.

    `path` is a JSON pointer (RFC 6901) into the structured form of the event, such as
    `/data/worker/siren` or `/time`, empty for the record as a whole. `message` says what is expected and
    never repeats a value.
    """

    path: str
    message: str

    @property
    def concerns_data(self) -> bool:
        """Whether the data is meant, not an attribute."""
        return self.path in {"/data", "/data_base64"} or self.path.startswith("/data/")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Write and read it as an object with `path` and `message`, not as a list of two."""
        text = core_schema.typed_dict_field(core_schema.str_schema())
        written = core_schema.typed_dict_schema({"path": text, "message": text}, extra_behavior="forbid")
        return core_schema.no_info_after_validator_function(
            lambda read: cls(read["path"], read["message"]),
            written,
            serialization=core_schema.plain_serializer_function_ser_schema(cls._asdict),
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that can't go on, with its one reason and every violation behind it."""

    reason: Reason
    errors: tuple[Violation, ...]


MOST_VIOLATIONS: Final = 100
"""How many are listed: a refusal has to fit into a record, whatever was sent."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")


def pointer(*segments: str | int) -> str:
    """Write the JSON pointer of a place in the structured form.

    It ends before the first name that does not look like a field name: a name can be personal too, or huge.
    """
    path = ""
    for segment in segments:
        if isinstance(segment, str) and _PLAIN_NAME.match(segment) is None:
            break
        path += f"/{segment}"
    return path


def listed(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """List the violations without repetition, in the order found; beyond the hundredth, how many more."""
    distinct = tuple(dict.fromkeys(violations))
    if len(distinct) <= MOST_VIOLATIONS:
        return distinct
    more = len(distinct) - MOST_VIOLATIONS
    return (*distinct[:MOST_VIOLATIONS], Violation("", f"and {more} more violations"))
