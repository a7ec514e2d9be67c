"""Decides what a record of the business register (RNE) says: a registration, a cessation, or nothing.

An event is put together from checked codes, numbers and dates alone, never by taking things out of a record:
names, birth dates, streets and contacts can't get through. The paths are those that the register publishes:
one company per record, in the stock as it is, in the flow of changes under `company`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, Literal

from stdnum.fr import siren as siren_number
from stdnum.fr import siret as siret_number

from coordination.ids import uuid5
from coordination.instants import PARIS
from schemas.envelope import Envelope
from schemas.events import type_of
from schemas.refusal import Refusal
from schemas.strict_json import JsonValue, write
from schemas.types import COMMUNE_PATTERN
from schemas.validation import validate

SOURCE: Final = "urn:l233:rne"

Name = Literal["activity.registered", "activity.ceased"]
SkipReason = Literal[
    "personneMorale",
    "exploitation",
    "no_natural_person",
    "not_a_record",
    "no_siren",
    "wrong_siren",
    "no_time",
    "wrong_time",
    "unclear_cessation",
    "wrong_end",
    "no_start",
    "wrong_start",
    "no_business_address",
    "foreign_address",
    "unknown_commune",
    "contract",
]

WHY_SKIPPED: Final[Mapping[SkipReason, str]] = {
    "personneMorale": "a company, not a self-employed person",
    "exploitation": "a farm",
    "no_natural_person": "no block personnePhysique",
    "not_a_record": "no object with a formality and its content",
    "no_siren": "no SIREN",
    "wrong_siren": "not 9 digits with a right check digit",
    "no_time": "no updatedAt: nobody knows when the register told it",
    "wrong_time": "updatedAt is no time",
    "unclear_cessation": "an end of activity without dateRadiation",
    "wrong_end": "dateRadiation is no date",
    "no_start": "no dateCreation",
    "wrong_start": "dateCreation is no date",
    "no_business_address": "no commune of the business",
    "foreign_address": "home or business abroad",
    "unknown_commune": "a commune code of no département that L233-1 could know",
    "contract": "the event would not keep its contract (a date before 1900, for example)",
}
"""Every reason to skip a record, in words."""

Optional = Literal["siret", "ape", "legal_form", "micro"]


@dataclass(frozen=True, slots=True)
class Converted:
    """An event that a record gave."""

    name: Name
    attributes: Mapping[str, str]
    payload: bytes
    assumed_residence: bool
    """Whether the residence is the business address, for lack of a home address."""
    left_out: tuple[Optional, ...]
    """Optional values that the record has, but not in the form of the contract."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that gives no event."""

    reason: SkipReason


SubjectOf = Callable[[str], str]
"""SIREN -> worker reference."""


def convert(record: JsonValue, subject_of: SubjectOf) -> Converted | Skipped:
    """Return the event that a register record gives, or why it gives none.

    `time` and `recordedtime` are the record's `updatedAt`: what the register told, when. Without an offset it
    is Paris time. The event's id is the UUIDv5 of SIREN, that instant and the kind of event, so that
    converting twice gives duplicates and not new events.
    """
    try:
        return _convert(record, subject_of)
    except _Skip as skip:
        return Skipped(skip.reason)


class _Skip(Exception):
    """A signal within this module: the record gives no event."""

    def __init__(self, reason: SkipReason) -> None:
        self.reason: Final[SkipReason] = reason


Object = Mapping[str, JsonValue]
_NOTHING: Final[Object] = {}


def _at(value: JsonValue | Object, *path: str) -> Object:
    """Follow a path of objects; what is missing or of another shape is an empty one."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else _NOTHING


def _convert(record: JsonValue, subject_of: SubjectOf) -> Converted:
    if isinstance(record, dict) and "formality" not in record:
        record = record.get("company")  # the flow of changes wraps each record
    formality, content = _at(record, "formality"), _at(record, "formality", "content")
    if not content:
        raise _Skip("not_a_record")
    person = _natural_person(_at(record), formality, content)
    siren = _siren(formality.get("siren") or _at(record).get("siren"))
    told = _moment(formality.get("updatedAt") or _at(record).get("updatedAt"))

    end = _end(_at(person, "detailCessationEntreprise"))
    name: Name = "activity.registered" if end is None else "activity.ceased"
    found = _Found()
    data = _start(_at(content, "natureCreation"), person, siren, found) if end is None else {"end": end}
    worker = _worker(person, siren, found)
    if worker is not None:
        data = {"worker": worker, **data}
    elif end is None:  # a cessation needs no address: what is known of the worker will do
        raise _Skip("no_business_address")
    attributes = {
        "specversion": "1.0",
        "id": uuid5("rne", siren, told.astimezone(UTC).isoformat(), name),
        "source": SOURCE,
        "type": type_of(name),
        "subject": subject_of(siren),
        "time": told.isoformat(),
        "recordedtime": told.isoformat(),
    }
    payload = write(data)
    if isinstance(validate(Envelope(attributes, payload, ())), Refusal):
        raise _Skip("contract")
    return Converted(name, attributes, payload, found.assumed_residence, tuple(found.left_out))


@dataclass(slots=True)
class _Found:
    """What is worth counting while a record is read."""

    assumed_residence: bool = False
    left_out: list[Optional] = field(default_factory=list)


def _natural_person(record: Object, formality: Object, content: Object) -> Object:
    """Return the block of the natural person, unless the record is about somebody else."""
    kind = formality.get("typePersonne") or record.get("typePersonne")
    if kind == "M" or _at(content, "personneMorale"):
        raise _Skip("personneMorale")
    if kind == "E" or _at(content, "exploitation"):
        raise _Skip("exploitation")
    person = _at(content, "personnePhysique")
    if not person or kind not in ("P", None):
        raise _Skip("no_natural_person")
    return person


def _siren(value: JsonValue) -> str:
    if not value:
        raise _Skip("no_siren")
    if not isinstance(value, str) or not re.fullmatch("[0-9]{9}", value) or not siren_number.is_valid(value):
        raise _Skip("wrong_siren")
    return value


# --- times ---------------------------------------------------------------------------------------


def _moment(value: JsonValue) -> datetime:
    """Read `updatedAt`; without an offset it is the register's own time, that of Paris."""
    if not value:
        raise _Skip("no_time")
    if not isinstance(value, str) or len(value) <= len("2026-03-02"):
        raise _Skip("wrong_time")
    try:
        moment = datetime.fromisoformat(value)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=PARIS)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Skip("wrong_time") from None
    return moment


