"""`l233 scheme keygen|lint|sign|approve|publish|show|simulate`: a version, from its draft to its end.

Exit code 0: done, 1: refused, with what is wrong, 2: a file or a key can't be used.
"""

from pathlib import Path
from typing import Annotated

import typer

from coordination.lifecycle import SIGNATORIES, missing
from coordination.scheme_file import SchemeError
from coordination.scheme_version import Signed, faults, refuse
from coordination.signing import sign as signature_of
from l233 import broker
from l233 import settings as configuration
from l233.commands.simulate import simulate
from l233.errors import BadInput, L233Error
from l233.output import print_json, print_table, remark
from l233.reference import directory, world
from l233.scheme_files import read_key, read_version, refused, write_pair, write_signatures
from l233.scheme_publishing import instant, read
from l233.scheme_publishing import publish as to_publish
from l233.scheme_telling import Told, all_versions, lint_problems, tell_version
from l233.trust import AUTHORITIES, trusted
from schemas.scheme import Act
from streaming.posting import OvertakenError

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command()(simulate)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Draft = Annotated[Path, typer.Argument(metavar="FILE", help="A version of the scheme, YAML.")]
As = Annotated[str, typer.Option("--as", help="Who signs.")]
Key = Annotated[Path, typer.Option(help="That authority's private key, PEM.")]


@app.command()
def keygen(
    authority: Annotated[str, typer.Argument(help=f"Of {', '.join(AUTHORITIES)}.")],
    to: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    json: Json = False,
) -> None:
    """Make the keys of an authority: AUTHORITY.private.pem, for its owner alone, and AUTHORITY.public.pem."""
    name = _authority(authority, AUTHORITIES)
    private, public, key = write_pair(name, to)
    if json:
        print_json({"authority": name, "private": str(private), "public": str(public), "key": key})
    else:
        print(f"{private}: {name} signs with it; keep it secret, it is not protected by a password")
        print(f"{public}: give it to whoever runs l233 (the folder L233_TRUSTED_KEYS)")


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Versions of the scheme, YAML.")],
    json: Json = False,
) -> None:
    """Tell every mistake with its line; of several files, also overlaps and holes between them."""
    problems = lint_problems(files, directory())
    if json:
        print_json({"files": [str(file) for file in files], "problems": problems})
    else:
        print("\n".join(problems) or f"nothing to correct in {', '.join(map(str, files))}")
    if problems:
        raise typer.Exit(1)


@app.command()
def sign(file: Draft, authority: As, key: Key, json: Json = False) -> None:
    """Sign a version as one of the heads that establish it: cnam, cnav, acoss."""
    signed = read_version(file, directory())
    _sign(signed, "establishes", _authority(authority, SIGNATORIES["establishes"]), key, json=json)


@app.command()
def approve(file: Draft, authority: As, key: Key, json: Json = False) -> None:
    """Approve an established version as minister-social-security or minister-budget."""
    signed = read_version(file, directory())
    if lacking := missing("establishes", signed.signatures):
        raise L233Error(
            f"{file}: not established yet, so there is nothing to approve: {', '.join(lacking)} must sign "
            "(l233 scheme sign)"
        )
    _sign(signed, "approves", _authority(authority, SIGNATORIES["approves"]), key, json=json)


@app.command()
def publish(file: Draft, json: Json = False) -> None:
    """Publish an approved version to all workers, at least 24 hours before it is in force."""
    settings = configuration.load()
    keys, signed = trusted(settings), read_version(file, directory())
    try:
        done = broker.run(to_publish(signed, world(settings), keys, settings.connection()), settings)
    except SchemeError as error:
        raise refused(error) from error
    except OvertakenError as error:
        raise L233Error("another publication has begun meanwhile: `l233 scheme show --published`") from error
    this, since = signed.scheme, signed.scheme.in_force.isoformat()
    if json:
        events = [one.type for one in done.said]
        said = {"scheme": this.version, "sha256": this.hash, "in_force": since, "published": done.at}
        print_json({**said, "new": bool(events), "events": events})
    elif done.said:
        print(f"{this.version} is published: in force from {since}, SHA-256 {this.hash}")
    else:
        print(f"{this.version} was published on {done.at} already: nothing changed")


@app.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="A version; else those shipped.")] = None,
    published: Annotated[bool, typer.Option("--published", help="Also those published on Kafka.")] = False,
    json: Json = False,
) -> None:
    """Show versions: how far each is, its hash, who signed, what is in force now."""
    settings = configuration.load()
    keys, connection = trusted(settings), settings.connection()
    now = instant(connection)
    if file is not None:
        versions = [tell_version(read_version(file, directory()), keys, str(file))]
    else:
        records = broker.run(read(connection), settings) if published else ()
        versions = all_versions(world(settings), keys, records, now)
    current = next((one["scheme"] for one in versions if one["state"] == "in force"), None)
    if json:
        print_json({"at": now.isoformat(timespec="seconds"), "in_force": current, "versions": versions})
    else:
        _print(versions)


def _sign(signed: Signed, act: Act, authority: str, key_file: Path, *, json: bool) -> None:
    settings, scheme = configuration.load(), signed.scheme
    keys, key = trusted(settings), read_key(key_file)
    if any(one.act == act and one.authority == authority for one in signed.signatures):
        raise L233Error(f"{signed.files.text_file}: {authority} has signed this text already")
    now = instant(settings.connection()).isoformat(timespec="seconds")
    new = signature_of(key, scheme.version, scheme.hash, act=act, authority=authority, at=now)
    together = (*signed.signatures, new)
    candidate = Signed(scheme, signed.text, together, signed.files, signed.document, signed.lines)
    found = faults(candidate, keys)
    own = ("signatures", len(together) - 1, "key")
    for fault in found:
        if fault.path == own and fault.reason == "wrong_signer":
            raise L233Error(f"{key_file}: {fault.message}")
    try:
        refuse(candidate, [fault for fault in found if fault.reason != "untrusted_key"])
    except SchemeError as error:
        raise refused(error) from error
    write_signatures(signed, together)
    if any(fault.path == own for fault in found):
        remark(f"{key_file} is not among the trusted keys here: publishing needs L233_TRUSTED_KEYS")
    lacking = [*missing("establishes", together), *missing("approves", together)]
    if json:
        said = {"scheme": scheme.version, "sha256": scheme.hash, "act": act, "authority": authority}
        print_json({**said, "at": now, "key": new.key, "state": candidate.stage, "missing": lacking})
    else:
        print(f"{authority} {act} {scheme.version} (SHA-256 {scheme.hash})")
        print(f"{candidate.stage}; missing: {', '.join(lacking) or 'nothing'}")


def _authority(given: str, allowed: tuple[str, ...]) -> str:
    name = "-".join(given.lower().replace("-", " ").replace(" for the ", " ").replace(" for ", " ").split())
    if name not in allowed:
        raise BadInput(f"{given!r} can't do this: one of {', '.join(allowed)} can")
    return name


def _print(versions: list[Told]) -> None:
    columns = ("version", "state", "in force from", "published", "SHA-256", "where")
    rows: list[tuple[str, ...]] = [
        (v["scheme"], v["state"], v["in_force"], v["published"] or "–", v["sha256"][:16], v["origin"])
        for v in versions
    ]
    print_table(columns, rows)
    for version in versions:
        print(f"\n{version['scheme']}: {version['title']} ({version['status']})")
        for one in version["signatures"]:
            print(f"   {one['authority']} {one['act']} it, {one['at']}: {one['verdict']}")
        for authority in version["missing"]:
            print(f"   {authority}: missing")
