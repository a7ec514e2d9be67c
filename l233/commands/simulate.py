"""`l233 scheme simulate`: the recorded stream by a draft, beside the version in force. Exit code 0: done."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from coordination.rulebook import RulebookError
from coordination.simulation import SIDES, report
from l233 import broker, instants, recordings
from l233 import settings as configuration
from l233.choosing import only
from l233.errors import BadInput
from l233.output import inputs_bar, print_json
from l233.quality import objectives
from l233.reference import world
from l233.rehearsal import quiet
from l233.scheme_files import read_key
from l233.simulation import Simulated
from l233.simulation import simulate as run
from l233.simulation_report import write
from l233.telling import counted


def simulate(  # noqa: PLR0917  its options
    draft: Annotated[Path, typer.Option(help="The draft, YAML.")],
    against: Annotated[str, typer.Option(help="The version it is compared with, or one in a file.")],
    until: Annotated[
        str, typer.Option("--to", help="Up to then: a date (its end in Paris) or a time. Answers too.")
    ],
    since: Annotated[
        str | None, typer.Option("--from", help="From then on: a date (0:00 in Paris) or an RFC 3339 time.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--report", help="Write simulation.json and .html to this folder.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Sign the report with this private key, PEM.")] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="How many processes share the partitions; else one a core.")
    ] = os.cpu_count() or 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what a draft would have changed: who gets what, by when, and what would have been late."""
    if key is not None and folder is None:
        raise BadInput("--key signs the files of a report: name a folder with --report")
    settings = configuration.load()
    known = world(settings)
    signing = None if key is None else read_key(key)
    (drafted,) = only(str(draft), known).schemes
    last = instants.end("--to", until)
    first = instants.start(since, last)
    with quiet():
        planned = broker.run(recordings.plan(settings, first, last), settings)
    try:
        compared = planned.rulebook.version(against)
    except RulebookError:
        (compared,) = only(against, known).schemes
    asked = Simulated(compared, drafted, int(last.timestamp() * 1000))
    with inputs_bar(planned.range.size) as advance:
        tally = broker.guarded(lambda: run(planned, asked, processes, advance), settings)
    span = {"from": None if first is None else first.isoformat(), "to": last.isoformat()}
    found = report(tally, compared, drafted, span, objectives())
    sums = {} if folder is None else write(folder, found, signing)
    if json:
        print_json({**found, "files": dict(sums)})
    else:
        print("\n".join(told(found)))
        for name in sums:
            print(f"{folder}/{name}")


def told(found: Any) -> Iterator[str]:  # noqa: ANN401  what `report` returned
    """Return what a person is told."""
    against, draft = found["against"]["scheme"], found["draft"]["scheme"]
    yield f"{found['events']} events by {against} and by {draft}"
    yield f"to others or in other roles: {counted(found['elsewhere']) or 'none'}"
    for name, moved in found["deadlines"].items():
        yield f"deadlines of {name}: {moved['shorter']} shorter, {moved['longer']} longer"
    for level, sides in found["answers"].items():
        then, now = (sides[side]["late"] for side in SIDES)
        yield f"{level} late: {then} by {against}, {now} by {draft}"
    for one in found["objectives"]:
        values = " -> ".join(f"{one[side]['value'] or '–'} % ({one[side]['state']})" for side in SIDES)
        yield f"{one['name']}: {values}"
