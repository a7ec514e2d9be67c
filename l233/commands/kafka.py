"""`l233 kafka up|down|status`: the real Apache Kafka on this machine, under `$L233_HOME/kafka`."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from l233 import settings
from l233.errors import BadInput
from l233.local_kafka import KAFKA_VERSION, LocalKafka, Status, jars
from l233.local_kafka.cluster import DEFAULT_PORT
from l233.local_kafka.config import Brokers
from l233.output import print_json, remark

app = typer.Typer(no_args_is_help=True, add_completion=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def up(
    brokers: Annotated[int, typer.Option(help="1, or 3 with replication.")] = 1,
    port: Annotated[int, typer.Option(min=1024, max=65000, help="Port of the first broker.")] = DEFAULT_PORT,
    json: Json = False,
) -> None:
    """Start Kafka and return when it answers; it goes on running."""
    if brokers not in (1, 3):
        raise BadInput(f"--brokers is 1 or 3, not {brokers}")
    kafka = LocalKafka(settings.load().kafka_folder, brokers=cast("Brokers", brokers), port=port)
    began = time.monotonic()
    with fetching() as on_progress:
        kafka.start(on_progress)
    seconds = time.monotonic() - began
    if json:
        print_json({**_as_json(kafka.status()), "seconds": round(seconds, 2)})
        return
    print(
        f"Kafka {KAFKA_VERSION} answers on {kafka.bootstrap} ({seconds:.1f} s); data in {kafka.folder.path}"
    )
    if port != DEFAULT_PORT or brokers != 1:
        remark(f"for the other commands: export L233_BOOTSTRAP={kafka.bootstrap}")


@app.command()
def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove the data as well.")] = False,
    json: Json = False,
) -> None:
    """Stop the Kafka that was started here, and nothing else."""
    kafka = LocalKafka(settings.load().kafka_folder)
    stopped = kafka.stop()
    if wipe:
        kafka.wipe()
    if json:
        print_json({"folder": str(kafka.folder.path), "stopped": stopped, "wiped": wipe})
        return
    what = f"stopped {stopped} broker{'s' if stopped > 1 else ''}" if stopped else "nothing was running"
    print(what + (f"; removed {kafka.folder.path}" if wipe else ""))


@app.command()
def status(json: Json = False) -> None:
    """Tell what runs; exit code 3 when Kafka does not answer."""
    found = LocalKafka(settings.load().kafka_folder).status()
    if json:
        print_json(_as_json(found))
    else:
        for broker in found.brokers:
            state = "answers" if broker.answers else "does not answer" if broker.pid else "has ended"
            pid = broker.pid or "-"
            print(f"broker {broker.number} on {broker.bootstrap} {state} (pid {pid}, log {broker.log})")
        if not found.brokers:
            print(f"no Kafka was started in {found.folder}: `l233 kafka up` starts one")
        elif not found.answers:
            print("`l233 kafka up` starts what has ended; `l233 kafka down` stops the rest")
    if not found.answers:
        raise typer.Exit(3)


@contextmanager
def fetching() -> Iterator[jars.OnProgress]:
    """Show a progress bar on stderr while jars are fetched; nothing when they are all there."""
    columns = (TextColumn("Kafka's jars"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[jars]}"))
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    if not sys.stderr.isatty():
        bar.disable = True
    task = bar.add_task("jars", jars="")
    said = False

    def show(now: jars.Progress) -> None:
        nonlocal said
        if now.jars == now.of_jars and not said:
            return
        if not said:
            said = True
            size = f"{now.of_size >> 20} MiB"
            remark(f"fetching Apache Kafka {KAFKA_VERSION}, {size}, once, into {jars.cache_folder()}")
            bar.start()
        bar.update(task, completed=now.size, total=now.of_size, jars=f"{now.jars}/{now.of_jars} jars")
        if now.jars == now.of_jars:
            bar.stop()

    try:
        yield show
    finally:
        bar.stop()


def _as_json(status: Status) -> dict[str, object]:
    return {**asdict(status), "answers": status.answers}
