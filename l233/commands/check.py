"""`l233 check FILE`: what production would decide about each event of a file, without any Kafka.

Lines in order build what is known of the workers, as intake would. Exit code 0: all would be routed, 1: some
would be refused, 2: the file can't be read.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Final

import typer

from agents.world import World
from coordination.intake import Intake
from coordination.preflight import Checked, Preflight
from coordination.rulebook import Rulebook
from l233 import instants
from l233 import settings as configuration
from l233.choosing import only
from l233.errors import BadInput
from l233.event_file import event_lines, require_json
from l233.output import print_json
from l233.reference import deciding_world
from l233.telling import counted, first, last_day, plain

app = typer.Typer(add_completion=False)

_ERRORS_TOLD: Final = 5


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="CloudEvents in structured JSON, one a line; - for stdin.")],
    at: Annotated[
        str | None,
        typer.Option(help="Decide by the scheme in force then: a date (0:00 in Paris) or an RFC 3339 time."),
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="Decide by this version of the scheme, or by the one in a file.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per event.")] = False,
) -> None:
    """Decide offline what would become of each event: recipients and deadlines, or why it is refused."""
    known = deciding_world(configuration.load())
    rulebook = _rulebook(known, at, scheme)
    preflight = Preflight(Intake(rulebook, known.directory, known.registry.allowed_sources, partitions=None))
    outcomes: Counter[str] = Counter()
    for line in event_lines(file):
        checked = preflight.check(line.text)
        if checked["id"] is None:
            require_json(file, line)
        outcomes[checked["reason"] or "routed"] += 1
        if json:
            print_json(checked)
        else:
            print("\n".join(told(line.number, checked, rulebook)))
    refused = outcomes.total() - outcomes["routed"]
    if not json:
        print(summary(outcomes))
    if refused:
        raise typer.Exit(1)


def _rulebook(known: World, at: str | None, version: str | None) -> Rulebook:
    if at is not None and version is not None:
        raise BadInput("--at and --scheme both choose the version: give one of them")
    if version is not None:
        return only(version, known)
    return known.rulebook if at is None else known.rulebook.as_on(instants.beginning("--at", at))


def told(number: int, checked: Checked, rulebook: Rulebook) -> Iterator[str]:
    """Return what a person is told of an event."""
    name = plain(checked["id"] or "without a readable id")
    if checked["reason"] is not None:
        yield f"{number}  {name}  refused: {checked['reason']}"
        errors = (f"{plain(error['path']) or '/'}  {error['message']}" for error in checked["errors"])
        yield from (f"   {line}" for line in first(errors, _ERRORS_TOLD))
        return
    scheme = rulebook.version(checked["scheme"] or "")
    mark = " (a worked example, not law)" if scheme.status == "example" else ""
    yield f"{number}  {name}  routed by scheme {scheme.version}{mark}, case {plain(checked['case'] or '')}"
    for to in checked["recipients"]:
        yield (
            f"   {to['role']:<9} {to['organism']:<34} {to['acknowledge']} by the end of {last_day(to['by'])}"
            f"  ({to['status']}: {to['basis']})"
        )
    for gap in checked["unresolved"]:
        yield f"   {gap['role']:<9} nobody for {gap['kind']}: {gap['reason']}"


def summary(outcomes: Counter[str]) -> str:
    """Return the last line: how many events, and what would become of them."""
    refused = {reason: count for reason, count in outcomes.items() if reason != "routed"}
    line = f"{outcomes.total()} events: {outcomes['routed']} would be routed"
    return f"{line}, {sum(refused.values())} refused ({counted(refused)})" if refused else line
