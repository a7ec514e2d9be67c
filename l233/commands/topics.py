"""`l233 topics apply|diff|show`: makes a cluster have the topics of topics.yaml, and never changes one."""

from dataclasses import asdict
from typing import Annotated

import typer

from l233 import broker
from l233 import settings as configuration
from l233.errors import BadInput, L233Error
from l233.output import print_json, print_table
from l233.settings import Settings
from streaming import admin
from streaming.drift import Difference
from streaming.topics import Registry, Topic, TopicsError

app = typer.Typer(no_args_is_help=True, add_completion=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Replication = Annotated[
    int | None,
    typer.Option(min=1, max=9, help="Copies of each record; else 3 where there are 3 brokers, 1 where not."),
]


@app.command()
def apply(replication: Replication = None, json: Json = False) -> None:
    """Create what is missing; refuse, changing nothing, when a topic is there with other settings."""
    settings = configuration.load()
    registry = load(settings)
    try:
        created = broker.run(_apply(settings, registry, replication), settings)
    except admin.DriftRefused as refused:
        _tell(refused.differences, json=json)
        raise L233Error("topics differ from topics.yaml: nothing was created or changed") from refused
    except admin.TopicsNotCreated as error:
        raise L233Error(f"{error}; then run `l233 topics apply` again") from error
    if json:
        print_json({"created": list(created), "topics": len(registry.topics)})
    else:
        print(f"created {len(created)} of {len(registry.topics)} topics; the others were as they should be")


@app.command()
def diff(replication: Replication = None, json: Json = False) -> None:
    """Tell how the cluster differs from topics.yaml; exit code 1 when it does."""
    settings = configuration.load()
    found = broker.run(_differences(settings, load(settings), replication), settings)
    _tell(found, json=json)
    if found:
        raise typer.Exit(1)


@app.command()
def show(json: Json = False) -> None:
    """Show the registry: what flows where, from whom to whom, and how long it stays."""
    registry = load(configuration.load())
    if json:
        print_json(registry.model_dump(mode="json"))
        return
    columns = ("topic", "owner", "producers", "consumers", "partitions", "kept", "data", "types")
    print_table(columns, [_row(name, topic) for name, topic in registry.topics.items()])


def load(settings: Settings) -> Registry:
    """Return the registry that the settings name. Raises BadInput."""
    try:
        return Registry.load(settings.topics_file)
    except TopicsError as error:
        raise BadInput(str(error)) from error


async def _apply(settings: Settings, registry: Registry, replication: int | None) -> tuple[str, ...]:
    async with admin.connect(settings.client_options()) as client:
        return await admin.apply(client, registry, replication)


async def _differences(
    settings: Settings, registry: Registry, replication: int | None
) -> tuple[Difference, ...]:
    async with admin.connect(settings.client_options()) as client:
        return await admin.differences(client, registry, replication)


def _tell(found: tuple[Difference, ...], *, json: bool) -> None:
    if json:
        print_json({"differences": [asdict(one) for one in found]})
    elif found:
        columns = ("topic", "setting", "wanted", "found", "what to do")
        print_table(columns, [(d.topic, d.setting, d.wanted, d.found, d.remedy) for d in found])
    else:
        print("the cluster has every topic as topics.yaml says")


def _row(name: str, topic: Topic) -> tuple[str, ...]:
    kept = f"{topic.retention_days} days" if topic.cleanup == "delete" else "latest of each key"
    types = topic.contracts[0] if len(topic.contracts) == 1 else str(len(topic.contracts) or "")
    people = ", ".join(topic.producers), ", ".join(topic.consumers)
    return (name, topic.owner, *people, str(topic.partitions), kept, topic.data_class, types)
