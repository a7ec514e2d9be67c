"""`l233 worker ROLE…`: one or more roles in this process, until it is asked to stop."""

import socket
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agents.following import PublishedSchemes
from agents.outages import DeclaredOutages
from agents.roles import NAMES, UnknownRoleError, load_world, roles
from agents.sealers import sealed_up_to
from agents.world import World
from coordination.scheme_file import SchemeError
from coordination.signing import Trusted
from l233 import broker, logging
from l233 import settings as configuration
from l233.commands.topics import load as load_topics
from l233.environment import require_own_environment
from l233.errors import BadInput, L233Error
from l233.keyrings import require as require_keyring
from l233.scheme_files import refused
from l233.seal_keys import sealers
from l233.settings import Settings
from l233.trust import trusted
from schemas.topics import CHECKPOINTS
from streaming import admin
from streaming.handling import Role
from streaming.sealed import Sealed, Watch
from streaming.topics import Registry
from streaming.worker import Beside, run

app = typer.Typer(add_completion=False)

DECIDING = "intake"
"""The role that waits when what it decided is not sealed."""


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
    require_keyring(settings)
    registry = load_topics(settings)
    keys = trusted(settings)
    world = _world(registry, keys)
    wanted = NAMES if "all" in names else names
    if _sealing_matters(wanted, settings):
        world.sealers = sealers(settings, wanted)
    chosen = _chosen(names, world)
    cluster = broker.run(_ready(settings, registry), settings)
    place = settings.state_folder / (name or socket.gethostname()) / cluster
    # State belongs to the cluster whose changelogs it follows: another one's is never mistaken for it.
    connection = replace(settings.connection(), state=place)
    follows = [PublishedSchemes(world, keys).broadcast, DeclaredOutages(world).broadcast]
    chosen, beside = _held_by_sealing(chosen, world, settings)
    raise typer.Exit(run(chosen, connection, health_file, follows, beside))


def _sealing_matters(names: Collection[str], settings: Settings) -> bool:
    """Say whether a worker of these roles signs checkpoints, or waits for those of others."""
    return bool({"audit", "witness"} & set(names)) or (DECIDING in names and bool(settings.unsealed_seconds))


def _held_by_sealing(chosen: list[Role], world: World, settings: Settings) -> tuple[list[Role], list[Beside]]:
    """Let intake wait while what it decided stays unsealed; and return what sees to it.

    By a clock that a test moves, checkpoints are signed when it moves: then nobody waits.
    """
    off = not settings.unsealed_seconds or settings.clock is not None
    if off or not any(role.name == DECIDING for role in chosen):
        return chosen, []
    sealed = Sealed(
        world.registry.roles["audit"].inputs,
        CHECKPOINTS,
        sealed_up_to(world.sealers.trusted),
        settings.unsealed_seconds,
    )
    watch = Watch(sealed)
    waiting = [replace(role, held=watch.held) if role.name == DECIDING else role for role in chosen]
    return waiting, [watch.look]


def _world(registry: Registry, keys: Trusted) -> World:
    try:
        return load_world(registry, keys)
    except SchemeError as error:
        raise refused(error) from error


def _chosen(names: list[str], world: World) -> list[Role]:
    try:
        return roles(NAMES if "all" in names else names, world)
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
