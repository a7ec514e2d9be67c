"""`l233 dead-letters list|show|redrive`: what could not go on, why, and putting it back once it can."""

import base64
import sys
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from agents.roles import UnknownRoleError
from l233 import broker, dead_letters, redriving
from l233 import settings as configuration
from l233.dead_letters import Letter, Letters, Selection, UnknownLetterError
from l233.errors import BadInput, L233Error
from l233.output import print_json, print_table, remark
from l233.redriving import Plan
from l233.rejudging import Rejudged
from l233.scheme_publishing import published_world
from l233.settings import Settings
from l233.telling import counted, paris, plain
from schemas.records import DEAD_LETTER
from schemas.refusal import REASONS
from streaming.client import Connection
from streaming.posting import OvertakenError
from streaming.reading import reader

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False)

_TOLD: Final = 90
"""Characters of an error message in a table."""

OfReason = Annotated[str | None, typer.Option("--reason", help=f"Only these: {', '.join(REASONS)}.")]


@app.command(name="list")
def list_(
    reason: OfReason = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per dead letter.")] = False,
) -> None:
    """List the dead letters in the order in which their records came in, without their content."""
    settings, wanted = configuration.load(), _wanted((), reason)
    found = _run(_read(settings.connection(), wanted), settings)
    if json:
        for letter in found.letters:
            print_json(letter.as_json())
    elif found.letters:
        columns = ("id", "reason", "arrived", "from", "role", "event", "redrives", "first error")
        print_table(columns, [_row(letter) for letter in found.letters])
        print(
            f"{len(found.letters)} dead letters: {counted(Counter(one.data.reason for one in found.letters))}"
        )
    else:
        print("no dead letters")
    _remark_on(found.unreadable)


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a dead letter.")],
    json: Annotated[bool, typer.Option("--json", help="Print the record as it stands, with role.")] = False,
) -> None:
    """Show one dead letter with the bytes that it came with: they may tell of a person's health."""
    settings = configuration.load()
    found = _run(_read(settings.connection(), _wanted((letter_id,), None)), settings)
    (letter,) = found.letters
    if json:
        print_json({**DEAD_LETTER.dump_python(letter.data, mode="json"), "role": letter.role})
    else:
        print("\n".join(told(letter)))


