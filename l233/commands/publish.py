"""`l233 publish FILE`: sends a file of events once all of it is seen to be fit, and tells the receipts.

Exit code 0: everything was registered (or sent, with --no-wait), 1: something was refused or has no receipt,
2: the file can't be read, 3: no Kafka.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from coordination.intake import Intake
from l233 import broker
from l233 import settings as configuration
from l233.errors import L233Error, NoBroker
from l233.event_file import event_lines, require_json
from l233.outgoing import Batch, Entry, Gate
from l233.output import print_json
from l233.publishing import PublishingStopped, publish
from l233.reference import world
from l233.settings import Settings
from l233.telling import counted, first, plain
from schemas.topics import INPUT

app = typer.Typer(add_completion=False)

_TOLD: Final = 20
"""Refused events that a person is told one by one."""


@app.command()
def run(
    file: Annotated[str, typer.Argument(help="CloudEvents in structured JSON, one a line; - for stdin.")],
    valid_only: Annotated[
        bool, typer.Option("--valid-only", help="Send what is fit, although some of the file is not.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Don't wait for the receipts.")] = False,
    patience: Annotated[
        float, typer.Option(min=0.1, help="Seconds to wait without another receipt before giving up.")
    ] = 30.0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check every event of a file, send them in their order, and wait for intake's receipts."""
    settings, began = configuration.load(), time.monotonic()
    with Batch() as batch:
        _fill(batch, file, settings)
        if batch.refused and not valid_only:
            batch.hold_back()
        else:
            _send(batch, settings, None if no_wait else patience)
        entries = batch.entries
    if json:
        print_json(as_json(entries, time.monotonic() - began))
    else:
        print("\n".join(told(entries, waited=not no_wait)))
    settled = {"registered", "duplicate", "waiting"} if no_wait else {"registered", "duplicate"}
    if any(entry.outcome not in settled for entry in entries):
        raise typer.Exit(1)


def _fill(batch: Batch, file: str, settings: Settings) -> None:
    """Look at every event of the file. Raises BadInput for one that can't be read."""
    known = world(settings)
    intake = Intake(known.rulebook, known.directory, {}, partitions=None)
    gate = Gate(intake, known.registry.topics[INPUT].max_message_bytes)
    for line in event_lines(file):
        entry = gate.look(line)
        if entry.id is None:
            require_json(file, line)
        batch.add(entry, line.text)


def _send(batch: Batch, settings: Settings, patience: float | None) -> None:
    sending = len(batch.entries) - len(batch.refused)
    with _bars(sending, waiting=patience is not None) as (on_sent, on_answered):
        try:
            broker.run(publish(settings.connection(), batch, patience, on_sent, on_answered), settings)
        except PublishingStopped as error:
            why = broker.in_one_line(error.cause, settings)
            kind = NoBroker if isinstance(why, NoBroker) else L233Error
            raise kind(
                f"stopped when {error.taken} of {sending} events were taken: {why}; then publish the whole "
                "file again: what was taken is a duplicate and changes nothing"
            ) from error


@contextmanager
def _bars(sending: int, *, waiting: bool) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        sent = bars.add_task("sent", total=sending)
        answered = bars.add_task("receipts", total=sending, visible=waiting)
        yield (
            lambda count: bars.update(sent, completed=count),
            lambda count: bars.update(answered, completed=count),
        )


def as_json(entries: list[Entry], seconds: float) -> dict[str, object]:
    """Return the public object of `l233 publish --json`."""
    outcomes = Counter(entry.outcome for entry in entries)
    return {
        "events": len(entries),
        "sent": len(entries) - outcomes["not_sent"],
        "registered": outcomes["registered"],
        "duplicates": outcomes["duplicate"],
        "refused": dict(_reasons(entries, "refused")),
        "not_sent": dict(_reasons(entries, "not_sent")),
        "held_back": sum(entry.outcome == "not_sent" and entry.reason is None for entry in entries),
        "waiting": outcomes["waiting"],
        "seconds": round(seconds, 2),
        "receipts": [entry.as_json() for entry in entries],
    }


def told(entries: list[Entry], *, waited: bool) -> Iterator[str]:
    """Return what a person is told: every refused event, then the counts."""
    wrong = [
        f"line {entry.line}  {plain(entry.id or 'without a readable id')}  "
        f"{'not sent' if entry.outcome == 'not_sent' else 'refused'}: {entry.reason}"
        + "".join(f"\n   {plain(path) or '/'}  {message}" for path, message in entry.errors[:3])
        for entry in entries
        if entry.reason is not None
    ]
    yield from first(wrong, _TOLD)
    outcomes = Counter(entry.outcome for entry in entries)
    not_sent, refused = _reasons(entries, "not_sent"), _reasons(entries, "refused")
    if outcomes["not_sent"] == len(entries) and not_sent:
        yield (
            f"nothing was sent: {not_sent.total()} of {len(entries)} events are not fit "
            f"({counted(not_sent)}); correct them, or send the others with --valid-only"
        )
        return
    parts = [f"{len(entries) - outcomes['not_sent']} of {len(entries)} events sent"]
    parts += [f"{outcomes['registered']} registered"] if waited else []
    parts += [f"{outcomes['duplicate']} registered before"] if outcomes["duplicate"] else []
    parts += [f"{refused.total()} refused ({counted(refused)})"] if refused else []
    parts += [f"{not_sent.total()} not fit to be sent ({counted(not_sent)})"] if not_sent else []
    yield ", ".join(parts)
    if waited and outcomes["waiting"]:
        yield (
            f"{outcomes['waiting']} have no receipt yet: is intake running? `l233 status` tells; publish the "
            "file again later to get their receipts"
        )


def _reasons(entries: list[Entry], outcome: str) -> Counter[str]:
    return Counter(entry.reason for entry in entries if entry.outcome == outcome and entry.reason is not None)
