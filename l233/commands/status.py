"""`l233 status`: what runs here, what waits, and whether everything that arrived is accounted for."""

from dataclasses import asdict
from typing import Annotated

import typer

from coordination.conservation import Account, Balance
from l233 import broker
from l233 import settings as configuration
from l233.commands.topics import load as load_topics
from l233.following import Follower, lags
from l233.output import print_json, print_table
from l233.running import local
from l233.settings import Settings
from l233.workers import Worker
from streaming.topics import Registry

app = typer.Typer(add_completion=False)


@app.command()
def status(
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Read all topics and print what became of every record, by day.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what runs and waits. Exit 1: a worker has ended, or the account has a residual; 3: no Kafka."""
    settings = configuration.load()
    registry = load_topics(settings)
    here = local(settings, registry).workers
    workers = here.known()
    held = [(role, lane, why) for one in workers for role, lane, why in here.held(one)]
    waiting = broker.run(lags(settings.connection(), registry), settings)
    account = broker.run(_account(settings, registry), settings) if ledger else None
    if json:
        found = {
            "bootstrap": settings.bootstrap,
            "workers": [
                {"name": one.name, "roles": list(one.roles), "pid": one.process.pid, "alive": one.alive}
                for one in workers
            ],
            "lag": dict(waiting),
            "held": [{"role": role, "lane": lane, "why": why} for role, lane, why in held],
        }
        print_json(found if account is None else found | {"ledger": asdict(account)})
    else:
        by_role = {role: one for one in workers for role in one.roles}
        print_table(
            ("role", "worker", "waiting"),
            [(role, _seen(by_role.get(role)), str(lag)) for role, lag in waiting.items()],
        )
        for role, lane, why in held:
            print(f"lane {lane} of {role} waits: {why}")
        if account is not None:
            print_account(account)
    if any(not one.alive for one in workers) or (account is not None and account.total.residual):
        raise typer.Exit(1)


async def _account(settings: Settings, registry: Registry) -> Account:
    async with Follower(settings.connection(), registry) as follower:
        return await follower.look()


def _seen(worker: Worker | None) -> str:
    if worker is None:
        return "not of this folder"
    return f"runs (pid {worker.process.pid})" if worker.alive else "has ended"


def print_account(account: Account) -> None:
    """Print the conservation table, by day of arrival and in total."""
    columns = ("day", "received", "routed", "duplicates", "dead letters", "parked", "rekeyed", "residual")
    rows = [(day, *_row(balance)) for day, balance in account.days.items()]
    print_table(columns, [*rows, ("total", *_row(account.total))])


def _row(balance: Balance) -> tuple[str, ...]:
    return tuple(str(value) for value in asdict(balance).values())