def _day(value: JsonValue, otherwise: SkipReason) -> str:
    """Read a date; of a time it is the day in Paris."""
    try:
        if not isinstance(value, str):
            raise _Skip(otherwise)
        if len(value) == len("2026-03-02"):
            return date.fromisoformat(value).isoformat()
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo is None else moment.astimezone(PARIS)).date().isoformat()
    except (ValueError, OverflowError):
        raise _Skip(otherwise) from None


def _end(cessation: Object) -> str | None:
    """Return the day of radiation; None when the record tells of no cessation."""
    if cessation.get("dateRadiation"):
        return _day(cessation["dateRadiation"], "wrong_end")
    if cessation.get("dateEffet") or cessation.get("dateCessationTotaleActivite"):
        # Registering who has ceased would be wrong, and when the register struck him off is not told.
        raise _Skip("unclear_cessation")
    return None


# --- registration --------------------------------------------------------------------------------


def _start(creation: Object, person: Object, siren: str, found: _Found) -> dict[str, JsonValue]:
    if not creation.get("dateCreation"):
        raise _Skip("no_start")
    main = _at(person, "etablissementPrincipal", "descriptionEtablissement")
    data: dict[str, JsonValue] = {"start": _day(creation["dateCreation"], "wrong_start")}
    told: tuple[tuple[Optional, JsonValue, JsonValue], ...] = (
        ("legal_form", creation.get("formeJuridique"), _code(creation.get("formeJuridique"), "[0-9]{4}")),
        ("ape", main.get("codeApe"), _ape(main.get("codeApe"))),
        ("siret", main.get("siret"), _siret(main.get("siret"), siren)),
        ("micro", creation.get("microEntreprise"), _flag(creation.get("microEntreprise"))),
    )
    for name, value, read in told:
        if read is not None:
            data[name] = read
        elif value is not None and value != "":
            found.left_out.append(name)
    return data


def _code(value: JsonValue, pattern: str) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else None


def _ape(value: JsonValue) -> str | None:
    """Read an APE code; the single counter writes some with a dot, `62.01Z`."""
    return _code(value.replace(".", "", 1) if isinstance(value, str) else value, "[0-9]{4}[A-Z]")


def _siret(value: JsonValue, siren: str) -> str | None:
    siret = _code(value, "[0-9]{14}")
    return siret if siret is not None and siret.startswith(siren) and siret_number.is_valid(siret) else None


def _flag(value: JsonValue) -> bool | None:
    return value if isinstance(value, bool) else None


# --- places --------------------------------------------------------------------------------------

_FRENCH: Final = frozenset({"FRA", "FR", "GLP", "MTQ", "GUF", "REU", "MYT", "SPM", "BLM", "MAF"})
"""Country codes of the places that have a département; the register mostly writes FRA for all of them."""
_COMMUNE: Final = re.compile(COMMUNE_PATTERN)
_ABROAD: Final = "99"
"""INSEE codes of foreign countries begin so."""


def _worker(person: Object, siren: str, found: _Found) -> dict[str, JsonValue] | None:
    """Return the worker's situation as the register knows it; None without a place of business."""
    residence = _commune(_at(person, "identite", "entrepreneur", "adresseDomicile"))
    establishment = _commune(_at(person, "etablissementPrincipal", "adresse")) or _commune(
        _at(person, "adresseEntreprise", "adresse")
    )
    if establishment is None:
        return None
    found.assumed_residence = residence is None
    return {"siren": siren, "residence": residence or establishment, "establishment": establishment}


def _commune(address: Object) -> str | None:
    """Return the commune of an address; None when it tells none."""
    code, country, name = (_text(address.get(key)) for key in ("codeInseeCommune", "codePays", "pays"))
    if code.startswith(_ABROAD) or (country and country not in _FRENCH):
        raise _Skip("foreign_address")
    if not code:
        if not country and name not in {"", "FRANCE"}:
            raise _Skip("foreign_address")
        return None
    if not _COMMUNE.match(code):
        raise _Skip("unknown_commune")
    return code


def _text(value: JsonValue) -> str:
    return value.strip().upper() if isinstance(value, str) else ""