@app.command()
def redrive(
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only this one; may be repeated.")] = None,
    reason: OfReason = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Put back what would go on now; without it, only tell.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge dead letters again with today's code and scheme; put back those that would go on (--apply)."""
    settings, wanted = configuration.load(), _wanted(ids or (), reason)
    if apply:
        decided = _redrive(settings, wanted)
    else:
        known = broker.run(published_world(settings), settings)
        decided = _run(redriving.plan(settings.connection(), known, wanted), settings)
    if json:
        print_json(as_json(decided, applied=apply))
    else:
        print_plan(decided, applied=apply)
        _remark_on(decided.unreadable)


def _wanted(ids: Iterable[str], reason: str | None) -> Selection:
    """Return which letters are meant. Raises BadInput for a reason that does not exist."""
    if reason is None:
        return Selection(frozenset(ids))
    known = next((one for one in REASONS if one == reason), None)
    if known is None:
        raise BadInput(f"--reason {reason}: known are {', '.join(REASONS)}")
    return Selection(frozenset(ids), known)


async def _read(connection: Connection, wanted: Selection) -> Letters:
    async with reader(connection) as reading:
        return await dead_letters.read(reading, wanted)


def _run(work: Coroutine[object, object, T], settings: Settings) -> T:
    try:
        return broker.run(work, settings)
    except UnknownLetterError as error:
        raise L233Error(
            f"no such dead letter: {plain(str(error))}; `l233 dead-letters list` shows those there are"
        ) from error
    except UnknownRoleError as error:
        raise L233Error(f"a dead letter comes from a role that this version has not: {error}") from error
    except OvertakenError as error:
        raise L233Error(
            "another redrive has begun meanwhile, or this one took too long: look what is left with "
            "`l233 dead-letters redrive`"
        ) from error


def _redrive(settings: Settings, wanted: Selection) -> Plan:
    columns = (TextColumn("put back"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        bar = bars.add_task("", total=None)
        known = broker.run(published_world(settings), settings)
        work = redriving.redrive(
            settings.connection(), known, wanted, lambda done: bars.update(bar, completed=done)
        )
        return _run(work, settings)


def _remark_on(unreadable: int) -> None:
    if unreadable:
        remark(f"{unreadable} records of l233.dead-letters could not be read: another version wrote them")


def _row(letter: Letter) -> tuple[str, ...]:
    data = letter.data
    error = data.errors[0] if data.errors else None
    return (
        data.id,
        data.reason,
        paris(letter.arrived),
        f"{data.topic}/{data.partition}/{data.offset}",
        letter.role,
        plain(letter.event()["type"] or "-"),
        str(data.redrives),
        "" if error is None else plain(f"{error.path} {error.message}".strip())[:_TOLD],
    )


def told(letter: Letter) -> Iterator[str]:
    """Return everything of a letter, for a person."""
    data, event = letter.data, letter.event()
    yield f"dead letter  {data.id}"
    yield f"reason       {data.reason}"
    for error in data.errors:
        yield f"             {plain(error.path) or '/'}  {plain(error.message)}"
    yield f"record       {data.topic}, partition {data.partition}, offset {data.offset}"
    yield f"arrived      {paris(letter.arrived)} (time of Paris)"
    yield f"given up by  {letter.role}"
    yield f"worker       {letter.worker or 'not readable'}"
    yield f"event type   {plain(event['type'] or 'not readable')}"
    yield f"event id     {plain(event['id'] or 'not readable')}"
    yield f"redrives     {data.redrives}"
    if letter.erased:
        yield "content      erased with its worker"
        return
    if letter.withheld:
        yield "content      withheld: it holds personal data"
        return
    original = letter.original
    yield f"key          {_readable(original.key)}"
    for name, value in original.headers:
        yield f"header       {plain(name)}: {_readable(value)}"
    yield f"payload      {_readable(original.value)}"


def _readable(value: bytes | None) -> str:
    if value is None:
        return "none"
    try:
        return plain(value.decode("utf-8"))
    except UnicodeDecodeError:
        return f"base64 {base64.b64encode(value).decode('ascii')}"


def as_json(decided: Plan, *, applied: bool) -> dict[str, object]:
    """Return the public object of `dead-letters redrive --json`."""
    return {
        "applied": applied,
        "letters": len(decided.rejudged),
        "put_back": sum(one.put_back for one in decided.rejudged),
        "fates": dict(Counter(one.fate for one in decided.rejudged)),
        "unreadable": decided.unreadable,
        "results": [one.as_json() for one in decided.rejudged],
    }


def print_plan(decided: Plan, *, applied: bool) -> None:
    """Print what becomes of each letter, and what to do next."""
    if not decided.rejudged:
        print("no dead letters")
        return
    columns = ("id", "event", "was", "now", "why")
    print_table(columns, [_fate_row(one) for one in decided.rejudged])
    put_back = sum(one.put_back for one in decided.rejudged)
    rest = Counter(one.fate for one in decided.rejudged if not one.put_back)
    line = (
        f"{put_back} of {len(decided.rejudged)} dead letters {'put back' if applied else 'would be put back'}"
    )
    print(f"{line}; not the others: {counted(rest)}" if rest else line)
    if put_back and not applied:
        print("nothing was written: --apply puts them back")


def _fate_row(one: Rejudged) -> tuple[str, ...]:
    letter = one.letter
    if one.recipients:
        why = ", ".join(f"{to.role} {to.organism}" for to in one.recipients)
    else:
        why = plain(" ".join(f"{one.errors[0].path} {one.errors[0].message}".split())) if one.errors else ""
    now = f"{one.fate}: {one.reason}" if one.fate in {"refused", "failed"} else one.fate
    return letter.data.id, plain(letter.event()["type"] or "-"), letter.data.reason, now, why[:_TOLD]
