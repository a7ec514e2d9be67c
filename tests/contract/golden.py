"""The golden examples as the contract tests read them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.envelope import Envelope, unpack_structured
from tests.contract.project import ROOT

EXAMPLES = ROOT / "schemas" / "examples"
VALID = sorted((EXAMPLES / "valid").glob("*.json"))
INVALID = sorted(path for path in (EXAMPLES / "invalid").glob("*.json") if ".expected." not in path.name)


@dataclass(frozen=True, slots=True)
class Expected:
    """What an invalid example is refused for."""

    reason: str
    paths: list[str]


def expected(example: Path) -> Expected:
    """Read what stands beside an invalid example."""
    text = example.with_name(f"{example.stem}.expected.json").read_text(encoding="utf-8")
    return Expected(**json.loads(text))


def envelope(example: Path) -> Envelope:
    """Take an example apart as intake would."""
    return unpack_structured(example.read_bytes())


def type_in(example: Path) -> str:
    """Return the CloudEvents type that an example says it is of."""
    return str(envelope(example).attributes["type"])


def of_types(types: Iterator[str] | set[str]) -> list[Path]:
    """Return the valid examples of some types."""
    wanted = set(types)
    return [example for example in VALID if type_in(example) in wanted]
