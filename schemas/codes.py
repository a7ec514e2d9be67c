"""The closed lists that contracts refer to: organisms by the role they may take, and départements.

Read once from the data files of `scheme/` (data, not an import of code): what a jurist reads there is
what the contracts accept. Sources: CSS art. L211-1, L213-1, L215-1, L221-1, L222-1, L225-1, L752-4 (L).
"""

import csv
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal, get_args

Kind = Literal["health", "collection", "retirement"]
"""The three roles that a territory gives to an organism."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def _rows(name: str) -> list[dict[str, str]]:
    text = files("scheme").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


_ORGANISMS = _rows("organisms.csv")

KIND_OF_ORGANISM: Final = MappingProxyType({row["id"]: row["kind"] for row in _ORGANISMS})
"""Organism id -> its kind as the directory writes it, such as `CPAM`."""

NATIONAL_HEADS: Final = tuple(row["id"] for row in _ORGANISMS if row["departements"] == "*")
"""CNAM, CNAV and ACOSS: they establish the scheme and never lead a worker's case (art. L233-1)."""

LOCAL_ORGANISMS: Final = tuple(row["id"] for row in _ORGANISMS if row["departements"] != "*")
"""The organisms that serve a territory; CNAV counts among them in Île-de-France."""

ALL_ORGANISMS: Final = LOCAL_ORGANISMS + NATIONAL_HEADS

_KINDS_OF_ROLE: Final[dict[Kind, frozenset[str]]] = {
    "health": frozenset({"CPAM", "CCSS", "CGSS"}),
    "collection": frozenset({"URSSAF", "CCSS", "CGSS"}),
    "retirement": frozenset({"CARSAT", "CNAV", "CGSS"}),
}

ORGANISMS_FOR: Final = MappingProxyType(
    {
        role: tuple(organism for organism in LOCAL_ORGANISMS if KIND_OF_ORGANISM[organism] in kinds)
        for role, kinds in _KINDS_OF_ROLE.items()
    }
)
"""Role -> the local organisms that can take it: what `attachments` may name."""

DEPARTEMENTS: Final = tuple(row["departement"] for row in _rows("territories.csv"))
"""Known départements, those outside L233-1 (975, 976, 977) included: they are valid, not routable."""
