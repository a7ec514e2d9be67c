"""What operators say of an organism whose own system does not answer: a record on l233.outages."""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class DeclaredOutage:
    """An outage of an organism's own system, RFC 3339; `ends` None: it goes on, nobody knows until when."""

    organism: str
    starts: str
    ends: str | None


OUTAGE: Final = TypeAdapter(DeclaredOutage)
OUTAGE_TYPE: Final = "fr.l233.outage.v1"
