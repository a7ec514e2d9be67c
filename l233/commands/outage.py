"""`l233 outage declare|end|withdraw|list`: when an organism's own system is out of order.

While it is, its clocks stand still and what only its system can treat waits. Exit code 0: done, 1: there is
no such outage, 2: it can't be, 3: no Kafka.
"""

from dataclasses import asdict, replace
from typing import Annotated

import typer

from coordination.instants import recorded
from coordination.outages import OutageError, outage_of
from l233 import broker
from l233 import settings as configuration
from l233.declaring import declare as to_declare
from l233.declaring import key_of, standing
from l233.declaring import withdraw as to_withdraw
from l233.errors import BadInput, L233Error
from l233.output import print_json, print_table
from l233.reference import directory
from l233.settings import Settings
from schemas.outages import DeclaredOutage

app = typer.Typer(no_args_is_help=True, add_completion=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Organism = Annotated[str, typer.Argument(help="An organism, such as cpam:311.")]


@app.command()
def declare(
    organism: Organism,
    starts: Annotated[str | None, typer.Option(help="Since when, RFC 3339 with offset; else now.")] = None,
    ends: Annotated[str | None, typer.Option(help="Until when, if it is known.")] = None,
    json: Json = False,
) -> None:
    """Declare an outage; one that starts at the same instant is said anew."""
    settings = configuration.load()
    outage = _checked(DeclaredOutage(organism, starts or _now(settings), ends))
    broker.run(
        to_declare(settings.connection(), {key_of(organism, outage.starts): outage}, _now(settings)), settings
    )
    _tell(outage, json=json)


@app.command()
def end(
    organism: Organism,
    at: Annotated[str | None, typer.Option(help="When it ended, RFC 3339 with offset; else now.")] = None,
    json: Json = False,
) -> None:
    """End the outage of an organism that goes on."""
    settings = configuration.load()
    found = broker.run(standing(settings.connection()), settings)
    ended = {
        key: _checked(replace(outage, ends=at or _now(settings)))
        for key, outage in found.items()
        if outage.organism == organism and outage.ends is None
    }
    if not ended:
        raise L233Error(f"no outage of {organism} goes on: `l233 outage list` tells those that are declared")
    broker.run(to_declare(settings.connection(), ended, _now(settings)), settings)
    for outage in ended.values():
        _tell(outage, json=json)


@app.command()
def withdraw(
    organism: Organism,
    starts: Annotated[str, typer.Option(help="Its start, as it was declared.")],
    json: Json = False,
) -> None:
    """Take an outage back that was declared by mistake."""
    settings = configuration.load()
    key = key_of(organism, starts)
    found = broker.run(standing(settings.connection()), settings)
    if key not in found:
        raise L233Error(
            f"no outage of {organism} starts at {starts}: `l233 outage list` tells those that are declared"
        )
    broker.run(to_withdraw(settings.connection(), key), settings)
    if json:
        print_json({"withdrawn": asdict(found[key])})
    else:
        print(f"{organism}: the outage of {starts} is withdrawn; deadlines that moved keep their new end")


@app.command("list")
def list_(json: Json = False) -> None:
    """Show every outage that is declared."""
    settings = configuration.load()
    found = broker.run(standing(settings.connection()), settings)
    outages = sorted(found.values(), key=lambda one: (one.organism, one.starts))
    if json:
        print_json({"outages": [asdict(outage) for outage in outages]})
    elif outages:
        print_table(
            ("organism", "starts", "ends"),
            [(one.organism, one.starts, one.ends or "not known") for one in outages],
        )
    else:
        print("no outage is declared")


def _now(settings: Settings) -> str:
    return recorded(settings.connection().clock.now_ms())


def _checked(outage: DeclaredOutage) -> DeclaredOutage:
    try:
        outage_of(outage, directory())
    except OutageError as error:
        raise BadInput(str(error)) from error
    return outage


def _tell(outage: DeclaredOutage, *, json: bool) -> None:
    if json:
        print_json(asdict(outage))
    else:
        until = "until it is ended" if outage.ends is None else f"until {outage.ends}"
        print(f"{outage.organism}: out of order from {outage.starts} {until}")
