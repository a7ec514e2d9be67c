"""Reads the golden sagas, and compares what came out with what was expected.

An expected event names its time, type, case, cause and data. Ids are left out: the cause is the id of an
input, or, for what answers an emitted event, the name of that event. `*`: a text that no rule prescribes.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent
ANY: Final = "*"


@dataclass(frozen=True)
class Saga:
    """A story: what it is about, until when it goes, what comes in and what must come out."""

    folder: Path
    title: str
    about: str
    until: str
    inputs: tuple[Mapping[str, Any], ...]
    expected: tuple[Mapping[str, Any], ...]
    outages: tuple[Mapping[str, Any], ...]
    """Organisms out of order, as operators declare them."""

    @property
    def options(self) -> list[str]:
        """What `l233 rehearse` is told beside the file."""
        given = ["--until", self.until]
        return [*given, "--outages", str(self.folder / "outages.jsonl")] if self.outages else given

    @property
    def file(self) -> Path:
        """The input, as `l233 rehearse` takes it."""
        return self.folder / "input.jsonl"


def sagas() -> list[Saga]:
    """Return every saga by name."""
    return [read(file.parent) for file in sorted(ROOT.glob("*/saga.toml"))]


def read(folder: Path) -> Saga:
    """Return the saga of a folder."""
    told = tomllib.loads((folder / "saga.toml").read_text(encoding="utf-8"))
    return Saga(
        folder,
        told["title"],
        told["about"].strip(),
        told["until"],
        _lines(folder / "input.jsonl"),
        _lines(folder / "expected.jsonl"),
        _lines(folder / "outages.jsonl") if (folder / "outages.jsonl").exists() else (),
    )


def _lines(file: Path) -> tuple[Mapping[str, Any], ...]:
    return tuple(json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())


def name(type_: str) -> str:
    """Return the short name of a type."""
    return type_.removeprefix("fr.l233.").rpartition(".")[0]


def readable(saga: Saga, emitted: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return emitted CloudEvents in the form of `expected.jsonl`."""
    events = list(emitted)
    own = {event["id"]: name(event["type"]) for event in events}
    cases = {event["correlationid"] for event in saga.inputs}
    return [
        {
            "time": event["time"],
            "type": name(event["type"]),
            "case": event["correlationid"] if event["correlationid"] in cases else ANY,
            "cause": own.get(event.get("causationid"), event.get("causationid")),
            "data": event["data"],
        }
        for event in events
    ]


def differences(
    expected: Iterable[Mapping[str, Any]], found: Iterable[Mapping[str, Any]], *, times: bool = True
) -> list[str]:
    """Return what is missing and what is too much, a line each; empty when it is the same set of events."""
    left = list(found)
    lines = []
    for one in expected:
        match = next((other for other in left if _matches(one, other, times=times)), None)
        if match is None:
            lines.append(f"missing   {told(one)}")
        else:
            left.remove(match)
    return sorted([*lines, *(f"too much  {told(other)}" for other in left)], key=lambda line: line[10:])


def _matches(expected: Mapping[str, Any], found: Mapping[str, Any], *, times: bool) -> bool:
    same_time = not times or _instant(expected["time"]) == _instant(found["time"])
    return same_time and all(_same(expected[key], found[key]) for key in ("type", "case", "cause", "data"))


def _same(expected: object, found: object) -> bool:
    if expected == ANY:
        return isinstance(found, str) and found != ""
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(_same(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_same, expected, found))
    return type(expected) is type(found) and bool(expected == found)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def told(event: Mapping[str, Any]) -> str:
    """Return an event of either form on one line."""
    at = datetime.fromisoformat(event["time"])
    own = " ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in event["data"].items())
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S} {event['type']} [{event['case']}] by {event['cause']}: {own}"
