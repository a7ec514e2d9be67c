"""Everything that has a published schema: CloudEvents type -> what reads and describes its data.

Four families: what is taken in (`INPUTS`), what is emitted (`EMITTED` by agents, `LIFE` of the scheme), the
records on our topics, what organisms hand each other. Four types are of the first two: one model, one schema.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from schemas import records
from schemas.audit import CHECKPOINT, CHECKPOINT_TYPE
from schemas.emitted import EMITTED
from schemas.events import type_of
from schemas.inputs import INPUTS
from schemas.outages import OUTAGE, OUTAGE_TYPE
from schemas.scheme import LIFE, SCHEME_VERSION, SCHEME_VERSION_TYPE


class DataAdapter(Protocol):
    """What is needed of the adapters of values that have nothing else in common."""

    def validate_json(self, data: bytes, /) -> object:
        """Read the data of an event; raises `pydantic.ValidationError`."""

    def json_schema(self, *, schema_generator: type[GenerateJsonSchema]) -> dict[str, object]:
        """Describe the data as JSON Schema 2020-12."""


INPUT: Final[Mapping[str, DataAdapter]] = MappingProxyType(
    {type_of(name): TypeAdapter(model) for name, model in INPUTS.items()}
)
"""What is taken in: events and follow-ups."""

OUTPUT: Final[Mapping[str, DataAdapter]] = MappingProxyType(
    {type_of(name): TypeAdapter(model) for name, model in {**EMITTED, **LIFE}.items()}
)
"""What is emitted: acknowledgements and outcomes by the agents, the life of the scheme by its owners."""

RECORDS: Final[Mapping[str, DataAdapter]] = MappingProxyType(
    {
        records.DECISION_TYPE: records.DECISION,
        records.RECEIPT_TYPE: records.RECEIPT,
        records.DEAD_LETTER_TYPE: records.DEAD_LETTER,
        records.CASE_TYPE: records.CASE,
        SCHEME_VERSION_TYPE: SCHEME_VERSION,
        OUTAGE_TYPE: OUTAGE,
        CHECKPOINT_TYPE: CHECKPOINT,
    }
)
"""What stands on l233.decisions, l233.receipts, l233.dead-letters, l233.cases, l233.scheme, l233.outages,
l233.checkpoints."""

BETWEEN: Final[Mapping[str, DataAdapter]] = MappingProxyType({records.ACCOUNT_TYPE: records.ACCOUNT})
"""What organisms hand each other, in their inboxes."""

EVERY_TYPE: Final[Mapping[str, DataAdapter]] = MappingProxyType({**INPUT, **OUTPUT, **RECORDS, **BETWEEN})
