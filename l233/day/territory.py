"""Says which organisms serve a département and draws communes: the places of the generated workers.

Read from the project's own `scheme/territories.csv`, so that the generator plants what routing will find.
"""

import csv
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from types import MappingProxyType
from typing import Final, Literal

import scheme
from l233.day.population import INHABITANTS
from schemas.codes import Kind

Obstacle = Literal["outside_scheme", "ambiguous_territory"]


@dataclass(frozen=True, slots=True)
class Territory:
    """A département and its organisms by role; none where article L233-1 names none."""

    departement: str
    organisms: Mapping[Kind, tuple[str, ...]]

    def obstacle(self, kind: Kind) -> Obstacle | None:
        """Why the place alone names no single organism; None when it does."""
        found = self.organisms[kind]
        if len(found) == 1:
            return None
        return "ambiguous_territory" if found else "outside_scheme"

    def commune(self, random: Random) -> str:
        """Draw a code of the right shape; whether there is such a commune nobody checks."""
        number = random.randrange(1, 400)
        return f"{self.departement}{number:0{5 - len(self.departement)}d}"[:5]


def _read() -> Mapping[str, Territory]:
    rows = csv.DictReader(scheme.territories().splitlines())
    return MappingProxyType(
        {
            row["departement"]: Territory(
                row["departement"],
                {
                    "health": _ids(row["health"]),
                    "collection": _ids(row["collection"]),
                    "retirement": _ids(row["retirement"]),
                },
            )
            for row in rows
        }
    )


def _ids(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(";")) if cell else ()


TERRITORIES: Final = _read()
OUTSIDE: Final = tuple(t for t in TERRITORIES.values() if not t.organisms["collection"])
"""Saint-Pierre-et-Miquelon, Mayotte, Saint-Barthélemy."""
SHARED: Final = tuple(t for t in TERRITORIES.values() if len(t.organisms["health"]) > 1)
"""Départements with several CPAM: Nord, Pas-de-Calais, Pyrénées-Atlantiques, Seine-Maritime."""

_INSIDE: Final = tuple(t for t in TERRITORIES.values() if t.organisms["collection"])
_UP_TO: Final = tuple(accumulate(INHABITANTS[t.departement] for t in _INSIDE))


def draw(random: Random) -> Territory:
    """Draw a département within the scheme, the more likely the more people live there."""
    return _INSIDE[bisect(_UP_TO, random.randrange(_UP_TO[-1]))]
