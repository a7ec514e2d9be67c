"""Decides how far a version of the scheme is: draft, established, approved, in force, superseded.

Established by the signatures of CNAM, CNAV and ACOSS, approved by those of both ministers. Source: CSS
art. L233-1 (L).
What follows the statute in spirit and is our own (X): a version is published 24 hours before it is in force,
the very first one excepted, and versions follow each other without overlap or hole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal, get_args

from coordination.rulebook import Scheme
from coordination.signing import Trusted, holds
from schemas.scheme import Act, Head, Minister, Signature

Stage = Literal["draft", "established", "approved"]
"""What the signatures under a text come to."""
State = Literal["draft", "established", "approved", "in force", "superseded"]
Reason = Literal[
    "missing_signature",
    "false_signature",
    "wrong_signer",
    "untrusted_key",
    "other_text",
    "overlap",
    "hole",
    "too_late",
    "known_version",
    "out_of_order",
]
"""Why a version can't go on: the closed set."""

HEADS: Final[tuple[Head, ...]] = get_args(Head)
MINISTERS: Final[tuple[Minister, ...]] = get_args(Minister)
SIGNATORIES: Final[Mapping[Act, tuple[str, ...]]] = {"establishes": HEADS, "approves": MINISTERS}
NOTICE: Final = timedelta(hours=24)
"""How long before it is in force a version is published (X)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a version: in its text or in its file of signatures, and at which path there."""

    part: Literal["scheme", "signatures"]
    path: tuple[str | int, ...]
    reason: Reason
    message: str


def stage(signatures: Iterable[Signature]) -> Stage:
    """Return what signatures come to; give it those without fault."""
    if missing("establishes", signatures := tuple(signatures)):
        return "draft"
    return "established" if missing("approves", signatures) else "approved"


def missing(act: Act, signatures: Iterable[Signature]) -> tuple[str, ...]:
    """Return which authorities have not signed yet, in their usual order."""
    given = {signature.authority for signature in signatures if signature.act == act}
    return tuple(authority for authority in SIGNATORIES[act] if authority not in given)


def state(scheme: Scheme, reached: Stage, others: Iterable[Scheme], now: datetime) -> State:
    """Return where a version stands at `now` among the other approved ones."""
    if reached != "approved" or now < scheme.in_force:
        return reached
    later = any(scheme.in_force < other.in_force <= now for other in others)
    return "superseded" if later or (scheme.until is not None and scheme.until <= now) else "in force"


# --- signatures ----------------------------------------------------------------------------------


def signature_faults(
    scheme: str, digest: str, signatures: Sequence[Signature], trusted: Trusted
) -> Iterator[Fault]:
    """Find every signature that does not count, each at its place in the list."""
    seen: set[tuple[str, str]] = set()
    for index, signature in enumerate(signatures):
        found = (
            _signer_fault(signature, trusted)
            or _shared_key_fault(signature, signatures[:index])
            or _signature_fault(signature, scheme, digest)
            or _trust_fault(signature, trusted)
        )
        if found is None and (signature.act, signature.authority) in seen:
            found = "authority", "wrong_signer", f"{signature.authority} stands here twice: remove one"
        seen.add((signature.act, signature.authority))
        if found is not None:
            field, reason, message = found
            yield Fault("signatures", ("signatures", index, field), reason, message)


_Found = tuple[str, Reason, str] | None


def _signer_fault(signature: Signature, trusted: Trusted) -> _Found:
    who = signature.authority
    if (signers := next((s for act, s in SIGNATORIES.items() if act == signature.act), None)) is None:
        return "act", "wrong_signer", "must be establishes or approves"
    if who not in signers:
        asked = ", ".join(signers)
        return "authority", "wrong_signer", f"{who} is not among who {signature.act} a scheme: {asked}"
    owners = [name for name, keys in trusted.items() if signature.key in keys]
    if owners and who not in owners:
        return "key", "wrong_signer", f"this is the key of {owners[0]}, not of {who}: {who} must sign"
    return None


def _trust_fault(signature: Signature, trusted: Trusted) -> _Found:
    who = signature.authority
    if signature.key in trusted.get(who, frozenset()):
        return None
    return "key", "untrusted_key", f"this key of {who} is not trusted: sign with {who}'s own, or trust it"


def _shared_key_fault(signature: Signature, earlier: Sequence[Signature]) -> _Found:
    for other in earlier:
        if other.key == signature.key and other.authority != signature.authority:
            message = f"this key signs as {other.authority} above: {signature.authority} needs its own"
            return "key", "wrong_signer", message
    return None


def _signature_fault(signature: Signature, scheme: str, digest: str) -> _Found:
    if holds(signature, scheme, digest):
        return None
    return (
        "signature",
        "false_signature",
        f"{signature.authority} has not signed this: the text or the signature was altered; sign again",
    )


def missing_faults(
    signatures: Sequence[Signature], places: Mapping[str, tuple[str | int, ...]]
) -> Iterator[Fault]:
    """Find every signature that a version lacks to be in force; `places` says where an authority is named."""
    for act, word in _LACKING.items():
        for authority in missing(act, signatures):
            yield Fault(
                "scheme",
                places.get(authority, ()),
                "missing_signature",
                f"{authority} has not {word} it: run `l233 scheme {_COMMANDS[act]}` as {authority}",
            )


_LACKING: Final[Mapping[Act, str]] = {"establishes": "signed", "approves": "approved"}
_COMMANDS: Final[Mapping[Act, str]] = {"establishes": "sign", "approves": "approve"}


# --- succession ----------------------------------------------------------------------------------


def succession_faults(scheme: Scheme, others: Iterable[Scheme]) -> Iterator[Fault]:
    """Find how a version would overlap with those that are there, or leave a hole between them and itself."""
    known = tuple(others)
    if any(other.version == scheme.version for other in known):
        message = f"a version {scheme.version} is there already, and stays as it is: give this one a new name"
        yield Fault("scheme", ("scheme",), "known_version", message)
        return
    same = next((other for other in known if other.in_force == scheme.in_force), None)
    if same is not None:
        message = f"version {same.version} comes into force at this very time: choose another"
        yield Fault("scheme", ("in_force",), "overlap", message)
        return
    for before, after in pairwise(sorted((*known, scheme), key=lambda one: one.in_force)):
        if scheme in (before, after) and before.until is not None and before.until != after.in_force:
            yield _gap(before, before.until, after, scheme)


def _gap(before: Scheme, until: datetime, after: Scheme, scheme: Scheme) -> Fault:
    path = "in_force" if scheme is after else "in_force_until"
    begin, end = until.isoformat(), after.in_force.isoformat()
    if until > after.in_force:
        message = f"{before.version} is in force until {begin}, {after.version} from {end}: they overlap"
        return Fault("scheme", (path,), "overlap", message)
    message = (
        f"nothing is in force from {begin} (end of {before.version}) to {end} ({after.version}): close it"
    )
    return Fault("scheme", (path,), "hole", message)


def notice_fault(scheme: Scheme, published: datetime, others: Iterable[Scheme]) -> Fault | None:
    """Say whether a version was published too late. The very first one can't be: nothing was before it."""
    if not tuple(others) or scheme.in_force - published >= NOTICE:
        return None
    earliest = (published + NOTICE).isoformat(timespec="seconds")
    message = f"published less than 24 hours before it is in force: choose {earliest} or later"
    return Fault("scheme", ("in_force",), "too_late", message)
