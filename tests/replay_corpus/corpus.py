"""The corpus: its records, the scheme that decided on them, and how today's code stands to it."""

import gzip
import json
from base64 import b64decode, b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

import scheme
from coordination.directory import Directory, parse_directory
from coordination.intake import Intake
from coordination.replaying import Compared, Recorded, compare, compared
from coordination.rulebook import Rulebook
from coordination.scheme_file import read_scheme
from coordination.verdicts import InputRecord, Routed
from schemas.topics import INPUT

HERE: Final = Path(__file__).parent
NUMBER: Final = 1
"""Of the corpus: it goes up when it is recorded anew, and notes of migrations name it."""
FILE: Final = HERE / "corpus.jsonl.gz"
NOTES: Final = HERE.parents[1] / "docs" / "migrations"
PARTITIONS: Final = 4


@dataclass(frozen=True)
class Entry:
    """An input, what became of it, and the class that a note may name: the event's name, or a reason."""

    record: InputRecord
    recorded: Recorded
    about: str


@cache
def directory() -> Directory:
    """Return the organisms and territories of today."""
    return parse_directory(scheme.organisms(), scheme.territories())


@cache
def rulebook() -> Rulebook:
    """Return the scheme of then: two versions, kept beside the corpus."""
    files = sorted((HERE / "schemes").glob("*.yaml"))
    known = directory()
    return Rulebook(read_scheme(file.name, file.read_text(encoding="utf-8"), known) for file in files)


def judge(rules: Rulebook | None = None) -> Intake:
    """Return the judge of today."""
    return Intake(rules or rulebook(), directory(), {}, PARTITIONS)


def entries() -> list[Entry]:
    """Return the corpus, in the order in which it was recorded."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        return [_entry(json.loads(line)) for line in lines]


def save(found: Iterable[Entry]) -> None:
    """Write the corpus; the same entries give the same bytes."""
    lines = "".join(json.dumps(_line(entry), ensure_ascii=False) + "\n" for entry in found)
    FILE.write_bytes(gzip.compress(lines.encode(), mtime=0))


def _line(entry: Entry) -> dict[str, object]:
    record, recorded = entry.record, entry.recorded
    return {
        "about": entry.about,
        "place": [record.partition, record.offset, record.timestamp],
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": [[name, _text(value)] for name, value in record.headers],
        "decision": None if recorded.decision is None else recorded.decision.decode(),
        "refused": None if recorded.refused is None else recorded.refused.decode(),
        "duplicate": recorded.duplicate,
    }


def _entry(line: dict[str, object]) -> Entry:
    match line:
        case {
            "about": str(about),
            "place": [int(partition), int(offset), int(timestamp)],
            "key": str(key) | (None as key),
            "value": str(value) | (None as value),
            "headers": list(headers),
            "decision": str(decision) | (None as decision),
            "refused": str(refused) | (None as refused),
            "duplicate": bool(duplicate),
        }:
            told = [(name, b64decode(text)) for name, text in headers]
            record = InputRecord(INPUT, partition, offset, timestamp, _bytes(key), _bytes(value), told)
            return Entry(record, Recorded(_utf8(decision), _utf8(refused), duplicate), about)
        case _:
            raise ValueError("not a line of the corpus")


def _text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


def _utf8(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


# --- today's code against it ----------------------------------------------------------------------


def divergences(
    found: Iterable[Entry], intake: Intake, rebuilding: Intake | None = None
) -> Iterator[tuple[Entry, Compared]]:
    """Return every entry that is decided otherwise today: from what was recorded, or with memory rebuilt."""
    memory: dict[bytes, bytes] = {}
    again = rebuilding or intake
    for entry in found:
        alone = compare(entry.record, entry.recorded, intake)
        verdict = again.judge(entry.record, memory)
        if isinstance(verdict, Routed):
            memory.update(verdict.writes)
        whole = compared(verdict.decision if isinstance(verdict, Routed) else verdict, entry.recorded)
        for one in (alone, whole):
            if one.outcome != "identical":
                yield entry, one
                break


def classes(diverging: Iterable[tuple[Entry, Compared]]) -> Counter[str]:
    """Return how many entries diverge of each class."""
    return Counter(entry.about for entry, _ in diverging)


def told(diverging: Iterable[tuple[Entry, Compared]], most: int = 3) -> str:
    """Return, for a person, what diverges and where: a few of each class."""
    shown: defaultdict[str, list[str]] = defaultdict(list)
    for entry, one in diverging:
        if len(shown[entry.about]) < most:
            where = ", ".join(f"{d.path}: {d.then!r} -> {d.now!r}" for d in one.differences[:3])
            shown[entry.about].append(f"  {entry.record.partition}/{entry.record.offset} {where}")
    return "\n".join(f"{about}\n" + "\n".join(lines) for about, lines in sorted(shown.items()))


# --- notes of migrations ----------------------------------------------------------------------------


def meant_to_change(folder: Path = NOTES, number: int = NUMBER) -> Mapping[str, str]:
    """Return the classes that notes mean to change in a corpus, and which note does."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]-*.md")):
        _, front, _ = file.read_text(encoding="utf-8").split("---\n", 2)
        note = yaml.safe_load(front)
        if note["corpus"] == number:
            found |= dict.fromkeys(note["changes"], file.name)
    return found
