"""`l233 audit`: whether what was decided is as it was sealed, and proof of it for others."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from coordination.instants import PARIS
from coordination.sealed_logs import Wrong
from coordination.sealing import AUDIT
from l233 import broker, erasing, export_check, exporting, instants, keyrings, sealed
from l233 import settings as configuration
from l233.commands.topics import load as load_topics
from l233.errors import BadInput, L233Error
from l233.export_files import Format
from l233.export_report import as_html
from l233.exporting import Asked, Period
from l233.known import then_and_now
from l233.known import told as told_of_a_worker
from l233.output import print_json, print_table, remark
from l233.reference import directory
from l233.scheme_files import write_pair
from l233.seal_keys import trusted
from l233.settings import Settings
from l233.telling import plain
from schemas.audit import CHECKPOINT, PROOF

app = typer.Typer(add_completion=False, no_args_is_help=True)

Pinned = Annotated[
    list[Path] | None,
    typer.Option("--pinned", help="Checkpoints that you kept: logs must go on from them. Repeatable."),
]


@app.callback()
def audit() -> None:
    """Verify that what was decided is as it was sealed, and prove it to others."""


@app.command()
def verify(
    pinned: Pinned = None,
    export_: Annotated[
        Path | None, typer.Option("--export", help="Check this export in Parquet instead, without any Kafka.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check every sealed log: its records, its checkpoints, who signed. Exit 1: what is wrong, and where."""
    settings = configuration.load()
    if export_ is not None:
        _verify_export(export_, settings, json=json)
        return
    kept = sealed.read_kept(pinned or ())
    bound = settings.unsealed_seconds or float("inf")
    reading = sealed.verify(settings.connection(), _topics(settings), trusted(settings), bound, kept)
    found = broker.run(reading, settings)
    if json:
        print_json(sealed.as_json(found))
    else:
        rows: list[tuple[str, ...]] = [
            (one.log, str(one.first), str(one.entries), str(one.sealed), str(one.checkpoints))
            for one in found.logs
        ]
        print_table(("log", "first", "entries", "sealed", "checkpoints"), rows)
        for wrong in found.wrong:
            print(f"{wrong.flaw}: {plain(wrong.message)}{_place(wrong)}")
        print(f"{len(found.wrong)} things are wrong" if found.wrong else "all is as it was sealed")
    if found.wrong:
        raise typer.Exit(1)


def _verify_export(folder: Path, settings: Settings, *, json: bool) -> None:
    found = export_check.check(folder, _topics(settings), trusted(settings))
    if json:
        print_json({"wrong": [one._asdict() for one in found]})
    else:
        for one in found:
            print(f"{one.fault}: {one.where}: {one.message}")
        print(f"{len(found)} things are wrong" if found else "all is as it was sealed")
    if found:
        raise typer.Exit(1)


def _place(wrong: Wrong) -> str:
    said = []
    if wrong.last is not None:
        said.append(f"among entries {wrong.first or 0} to {wrong.last}")
    if wrong.offset is not None:
        said.append(f"from offset {wrong.offset}")
    if wrong.checkpoint is not None:
        said.append(f"shown by the checkpoint at offset {wrong.checkpoint}")
    return f" ({', '.join(said)})" if said else ""


@app.command()
def prove(
    case: Annotated[str, typer.Argument(help="The id of a case.")],
    pinned: Pinned = None,
) -> None:
    """Print what anybody can check with verify_proof.py: that the records of a case stand in sealed logs."""
    settings = configuration.load()
    kept = sealed.read_kept(pinned or ())
    proof = broker.run(
        sealed.prove(settings.connection(), _topics(settings), case, trusted(settings), kept), settings
    )
    sys.stdout.write(PROOF.dump_json(proof).decode() + "\n")
    remark(f"{len(proof.entries)} records of {plain(case)}: python verify_proof.py FILE --key WHO=HEX …")


@app.command()
def checkpoints(
    log: Annotated[str | None, typer.Option("--log", help="Only this log: l233.decisions/0.")] = None,
) -> None:
    """Print the last checkpoint of every log, one a line: who keeps it can't be shown another past."""
    settings = configuration.load()
    for one in broker.run(sealed.latest(settings.connection(), trusted(settings)), settings):
        if log in {None, one.checkpoint.log}:
            sys.stdout.write(CHECKPOINT.dump_json(one).decode() + "\n")


