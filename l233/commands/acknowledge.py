"""`l233 acknowledge CASE`: what an organism says on a case, from its own system or by an operator.

Exit code 0: the case took it, 1: refused, declined or no answer yet, 2: it can't be said so, 3: no Kafka.
"""

from dataclasses import replace
from typing import Annotated, Final, assert_never, get_args

import typer

from coordination.instants import recorded
from coordination.intake import Intake
from l233 import broker
from l233 import settings as configuration
from l233.acknowledging import Given, Judged, Level, acknowledge, workers_of
from l233.errors import BadInput, L233Error
from l233.event_file import Line
from l233.outgoing import Batch, Entry, Gate
from l233.output import print_json
from l233.publishing import PublishingStopped
from l233.reference import world
from l233.settings import Settings
from l233.telling import plain
from schemas.emitted import RefusalGround
from schemas.topics import INPUT

app = typer.Typer(add_completion=False)


_ANYBODY: Final = "worker:" + "0" * 32
"""Stands for the worker until the case tells who it is."""
_GROUNDS: Final = get_args(RefusalGround)
_TOLD: Final = {
    "taken": "taken",
    "taken_late": "taken, after its deadline",
    "declined": "declined",
    "waiting": "kept: the case knows no part of this organism yet that it answers",
}


@app.command()
def run(
    case: Annotated[str, typer.Argument(help="The id of the case, as receipts and `l233 trace` tell it.")],
    *,
    organism: Annotated[str, typer.Option(help="Who says it, such as cpam:311.")],
    level: Annotated[Level, typer.Option(help="What it says.")],
    code: Annotated[
        int | None,
        typer.Option(help="Of a report: 0 taken into account, 1 with corrections, 2 partly, 3 not."),
    ] = None,
    reason: Annotated[
        list[str] | None,
        typer.Option(help="Of a report: in words, several times if needed. Of a refusal: one of the list."),
    ] = None,
    event: Annotated[
        str | None, typer.Option(help="The id of the event that is meant, where the case has several.")
    ] = None,
    worker: Annotated[
        str | None, typer.Option(help="worker:<32 hex>; else whoever has a case of this id.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The CloudEvents source; else urn:operator:ORGANISM.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="When it was said, RFC 3339 with offset; else now.")] = None,
    patience: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 30.0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Acknowledge for an organism, and wait for the receipt and for what the case makes of it."""
    settings = configuration.load()
    given = Given(
        case=case,
        worker=worker or _ANYBODY,
        organism=organism,
        level=level,
        own=_own(level, code, reason or []),
        event=event,
        at=at or recorded(settings.connection().clock.now_ms()),
        source=source or f"urn:operator:{organism}",
    )
    _look(given, settings)
    if worker is None:
        given = replace(given, worker=_worker_of(case, settings))
    entry, judged = _send(given, settings, patience)
    if json:
        print_json(as_json(given, entry, judged))
    else:
        print(told(given, entry, judged))
    if judged is None or judged.answer == "declined":
        raise typer.Exit(1)


def _own(level: Level, code: int | None, reasons: list[str]) -> dict[str, object]:
    """Return the own data of what is said. Raises BadInput for options that don't go together."""
    match level:
        case Level.REPORTED:
            if code is None:
                raise BadInput(
                    "--level reported needs --code: 0 taken into account, 1 with corrections, 2 partly, 3 not"
                )
            return {"code": code, "reasons": reasons} if reasons else {"code": code}
        case Level.SETTLED:
            if code is not None or reasons:
                raise BadInput("--level settled says that all is done: leave --code and --reason out")
            return {}
        case Level.REFUSED:
            if code is not None or len(reasons) != 1:
                raise BadInput(f"--level refused needs one --reason, of {', '.join(_GROUNDS)}, and no --code")
            return {"reason": reasons[0]}
        case _:
            assert_never(level)


def _gate(settings: Settings) -> Gate:
    known = world(settings)
    intake = Intake(known.rulebook, known.directory, {}, partitions=None)
    return Gate(intake, known.registry.topics[INPUT].max_message_bytes)


def _look(given: Given, settings: Settings) -> None:
    """Raise BadInput for what intake would refuse whatever it knows."""
    entry = _gate(settings).look(Line(1, given.line()))
    if entry.outcome != "waiting":
        told = "; ".join(f"{path or '/'}: {message}" for path, message in entry.errors)
        raise BadInput(f"not fit to be sent ({entry.reason}): {told}")


def _worker_of(case: str, settings: Settings) -> str:
    found = broker.run(workers_of(settings.connection(), case), settings)
    if not found:
        raise L233Error(
            f"no case {plain(case)} is known: look at its id, or wait until the role cases has caught up"
        )
    if len(found) > 1:
        raise L233Error(f"{len(found)} workers have a case {plain(case)}: name one with --worker")
    return found[0]


def _send(given: Given, settings: Settings, patience: float) -> tuple[Entry, Judged | None]:
    with Batch() as batch:
        line = Line(1, given.line())
        batch.add(_gate(settings).look(line), line.text)
        try:
            return broker.run(acknowledge(settings.connection(), given, batch, patience), settings)
        except PublishingStopped as error:
            raise broker.in_one_line(error.cause, settings) from error


def as_json(given: Given, entry: Entry, judged: Judged | None) -> dict[str, object]:
    """Return the public object of `l233 acknowledge --json`."""
    return {
        "id": given.id,
        "case": given.case,
        "worker": given.worker,
        "organism": given.organism,
        "level": given.level,
        "at": given.at,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "errors": [error._asdict() for error in entry.errors],
        "answer": None if judged is None else judged.answer,
        "why": None if judged is None else judged.why,
    }


def told(given: Given, entry: Entry, judged: Judged | None) -> str:
    """Return what a person is told: one line, and what to do next where it did not go through."""
    said = f"{given.organism} {given.level} on case {plain(given.case)}"
    if entry.outcome == "refused":
        return f"{said}: refused ({entry.reason}): {'; '.join(error.message for error in entry.errors)}"
    if entry.outcome == "waiting":
        return f"{said}: no receipt yet: is intake running? `l233 status` tells"
    if judged is None:
        return f"{said}: registered, no answer of the case yet: is cases running? `l233 status` tells"
    again = ", said before" if entry.outcome == "duplicate" else ""
    why = "" if judged.why is None else f": {plain(judged.why)}"
    return f"{said}: {_TOLD[judged.answer]}{again}{why}"
