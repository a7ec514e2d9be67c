"""`l233 down`: stops the roles and the Kafka that were started here, and nothing else."""

from typing import Annotated

import typer

from l233 import settings as configuration
from l233.commands.topics import load as load_topics
from l233.output import print_json, remark
from l233.running import local

app = typer.Typer(add_completion=False)


@app.command()
def down(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Stop the roles, each with its transaction under way, then Kafka; data stays."""
    settings = configuration.load()
    system = local(settings, load_topics(settings))
    running = [worker.name for worker in system.workers.known() if worker.alive]
    killed = system.workers.stop()
    brokers = 0 if system.kafka is None else system.kafka.stop()
    if json:
        print_json({"workers": running, "killed": killed, "brokers": brokers})
        return
    print(f"stopped {len(running)} workers and {brokers} brokers")
    for name in killed:
        remark(
            f"worker {name} did not stop within its bound and was killed: what it had not committed is kept"
        )
