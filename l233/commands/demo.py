"""`l233 demo`: a whole day, from Kafka to cases, told and counted; leaves nothing behind."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from coordination.conservation import Account
from l233 import broker, demo, story
from l233 import settings as configuration
from l233.commands.kafka import fetching
from l233.commands.status import print_account
from l233.commands.topics import load as load_topics
from l233.errors import L233Error
from l233.local_kafka import temporary
from l233.output import print_json, print_table, remark
from l233.reference import world
from l233.running import System, passing
from l233.story_text import as_text
from l233.words import Language, words

app = typer.Typer(add_completion=False)


@app.command()
def run(
    events: Annotated[int, typer.Option(min=100, help="Records that arrive.")] = 5_000,
    seed: Annotated[int, typer.Option(help="Another seed, another day.")] = 233,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Start Kafka and all roles, publish a realistic day, account for every record, and stop."""
    settings, began = configuration.load(), time.monotonic()
    registry = load_topics(settings)
    planned = demo.day(seed, events)
    with tempfile.TemporaryDirectory(prefix="l233-demo-") as folder, fetching() as on_progress:
        remark("starting Apache Kafka")
        with temporary(on_progress=on_progress) as kafka:
            remark("starting the roles")
            with passing(kafka, settings, registry, Path(folder)) as system:
                remark(f"publishing {len(planned.records)} records of a day")
                started = time.monotonic()
                with _bars(len(planned.records), events) as (on_published, on_account):
                    account = broker.run(
                        demo.live(system, planned, on_published, on_account), system.settings
                    )
                worked = time.monotonic() - started
                told = broker.run(_told(system, demo.cases_to_tell(planned)), system.settings)
    wrong = demo.differences(planned, account)
    seconds = round(time.monotonic() - began, 1)
    if json:
        print_json(as_json(planned, account, seconds, worked, wrong))
    else:
        show(account)
        for number, lines in enumerate(told, 1):
            print(f"\nCase {number} of {len(told)}, from first to last event")
            print("\n".join(lines))
        remark(f"{account.total.received} records in {worked:.1f} s; all in all {seconds} s")
    if wrong or account.total.residual or account.unanswered or account.repeated or account.isolated:
        raise L233Error(f"not everything came out as planted: {'; '.join(wrong) or account}")


async def _told(system: System, cases: list[str]) -> list[Sequence[str]]:
    known, connection = world(system.settings), system.settings.connection()
    return [
        as_text(one, known.directory, words(Language.ENGLISH))
        for case in cases
        for one in await story.find(connection, case, known)
    ]


def as_json(
    planned: demo.Day, account: Account, seconds: float, worked: float, wrong: list[str]
) -> dict[str, object]:
    """Return the public object of `l233 demo --json`."""
    total = account.total
    return {
        "events": total.received,
        "published": len(planned.records),
        "routed": total.routed,
        "duplicates": total.duplicates,
        "dead_letters": total.dead_letters,
        "parked": total.parked,
        "rekeyed": total.rekeyed,
        "residual": total.residual,
        "acknowledgements": sum(account.organisms.values()),
        "unanswered": account.unanswered,
        "repeated": account.repeated,
        "cases": account.cases,
        "organisms": dict(account.organisms),
        "reasons": dict(account.reasons),
        "types": dict(planned.types),
        "unlike_planted": wrong,
        "working_seconds": round(worked, 1),
        "seconds": seconds,
    }


def show(account: Account) -> None:
    """Print the tables of the demonstration."""
    print("\nWhat became of every record")
    print_account(account)
    given = sum(account.organisms.values())
    print(f"\n{given} acknowledgements by {len(account.organisms)} organisms, {account.unanswered} missing")
    print_table(
        ("organism (the twelve with the most)", "acknowledged"),
        [(organism, str(count)) for organism, count in list(account.organisms.items())[:12]],
    )
    print("\nDead letters, by reason")
    print_table(("reason", "records"), [(reason, str(count)) for reason, count in account.reasons.items()])


@contextmanager
def _bars(
    publishing: int, arriving: int
) -> Iterator[tuple[Callable[[int], None], Callable[[Account], None]]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        published = bars.add_task("published", total=publishing)
        accounted = bars.add_task("accounted for", total=arriving)

        def on_account(account: Account) -> None:
            bars.update(accounted, completed=account.total.received - account.total.residual)

        yield (lambda count: bars.update(published, completed=count)), on_account
