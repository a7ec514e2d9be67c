"""Decides which organism is competent for a mission in a place.

Health and retirement go by residence, collection by establishment; a CGSS takes the three in its territory;
a known attachment wins. Source: CSS art. L211-1, L213-1, L215-1, L222-1, L752-1, L752-4 (by residence or
establishment: unverified). The directory is parsed from the text of `scheme/organisms.csv` and
`scheme/territories.csv`.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coordination.calendar import is_known_subdivision
from schemas.codes import KINDS, Kind
from schemas.records import Situation

Obstacle = Literal["outside_scheme", "ambiguous_territory"]
"""Why no organism is competent: the place lies outside L233-1, or several share it and none is known."""

_NATIONAL: Final = "*"


class DirectoryError(ValueError):
    """The reference files can't be used: the message gives file, line, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Organism:
    """An organism of the directory. `kind` is its statute in lower case, such as `cpam` or `ccss`."""

    id: str
    kind: str
    name: str
    article: str
    departements: tuple[str, ...]
    agent: str
    zone: ZoneInfo

    @property
    def national(self) -> bool:
        """Whether this is a national head: it never leads a worker's case."""
        return self.departements == (_NATIONAL,)


@dataclass(frozen=True, slots=True, eq=False)
class Competence:
    """An organism, and the public holidays of the département by which it became competent.

    Built once with the directory; compared and hashed by identity, as a quick key of what follows from it.
    """

    organism: Organism
    holidays: str | None


Resolution = Competence | Obstacle
_NOBODY: Final[Mapping[Kind, Resolution]] = MappingProxyType(
    {"health": "outside_scheme", "collection": "outside_scheme", "retirement": "outside_scheme"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """Organisms and territories, with every answer computed beforehand. Compared by identity."""

    organisms: Mapping[str, Organism]
    _by_departement: Mapping[str, Mapping[Kind, Resolution]]
    _by_name: Mapping[str, Competence]

    @property
    def departements(self) -> tuple[str, ...]:
        """Every territory, those outside the scheme included, as the file lists them."""
        return tuple(self._by_departement)

    def named(self, organism: str) -> Competence:
        """Return an organism that an event or an attachment names: holidays of its first département.

        Raises:
            KeyError: when there is no such organism (contracts refuse such an event).
        """
        return self._by_name[organism]

    def competent(
        self, kind: Kind, residence: str, establishment: str, attachments: Mapping[str, str]
    ) -> Resolution:
        """Return who has the mission `kind` for a worker, or why nobody has.

        Args:
            kind: health, collection or retirement.
            residence: commune code; decides health and retirement.
            establishment: commune code; decides collection.
            attachments: organisms known for the worker, by kind; they win over the territory.
        """
        attached = attachments.get(kind)
        if attached is not None:
            return self._by_name[attached]
        commune = establishment if kind == "collection" else residence
        return self._by_departement.get(departement_of(commune), _NOBODY)[kind]

    def organisms_of(self, worker: Situation | None) -> dict[Kind, str]:
        """Return the organisms of a worker by mission, without the missions that nobody has for him."""
        if worker is None:
            return {}
        place = worker.residence, worker.establishment, worker.attachments
        found = {kind: self.competent(kind, *place) for kind in KINDS}
        return {kind: one.organism.id for kind, one in found.items() if isinstance(one, Competence)}


def departement_of(commune: str) -> str:
    """Return the département of an INSEE commune code: `2A`, `31`, and overseas three characters: `971`."""
    return commune[:3] if commune.startswith(("97", "98")) else commune[:2]


def parse_directory(organisms: str, territories: str) -> Directory:
    """Build the directory from the text of the two reference files.

    Raises:
        DirectoryError: for the first line that can't be used.
    """
    known: dict[str, Organism] = {}
    for line, row in _rows("organisms.csv", organisms, _ORGANISM_COLUMNS):
        organism = _organism(line, row)
        if organism.id in known:
            raise DirectoryError(f"organisms.csv:{line}: {organism.id} stands twice: remove one of the lines")
        known[organism.id] = organism

    places: dict[str, Mapping[Kind, Resolution]] = {}
    subdivisions: dict[str, str | None] = {}
    for line, row in _rows("territories.csv", territories, _TERRITORY_COLUMNS):
        code = row["departement"]
        if code in places:
            raise DirectoryError(f"territories.csv:{line}: {code} stands twice: remove one of the lines")
        subdivisions[code] = _subdivision(line, row["holidays"])
        places[code] = MappingProxyType(
            {kind: _resolution(line, row[kind], known, code, subdivisions[code]) for kind in KINDS}
        )
    by_name = {id_: Competence(o, subdivisions.get(o.departements[0])) for id_, o in known.items()}
    return Directory(MappingProxyType(known), MappingProxyType(places), MappingProxyType(by_name))


_ORGANISM_COLUMNS: Final = ("id", "kind", "article", "name", "departements", "agent", "timezone")
_TERRITORY_COLUMNS: Final = ("departement", "health", "collection", "retirement", "holidays")


def _rows(file: str, text: str, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(text.splitlines(), restval="", restkey="")
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise DirectoryError(f"{file}:1: no column {', '.join(missing)}: write the header line again")
    for row in reader:
        if "" in row:
            raise DirectoryError(
                f"{file}:{reader.line_num}: more fields than columns: quote what holds a comma"
            )
        yield reader.line_num, row


def _organism(line: int, row: Mapping[str, str]) -> Organism:
    for column in ("id", "kind", "name", "departements", "agent"):
        if not row[column]:
            raise DirectoryError(f"organisms.csv:{line}: {column} is empty: fill it in")
    try:
        zone = ZoneInfo(row["timezone"])
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DirectoryError(
            f"organisms.csv:{line}: {row['timezone']!r} is no time zone: write for example Europe/Paris"
        ) from error
    return Organism(
        id=row["id"],
        kind=row["kind"].lower(),
        name=row["name"],
        article=row["article"],
        departements=tuple(row["departements"].split(";")),
        agent=row["agent"],
        zone=zone,
    )


def _subdivision(line: int, text: str) -> str | None:
    if text and not is_known_subdivision(text):
        raise DirectoryError(
            f"territories.csv:{line}: {text!r} is no subdivision of France in the library holidays: "
            "correct it, or leave it empty for the national holidays"
        )
    return text or None


def _resolution(
    line: int, cell: str, known: Mapping[str, Organism], departement: str, holidays: str | None
) -> Resolution:
    if not cell:
        return "outside_scheme"
    for id_ in cell.split(";"):
        if id_ not in known:
            raise DirectoryError(
                f"territories.csv:{line}: {id_} is not in organisms.csv: correct it or add it"
            )
        if departement not in known[id_].departements:
            raise DirectoryError(
                f"territories.csv:{line}: organisms.csv doesn't give {departement} to {id_}: correct one"
            )
    return "ambiguous_territory" if ";" in cell else Competence(known[cell], holidays)
