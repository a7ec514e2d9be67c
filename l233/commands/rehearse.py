"""`l233 rehearse FILE`: the whole system over a file of events, in memory, on a virtual clock.

Prints every event that l233 would emit, deadlines and escalations included. Exit code 0: every event was
routed, 1: some were refused, 2: the file can't be read.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Final

import typer

from agents.roles import ACTING, roles
from coordination.directory import Directory
from l233 import instants, rehearsal_input, rehearsal_story
from l233 import settings as configuration
from l233.choosing import only
from l233.output import remark
from l233.reference import deciding_world
from l233.rehearsal import Moment, Refused, Rehearsal, quiet
from l233.subject import configured_key, remark_on
from l233.telling import counted, first, plain
from schemas.topics import INPUT

app = typer.Typer(add_completion=False)

_TOLD: Final = 20
"""Refused events that a person is told one by one."""


@app.command()
def rehearse(
    file: Annotated[str, typer.Argument(help="CloudEvents in structured JSON, one a line; - for stdin.")],
    until: Annotated[
        str | None,
        typer.Option(help="Let time pass until then: a date (its end in Paris) or an RFC 3339 time."),
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="A version of the scheme, or a file that holds one: always in force.")
    ] = None,
    outages: Annotated[
        str | None,
        typer.Option(help="Outages of organisms, JSON, one a line: {organism, starts, ends}; - for stdin."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the emitted events, one JSON a line.")] = False,
) -> None:
    """Rehearse offline everything that would happen: who answers what and when, and what would be late."""
    settings = configuration.load()
    if said := remark_on(configured_key(settings)):
        remark(said)
    end = None if until is None else rehearsal_input.milliseconds(instants.last("--until", until))
    known = deciding_world(settings)
    if scheme is not None:
        known = replace(known, rulebook=only(scheme, known))
    if outages is not None:
        known = replace(known, outages=rehearsal_input.outages(outages, known.directory))
    inputs = rehearsal_input.read(file, known.registry.topics[INPUT].partitions)
    refused: list[Refused] = []
    taken = 0
    with quiet():
        for moment in Rehearsal(roles(ACTING, known)).run(inputs, end):
            taken += len(moment.taken)
            refused += moment.refused
            _show(moment, known.directory, json=json)
            for failure in moment.failed_timers:
                remark(f"a timer failed: {failure}")
    sys.stdout.flush()
    for line in _summary(len(inputs), taken, refused):
        remark(line)
    if refused:
        raise typer.Exit(1)


def _show(moment: Moment, directory: Directory, *, json: bool) -> None:
    if not json:
        for line in rehearsal_story.told(moment, directory):
            print(line)
        return
    sys.stdout.write(moment.as_json())


def _summary(read: int, taken: int, refused: Sequence[Refused]) -> Iterator[str]:
    reasons = Counter(one.reason for one in refused)
    yield from first((_told(one) for one in refused), _TOLD)
    if taken < read:
        yield f"{read - taken} of {read} events lie after --until and were not taken"
    if refused:
        yield f"{taken} events taken, {len(refused)} refused ({counted(reasons)})"


def _told(one: Refused) -> str:
    where = f"line {one.line}" if one.line is not None else one.role
    errors = "; ".join(f"{plain(path) or '/'}  {message}" for path, message in one.errors[:3])
    return f"{where}  refused: {one.reason}  {errors}".rstrip()
