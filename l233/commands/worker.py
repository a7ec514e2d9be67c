"""`l233 worker ROLE…`: one or more roles in this process, until it is asked to stop."""

import socket
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agents.roles import NAMES, UnknownRoleError, load_world, roles
from l233 import broker, logging
from l233 import settings as configuration
from l233.commands.topics import load as load_topics
from l233.environment import require_own_environment
from l233.errors import BadInput, L233Error
from l233.settings import Settings
from streaming import admin
from streaming.handling import Role
from streaming.topics import Registry
from streaming.worker import run

app = typer.Typer(add_completion=False)


@app.command()
def worker(
    names: Annotated[list[str], typer.Argument(metavar="ROLE...", help=f"Of {', '.join(NAMES)}; or `all`.")],
    name: Annotated[
        str | None, typer.Option(help="This worker's name: two on one machine need two. Else the host's.")
    ] = None,
    health_file: Annotated[
        Path | None, typer.Option(help="A file written anew, every second, while this worker is well.")
    ] = None,
) -> None:
    """Run roles until SIGTERM or SIGINT. Exit 0 when asked to stop, 4 or 5 when it could not go on."""
    require_own_environment()
    settings = configuration.load()
    logging.configure(settings)
    registry = load_topics(settings)
    chosen = _chosen(names, registry)
    cluster = broker.run(_ready(settings, registry), settings)
    place = settings.state_folder / (name or socket.gethostname()) / cluster
    # State belongs to the cluster whose changelogs it follows: another one's is never mistaken for it.
    raise typer.Exit(run(chosen, replace(settings.connection(), state=place), health_file))


def _chosen(names: list[str], registry: Registry) -> list[Role]:
    try:
        return roles(NAMES if "all" in names else names, load_world(registry))
    except UnknownRoleError as error:
        raise BadInput(str(error)) from error


async def _ready(settings: Settings, registry: Registry) -> str:
    """Return the cluster's id once it is seen to have the topics as the registry says."""
    async with admin.connect(settings.client_options()) as client:
        if found := await admin.differences(client, registry):
            raise L233Error(
                f"{found[0]}{f' and {len(found) - 1} more differences' if len(found) > 1 else ''}: "
                "`l233 topics diff` lists them, `l233 topics apply` creates what is missing"
            )
        return str((await client.describe_cluster())["cluster_id"])
