"""What is said of the scheme itself: a version as it is published, its signatures, and its life as events.

A version is established jointly by the CNAM, the CNAV and the ACOSS, and approved by two ministers.
Source: CSS art. L233-1 (L). Subject of the events: `scheme:<version>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from schemas.events import Contract
from schemas.types import DistinctList, Rfc3339, Text

Act = Literal["establishes", "approves"]
"""What a signature does."""
Head = Literal["cnam", "cnav", "acoss"]
Minister = Literal["minister-social-security", "minister-budget"]

SUBJECT: Final = "scheme:"
"""What the subject of an event on the scheme begins with; the version follows."""


@dataclass(frozen=True, slots=True)
class Signature:
    """An authority's signature under the text of a version.

    `key` is the public key (Ed25519, 32 bytes) and `signature` the 64 bytes, both in hexadecimal; `at` is
    part of what is signed.
    """

    act: str
    authority: str
    at: str
    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class SchemeVersion:
    """A version of the scheme as it is published: the record under its name on l233.scheme.

    `text` is the whole YAML with line feeds alone, `sha256` its SHA-256 in hexadecimal, `published` when it
    was put on the topic (RFC 3339).
    """

    scheme: str
    sha256: str
    in_force: str
    published: str
    text: str
    signatures: tuple[Signature, ...]


SCHEME_VERSION: Final = TypeAdapter(SchemeVersion)
SCHEME_VERSION_TYPE: Final = "fr.l233.scheme-version.v1"


Sha256 = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]


class SchemeEvent(Contract):
    """What every event on a version says: which one, and the SHA-256 of its text."""

    scheme: Text
    sha256: Sha256


class SchemeEstablished(SchemeEvent):
    """The three heads have signed. Source: CSS art. L233-1 (L)."""

    by: Annotated[DistinctList[Head], Field(min_length=3)]


class SchemeApproved(SchemeEvent):
    """Both ministers have approved. Source: CSS art. L233-1 (L)."""

    by: Annotated[DistinctList[Minister], Field(min_length=2)]


class SchemePublished(SchemeEvent):
    """The version is published: it will be in force from a date."""

    in_force: Rfc3339


class SchemeSuperseded(SchemeEvent):
    """Another version takes its place from a date. Told when that one is published."""

    by: Text
    since: Rfc3339


LIFE: Final[Mapping[str, type[SchemeEvent]]] = MappingProxyType(
    {
        "scheme.established": SchemeEstablished,
        "scheme.approved": SchemeApproved,
        "scheme.published": SchemePublished,
        "scheme.superseded": SchemeSuperseded,
    }
)
"""Event name -> model of its data, for what is told of a version of the scheme."""