@app.command()
def known(
    worker: Annotated[str, typer.Argument(help="The worker: worker:<32 hex>.")],
    on: Annotated[str, typer.Option("--on", help="A date (its end in Paris) or an RFC 3339 time.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what was known of a worker then and what is known now, from the log."""
    settings = configuration.load()
    found = broker.run(then_and_now(settings, worker, instants.end("--on", on)), settings)
    if not found.now.events:
        raise L233Error(
            f"nothing ever came of {plain(worker)}: `l233 subject SIREN` gives a worker's reference"
        )
    if json:
        print_json(found.as_json())
    else:
        print("\n".join(told_of_a_worker(found, on)))


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    since: Annotated[
        str | None, typer.Option("--from", help="From then on: a date (0:00 in Paris) or an RFC 3339 time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Up to then: a date (its end in Paris) or a time; else all.")
    ] = None,
    form: Annotated[
        list[str] | None, typer.Option("--format", help="parquet, csv or jsonl; may be repeated.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write the records of a period, their places in the logs, a ledger query and a page to look at."""
    settings = configuration.load()
    registry = load_topics(settings)
    last = None if until is None else instants.end("--to", until)
    first = instants.start(since, last)
    asked = Asked(
        folder,
        Period.of(first, last),
        _formats(form or ["parquet"]),
        registry.roles["audit"].inputs,
        trusted(settings),
        registry.partitions,
    )
    exporting.prepare(folder, asked.formats)
    found = broker.run(exporting.export(settings.connection(), asked), settings)
    said = f"{since or 'from the beginning'} to {until or 'now'}"
    made = f"{datetime.now(PARIS):%Y-%m-%d %H:%M} in Paris"
    (folder / "report.html").write_text(as_html(found, said, made), encoding="utf-8")
    if json:
        topics = {f"{topic}/{day}": count for (topic, day), count in found.records.items()}
        print_json({"records": topics, "logs": dict(found.logs), "checkpoints": len(found.checkpoints)})
    else:
        rows: list[tuple[str, ...]] = [(*key, str(count)) for key, count in found.records.items()]
        print_table(("topic", "day", "records"), rows)
        print(f"in {folder}: look at report.html; cd there and duckdb < ledger.sql recomputes the ledger")


def _formats(given: list[str]) -> tuple[Format, ...]:
    known: dict[str, Format] = {"parquet": "parquet", "csv": "csv", "jsonl": "jsonl"}
    if strange := [one for one in given if one not in known]:
        raise BadInput(f"--format {plain(strange[0])}: expected parquet, csv or jsonl")
    return tuple(known[one] for one in dict.fromkeys(given))


@app.command()
def erase(
    worker: Annotated[str, typer.Argument(help="The worker: worker:<32 hex>.")],
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="Where to write the certificate; else here.")
    ] = None,
    rewrite_input: Annotated[
        bool,
        typer.Option("--rewrite-input", help="Take what producers sent of him out of Kafka at once, too."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the certificate, one JSON object.")] = False,
) -> None:
    """Erase what is told about a worker (GDPR art. 17) for good; write a certificate of what that is."""
    settings = configuration.load()
    worker = erasing.worker_of(worker)
    name = f"erased-{worker.removeprefix('worker:')}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path = certificate or Path(name)
    if path.exists() or not path.resolve().parent.is_dir():
        raise BadInput(f"--certificate {path}: expected a file that is not there yet, in a folder that is")
    way = erasing.erase_and_rewrite if rewrite_input else erasing.erase
    found = broker.run(way(settings, load_topics(settings), worker), settings)
    erasing.write(found, path)
    if json:
        print_json(found.as_json())
    else:
        print("\n".join(erasing.told(found, path)))


@app.command()
def keygen(
    name: Annotated[str, typer.Argument(help="audit; the organism that witnesses, cnam; or keyring.")],
    to: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the keys of who signs checkpoints: NAME.private.pem, for its owner alone, and NAME.public.pem.

    `keyring` makes keyring.json, with which what is personal is veiled.
    """
    if name == keyrings.NAME:
        path = keyrings.make(to)
        if json:
            print_json({"name": name, "private": str(path)})
        else:
            print(f"{path}: give it to every worker and reader (L233_KEYRING), to nobody else")
            print("whoever keeps a copy can read what is erased later")
        return
    if name != AUDIT and name not in directory().organisms:
        raise BadInput(
            f"{plain(name)} signs no checkpoint: write audit, keyring, or an organism's id such as cnam"
        )
    private, public, key = write_pair(name, to)
    if json:
        print_json({"name": name, "private": str(private), "public": str(public), "key": key})
    else:
        print(f"{private}: {name} signs with it; keep it secret, it is not protected by a password")
        print(f"{public}: give it to whoever runs l233 or verifies (the folder L233_SEAL_KEYS)")


def _topics(settings: Settings) -> tuple[str, ...]:
    return load_topics(settings).roles["audit"].inputs
