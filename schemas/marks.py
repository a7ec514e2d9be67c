"""Which fields of what we write are told about a person: marked once, where they are declared.

Personal is all that is said of somebody: numbers, places, amounts, days, free text. What proofs, routing,
cases and quality need stays readable: the worker's reference (itself a keyed pseudonym), ids, event types,
organisms, the times at which something was processed or is due. GDPR art. 4 and 17.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar, get_type_hints

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

_Value = TypeVar("_Value")
KEYWORD: Final = "x-personal"
"""What marks a field in a published JSON Schema."""


@dataclass(frozen=True, slots=True)
class Mark:
    """On a field: it is personal, whole. `erased` is the JSON that is read in its place once it is gone."""

    erased: str = '"erased"'

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Publish the mark beside the rest."""
        return {**handler(schema), KEYWORD: True}


Personal = Annotated[_Value, Mark()]
"""`Personal[X]`: a field that is told about a person."""


def personal_fields(model: type) -> Mapping[str, str]:
    """Return the marked fields of a contract or record, and what is read in the place of each once erased."""
    hints: Mapping[str, Any] = get_type_hints(model, include_extras=True)
    found: dict[str, str] = {}
    for name, hint in hints.items():
        marks = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Mark)]
        if marks:
            found[name] = marks[-1].erased
    return found
