"""Tells each golden saga as a document: `python -m tests.golden.telling` writes every README.md anew."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from coordination.instants import PARIS
from tests.golden.sagas import ANY, Saga, name, sagas


def document(saga: Saga) -> str:
    """Return the README of a saga."""
    lines = [f"# {saga.title}", "", saga.about, ""]
    lines += ["Times are those of Paris. **Bold**: what comes in; below it what l233 makes of it.", ""]
    for at, entries in groupby(
        sorted(_entries(saga), key=lambda entry: entry[0]), key=lambda entry: entry[0]
    ):
        lines += [f"## {at:%A, %-d %B %Y, %H:%M:%S}", ""]
        lines += [text for _, _, text in entries]
        lines.append("")
    lines.append(f"The story ends with {saga.until}.")
    return "\n".join(lines) + "\n"


def _entries(saga: Saga) -> Iterator[tuple[datetime, int, str]]:
    for event in saga.inputs:
        said = f"**{name(event['type'])}** `{event['id']}` (case `{event['correlationid']}`): "
        yield _at(event), 0, said + _data(event["data"]) + "\n"
    for outage in saga.outages:
        yield _at({"time": outage["starts"]}), 0, f"{outage['organism']} is **out of order**\n"
        if outage["ends"] is not None:
            yield _at({"time": outage["ends"]}), 0, f"{outage['organism']} is back\n"
    for event in saga.expected:
        organism = event["data"].get("organism", "")
        own = {key: value for key, value in event["data"].items() if key != "organism"}
        cause = "" if event["cause"] is None else f" on `{event['cause']}`"
        case = " in a case of its own" if event["case"] == ANY else ""
        told = f": {_data(own)}" if own else ""
        yield _at(event), 1, f"- {organism} {event['type']}{cause}{case}{told}"


def _at(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"]).astimezone(PARIS)


def _data(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in data.items())


def _value(value: object) -> str:
    if value == ANY:
        return "…"
    if isinstance(value, dict):
        return "(" + _data({part: inner for part, inner in value.items() if part != "siren"}) + ")"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def main() -> None:
    """Write every document."""
    for saga in sagas():
        (saga.folder / "README.md").write_text(document(saga), encoding="utf-8")


if __name__ == "__main__":
    main()
