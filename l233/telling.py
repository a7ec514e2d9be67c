"""How things are told to a person: dates, organisms, and text that came from outside."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from coordination.directory import Directory
from coordination.instants import PARIS

Word = TypeVar("Word", bound=str)


def plain(text: str) -> str:
    """Return text from outside as one line without what a terminal would obey."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def paris(at: str) -> str:
    """Return an RFC 3339 time as people in Paris say it, to the second."""
    return datetime.fromisoformat(at).astimezone(PARIS).strftime("%Y-%m-%d %H:%M:%S")


def last_day(by: str) -> str:
    """Return the day at whose end a deadline lies, where the organism is."""
    return datetime.fromisoformat(by).date().isoformat()


def organism(id_: str, directory: Directory) -> str:
    """Return an organism by name and id; one that the directory does not know by its id alone."""
    known = directory.organisms.get(id_)
    return plain(id_) if known is None else f"{known.name} ({id_})"


def counted(counts: Mapping[Word, int]) -> str:
    """Return counts as `contract 3, unknown_worker 1`, the most first."""
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{what} {count}" for what, count in ordered)


def first(lines: Iterable[str], most: int) -> list[str]:
    """Return the first lines, and how many more there are."""
    told = list(lines)
    more = len(told) - most
    return told if more <= 0 else [*told[:most], f"and {more} more"]
