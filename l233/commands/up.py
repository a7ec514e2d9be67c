"""`l233 up`: Kafka and every role on this machine, staying up."""

import time
from typing import Annotated

import typer

from l233 import settings as configuration
from l233.commands.kafka import fetching
from l233.commands.topics import load as load_topics
from l233.keyrings import with_own
from l233.output import print_json, remark
from l233.running import local

app = typer.Typer(add_completion=False)


@app.command()
def up(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Start Kafka (unless L233_BOOTSTRAP names another one), create the topics, start every role."""
    settings = with_own(configuration.load())
    system = local(settings, load_topics(settings))
    began = time.monotonic()
    with fetching() as on_progress:
        system.start(on_progress)
    seconds = round(time.monotonic() - began, 1)
    workers = system.workers.known()
    if json:
        running = [{"name": one.name, "roles": list(one.roles), "pid": one.process.pid} for one in workers]
        print_json({"bootstrap": settings.bootstrap, "workers": running, "seconds": seconds})
        return
    print(f"Kafka on {settings.bootstrap}, {len(workers)} workers with {len(system.registry.roles)} roles")
    remark(
        f"started in {seconds} s; logs in {system.workers.folder}; `l233 status` shows, `l233 down` stops it"
    )
