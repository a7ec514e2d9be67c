"""What is told of versions of the scheme: their mistakes, how far they are, who signed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import scheme
from coordination.directory import Directory
from coordination.lifecycle import State, missing, stage, state, succession_faults
from coordination.rulebook import Scheme
from coordination.scheme_file import SchemeError
from coordination.scheme_version import Files, Signed, faults, read_signed, told
from coordination.signing import Trusted
from l233.scheme_files import SIGNATURES, read_files


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
        problems += [told(signed, fault) for fault in found]
    return problems


def shipped(directory: Directory, trusted: Trusted, now: datetime) -> list[Told]:
    """Tell of the versions that came with the program, the earliest in force first."""
    given = scheme.signatures()
    read = [
        read_signed(
            Files(name, text, f"{name.removesuffix('.yaml')}{SIGNATURES}", given.get(name)), directory
        )
        for name, text in scheme.versions().items()
    ]
    return tell_versions(read, trusted, "shipped", now)


def tell_versions(versions: Iterable[Signed], trusted: Trusted, origin: str, now: datetime) -> list[Told]:
    """Tell of versions that stand side by side, the earliest in force first."""
    ordered = sorted(versions, key=lambda one: one.scheme.in_force)
    approved = [one.scheme for one in ordered if _stage(one, trusted) == "approved"]
    return [tell_version(one, trusted, origin, (approved, now)) for one in ordered]


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


def _stage(signed: Signed, trusted: Trusted) -> str:
    wrong = {fault.path[1] for fault in faults(signed, trusted)}
    return stage(one for index, one in enumerate(signed.signatures) if index not in wrong)
