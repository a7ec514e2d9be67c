"""`l233 replay`: decides recorded events again and compares. Exit code 0: all agree, 1: something differs."""

import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from l233 import broker, instants, recordings, replay
from l233 import settings as configuration
from l233.choosing import only
from l233.errors import BadInput
from l233.output import inputs_bar, print_json
from l233.reference import world
from l233.rehearsal import quiet
from l233.replay import Result
from l233.telling import counted, plain
from schemas.topics import INPUT

app = typer.Typer(add_completion=False)


@app.command(name="replay")
def command(  # noqa: PLR0917  its options
    since: Annotated[
        str | None, typer.Option("--from", help="From then on: a date (0:00 in Paris) or an RFC 3339 time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Up to then: a date (its end in Paris) or a time; else all.")
    ] = None,
    topic: Annotated[str, typer.Option(help=f"What to replay: {INPUT} is what is decided on.")] = INPUT,
    worker: Annotated[str | None, typer.Option(help="Only this worker's events, worker:<32 hex>.")] = None,
    scheme: Annotated[
        str | None, typer.Option(help="Decide by this version, or by the one in a file, instead of then's.")
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Rebuild what was remembered too, from the beginning.")
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, help="How many processes share the partitions; else one a core.")
    ] = os.cpu_count() or 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Decide what Kafka took in a range of time again, with the code of today and the scheme of then."""
    if topic != INPUT:
        raise BadInput(f"--topic {plain(topic)}: only {INPUT} is decided on, so only it can be replayed")
    settings = configuration.load()
    last = None if until is None else instants.end("--to", until)
    first = instants.start(since, last)
    rulebook = None if scheme is None else only(scheme, world(settings))
    asked = recordings.plan(settings, first, last, rulebook=rulebook, worker=worker, rebuild=rebuild)
    with quiet():
        planned = broker.run(asked, settings)
    began = time.perf_counter()
    with inputs_bar(planned.range.size) as advance:
        found = broker.guarded(lambda: replay.replay(planned, processes, advance), settings)
    seconds = time.perf_counter() - began
    if json:
        print_json(as_json(found, seconds))
    else:
        print("\n".join(told(found)))
    if not found.agrees:
        raise typer.Exit(1)


def as_json(found: Result, seconds: float) -> dict[str, object]:
    """Return a replay as `--json` shows it."""
    counts = found.counts
    return {
        "events": found.events,
        **{name: counts.get(name, 0) for name in ("identical", "different", "missing", "extra", "erased")},
        "events_per_second": round(found.events / seconds) if seconds else 0,
        "digest": found.digest,
        "by_rule": dict(sorted(found.by_rule.items())),
        "differences": [asdict(one) for one in found.told],
    }


def told(found: Result) -> Iterator[str]:
    """Return what a person is told of a replay."""
    for one in found.told:
        yield f"{INPUT}/{one.partition}/{one.offset}  {one.rule}  {one.outcome}"
        for difference in one.differences:
            yield f"   {difference.path}: was {plain(str(difference.then))}, is {plain(str(difference.now))}"
    if found.by_rule:
        yield f"by rule: {counted(found.by_rule)}"
    yield f"{found.events} inputs decided again: {counted(found.counts) or 'none'}; digest {found.digest}"
