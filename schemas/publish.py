"""Generates what producers and readers build against: a JSON Schema 2020-12 for the data of every type.

`python -m schemas.publish` writes `schemas/published/`; `--check` changes nothing and fails when a file is
missing, stale or left over. What a schema can't say (check digits, `ends` not before `starts`, an integer
written 3.0, a key that stands twice) is refused at the gate all the same.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from schemas.attributes import EXTENSION, REQUIRED, RULES
from schemas.registry import EVERY_TYPE

PUBLISHED: Final = Path(__file__).parent / "published"

ENVELOPE: Final = "fr.l233.envelope.v1"
"""Name of the schema of a whole event in structured mode; its `data` is described by the type's own."""


class _PlainSchema(GenerateJsonSchema):
    """JSON Schema without what only Python knows, and with what the refusal of a field would say."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Leave out titles that only repeat the name of a field."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out null as the default of what is absent: null itself is refused."""
        if "default" in schema and schema["default"] is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def custom_error_schema(self, schema: core_schema.CustomErrorSchema) -> JsonSchemaValue:
        """Describe a field by what is expected of it."""
        described = self.generate_inner(schema["schema"])
        return {"description": _plain(schema.get("custom_error_message", "")), **described}


def _plain(message: str) -> str:
    return message.removeprefix("expected ")


def _identity(name: str) -> dict[str, object]:
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": f"urn:l233:schema:{name}"}


def _envelope() -> dict[str, object]:
    attributes = {name: {"description": _plain(rule.expected), **rule.schema} for name, rule in RULES.items()}
    return {
        **_identity(ENVELOPE),
        "title": "Envelope",
        "description": "An event in structured mode (application/cloudevents+json), CloudEvents 1.0.",
        "type": "object",
        "properties": {
            **attributes,
            "data": {"type": "object"},
            "data_base64": {"type": "string", "contentEncoding": "base64"},
        },
        "required": list(REQUIRED),
        "oneOf": [{"required": ["data"]}, {"required": ["data_base64"]}],
        "propertyNames": {"pattern": "^([a-z0-9]{1,40}|data_base64)$"},
        "additionalProperties": dict(EXTENSION.schema),
    }


def generate() -> Mapping[str, str]:
    """File name -> text of every published schema, the same bytes at every run."""
    schemas = {
        name: {**_identity(name), **adapter.json_schema(schema_generator=_PlainSchema)}
        for name, adapter in EVERY_TYPE.items()
    }
    schemas[ENVELOPE] = _envelope()
    return {
        f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in sorted(schemas.items())
    }


def differences(directory: Path, wanted: Mapping[str, str]) -> list[str]:
    """Say in one line each what is missing, stale or left over in a directory."""
    present = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.json")}
    return [
        *(f"missing: {name}" for name in sorted(wanted.keys() - present.keys())),
        *(f"left over: {name}" for name in sorted(present.keys() - wanted.keys())),
        *(
            f"stale: {name}"
            for name in sorted(wanted.keys() & present.keys())
            if wanted[name] != present[name]
        ),
    ]


def write(directory: Path, wanted: Mapping[str, str]) -> None:
    """Make the directory hold exactly the wanted files."""
    directory.mkdir(exist_ok=True)
    for path in directory.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        directory.joinpath(name).write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a command; 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m schemas.publish", description="Publish JSON Schemas.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing, fail when a file is not current"
    )
    if not parser.parse_args(arguments).check:
        write(PUBLISHED, generate())
        return 0
    found = differences(PUBLISHED, generate())
    if found:
        sys.stderr.write("\n".join(found) + "\nrun `python -m schemas.publish` and commit the result\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
