"""What is told of versions of the scheme: their mistakes, how far they are, who signed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import scheme
from agents.following import judge
from agents.world import World
from coordination.directory import Directory
from coordination.lifecycle import State, missing, stage, state, succession_faults
from coordination.rulebook import Scheme
from coordination.scheme_file import SchemeError
from coordination.scheme_version import Files, Signed, faults, read_record, read_signed
from coordination.scheme_version import told as fault_told
from coordination.signing import Trusted
from l233.scheme_files import SIGNATURES, read_files
from schemas.scheme import SchemeVersion


class ToldSignature(TypedDict):
    """A signature; `verdict` is good, or the reason why it does not count."""

    act: str
    authority: str
    at: str
    key: str
    verdict: str


class Told(TypedDict):
    """A version. `origin` is shipped, published, or a file; `missing` who has not signed or approved."""

    scheme: str
    title: str
    status: str
    state: State
    in_force: str
    in_force_until: str | None
    published: str | None
    sha256: str
    origin: str
    signatures: list[ToldSignature]
    missing: list[str]


def lint_problems(files: Sequence[Path], directory: Directory) -> list[str]:
    """Return every mistake in these files, one a line. Raises BadInput for a file that can't be read."""
    problems: list[str] = []
    read: list[Signed] = []
    for file in files:
        try:
            read.append(read_signed(read_files(file), directory))
        except SchemeError as error:
            problems += str(error).splitlines()
    for index, signed in enumerate(read):
        found = succession_faults(signed.scheme, [one.scheme for one in read[:index]])
        problems += [fault_told(signed, fault) for fault in found]
    return problems


def all_versions(
    world: World, trusted: Trusted, records: Sequence[SchemeVersion], now: datetime
) -> list[Told]:
    """Tell of the versions that came with the program and of those published, the earliest in force first.

    A published version that workers refuse stands as far as its signatures bring it, never in force.
    """
    fit = [one.scheme for one in judge(records, world, trusted).admitted]
    side_by_side = [*world.rulebook.schemes, *fit]
    published = {(record.scheme, record.sha256): record for record in records}
    told: list[Told] = []
    for signed in _shipped(world.directory):
        one = tell_version(signed, trusted, "shipped", (side_by_side, now))
        if (record := published.pop((one["scheme"], one["sha256"]), None)) is not None:
            one["published"] = record.published
        told.append(one)
    for record in published.values():
        try:
            signed = read_record(record, world.directory)
        except SchemeError:
            continue  # workers tell of it in their logs
        among = (side_by_side, now) if signed.scheme.hash in {one.hash for one in fit} else None
        one = tell_version(signed, trusted, "published", among)
        one["published"] = record.published
        told.append(one)
    return sorted(told, key=lambda one: datetime.fromisoformat(one["in_force"]))


def _shipped(directory: Directory) -> Iterator[Signed]:
    given = scheme.signatures()
    for name, text in scheme.versions().items():
        beside = f"{name.removesuffix('.yaml')}{SIGNATURES}"
        yield read_signed(Files(name, text, beside, given.get(name)), directory)


def tell_version(
    signed: Signed,
    trusted: Trusted,
    origin: str,
    among: tuple[Sequence[Scheme], datetime] | None = None,
) -> Told:
    """Tell of one version; `among` which approved ones it stands, and when, if it is put in force."""
    wrong = {fault.path[1]: fault.reason for fault in faults(signed, trusted)}
    good = [one for index, one in enumerate(signed.signatures) if index not in wrong]
    reached = stage(good)
    this = signed.scheme
    return Told(
        scheme=this.version,
        title=this.title,
        status=this.status,
        state=reached if among is None else state(this, reached, *among),
        in_force=this.in_force.isoformat(),
        in_force_until=None if this.until is None else this.until.isoformat(),
        published=None,
        sha256=this.hash,
        origin=origin,
        signatures=[
            ToldSignature(
                act=one.act,
                authority=one.authority,
                at=one.at,
                key=one.key,
                verdict=wrong.get(index, "good"),
            )
            for index, one in enumerate(signed.signatures)
        ],
        missing=[*missing("establishes", good), *missing("approves", good)],
    )
