"""`l233 demo`: stories of months and a whole day, from Kafka to cases, told and counted; leaves nothing."""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from coordination.conservation import Account
from l233 import broker, demo, months, story
from l233 import settings as configuration
from l233.commands.kafka import fetching
from l233.commands.status import print_account
from l233.commands.topics import load as load_topics
from l233.day import EVERYTHING_FROM
from l233.errors import L233Error
from l233.keyrings import with_own
from l233.local_kafka import temporary
from l233.output import print_json, print_table, remark
from l233.reference import world
from l233.running import System, passing
from l233.story_text import as_text
from l233.words import Language, words
from streaming.clock import set_clock

app = typer.Typer(add_completion=False)


@app.command()
def run(
    events: Annotated[int, typer.Option(min=100, help="Records that arrive.")] = 5_000,
    seed: Annotated[int, typer.Option(help="Another seed, another day.")] = 233,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Start Kafka and all roles, tell a story per activity and a realistic day, account for all, and stop."""
    settings, began = configuration.load(), time.monotonic()
    registry = load_topics(settings)
    ahead = months.prepare(settings)
    planned = demo.day(seed, max(events - ahead.events, EVERYTHING_FROM))
    with tempfile.TemporaryDirectory(prefix="l233-demo-") as folder, fetching() as on_progress:
        clock = Path(folder) / "clock"
        set_clock(clock, months.BEGIN)
        own = with_own(settings.model_copy(update={"clock": clock, "home": Path(folder)}))
        remark("starting Apache Kafka")
        with temporary(on_progress=on_progress) as kafka:
            remark("starting the roles")
            with passing(kafka, own, registry, Path(folder)) as system:
                remark(f"{ahead.events} events of {len(ahead.stories)} stories, while nine months pass")
                started = time.monotonic()
                with _bar("months", len(ahead.steps)) as on_step:
                    broker.run(months.live(system, clock, ahead, on_step), system.settings)
                remark(f"publishing {len(planned.records)} records of a day")
                with _bars(len(planned.records), ahead.events + planned.arriving) as bars:
                    account = broker.run(
                        demo.live(system, clock, planned, ahead.events, bars), system.settings
                    )
                worked = time.monotonic() - started
                said = broker.run(months.said(system.settings.connection()), system.settings)
                told = [] if json else broker.run(_told(system, ahead, planned), system.settings)
    types = _types(planned, ahead, said)
    wrong = demo.differences(planned, ahead.events, account)
    wrong += [f"{name}: none came out" for name, count in types.items() if not count]
    seconds = round(time.monotonic() - began, 1)
    if json:
        print_json(as_json(Outcome(planned, ahead, account, types, wrong), seconds, worked))
    else:
        show(account)
        for heading, lines in told:
            print(f"\n{heading}")
            print("\n".join(lines))
        remark(f"{account.total.received} records in {worked:.1f} s; all in all {seconds} s")
    if wrong or account.total.residual or account.unanswered or account.repeated or account.isolated:
        raise L233Error(f"not everything came out as planted: {'; '.join(wrong) or account}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the demonstration."""

    day: demo.Day
    months: months.Months
    account: Account
    types: Mapping[str, int]
    unlike_planted: list[str]


def _types(planned: demo.Day, ahead: months.Months, said: Mapping[str, int]) -> Mapping[str, int]:
    """Return how many events there were of each type, those taken in and those that l233 said."""
    counts = Counter(planned.types) + ahead.names + Counter(said)
    return {name: counts[name] for name in months.TYPES}


async def _told(system: System, ahead: months.Months, planned: demo.Day) -> list[tuple[str, Sequence[str]]]:
    """Return the stories, then two cases of the day, each with its heading."""
    known, connection = world(system.settings), system.settings.connection()
    wanted = [(one.title, case) for one in ahead.stories for case in months.cases(one)]
    wanted += [("A case of the day, from first to last event", case) for case in demo.cases_to_tell(planned)]
    return [
        (heading, as_text(one, known.directory, words(Language.ENGLISH)))
        for heading, case in wanted
        for one in await story.find(connection, case, known)
    ]


def as_json(outcome: Outcome, seconds: float, worked: float) -> dict[str, object]:
    """Return the public object of `l233 demo --json`."""
    account = outcome.account
    total = account.total
    return {
        "events": total.received,
        "published": len(outcome.day.records) + outcome.months.events,
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
        "types": dict(outcome.types),
        "stories": [
            {"title": one.title, "worker": one.subject, "cases": list(months.cases(one))}
            for one in outcome.months.stories
        ],
        "unlike_planted": outcome.unlike_planted,
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


_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    with Progress(*_COLUMNS, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda count: bars.update(bar, completed=count)


@contextmanager
def _bars(publishing: int, arriving: int) -> Iterator[demo.Told]:
    with Progress(*_COLUMNS, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        published = bars.add_task("published", total=publishing)
        accounted = bars.add_task("accounted for", total=arriving)

        def on_account(account: Account) -> None:
            bars.update(accounted, completed=account.total.received - account.total.residual)

        yield demo.Told(lambda count: bars.update(published, completed=count), on_account)
