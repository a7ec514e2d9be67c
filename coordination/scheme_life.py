"""Decides what is told of a version when it is published: the version itself, and its life as events.

Established is when the last of the three has signed, approved when the last of the two has. A version is
superseded by the publication of the one that takes its place; `since` says from when.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from coordination import ids
from coordination.lifecycle import HEADS, MINISTERS
from coordination.rulebook import Scheme
from coordination.scheme_version import Signed
from schemas.events import type_of
from schemas.scheme import (
    SCHEME_VERSION,
    SCHEME_VERSION_TYPE,
    SUBJECT,
    Act,
    SchemeApproved,
    SchemeEstablished,
    SchemeEvent,
    SchemePublished,
    SchemeSuperseded,
    SchemeVersion,
)


@dataclass(frozen=True, slots=True)
class Said:
    """Something that is told of a version: a CloudEvent's attributes and data, and its key on the topic."""

    key: str
    id: str
    type: str
    subject: str
    time: str
    payload: bytes


def on_publication(signed: Signed, published: str, others: Iterable[Scheme]) -> tuple[Said, ...]:
    """Return what is told when an approved version is published beside others (`published`: RFC 3339)."""
    scheme = signed.scheme
    record = SchemeVersion(
        scheme=scheme.version,
        sha256=scheme.hash,
        in_force=scheme.in_force.isoformat(),
        published=published,
        text=signed.text,
        signatures=signed.signatures,
    )
    version = Said(
        key=scheme.version,
        id=ids.uuid5("scheme", scheme.version, scheme.hash),
        type=SCHEME_VERSION_TYPE,
        subject=f"{SUBJECT}{scheme.version}",
        time=published,
        payload=SCHEME_VERSION.dump_json(record),
    )
    return version, *_life(signed, published, others)


def _life(signed: Signed, published: str, others: Iterable[Scheme]) -> Iterator[Said]:
    this = signed.scheme
    established = SchemeEstablished(scheme=this.version, sha256=this.hash, by=HEADS)
    yield _said(this, "scheme.established", _last(signed, "establishes"), established)
    approved = SchemeApproved(scheme=this.version, sha256=this.hash, by=MINISTERS)
    yield _said(this, "scheme.approved", _last(signed, "approves"), approved)
    since = this.in_force.isoformat()
    told = SchemePublished(scheme=this.version, sha256=this.hash, in_force=since)
    yield _said(this, "scheme.published", published, told)
    earlier = [other for other in others if other.in_force < this.in_force]
    if earlier:
        before = max(earlier, key=lambda other: other.in_force)
        ended = SchemeSuperseded(scheme=before.version, sha256=before.hash, by=this.version, since=since)
        yield _said(before, "scheme.superseded", published, ended)


def _last(signed: Signed, act: Act) -> str:
    """Return when the last of them signed."""
    return max((one.at for one in signed.signatures if one.act == act), key=datetime.fromisoformat)


def _said(scheme: Scheme, name: str, time: str, data: SchemeEvent) -> Said:
    return Said(
        key=f"{scheme.version}/{name}",
        id=ids.uuid5("scheme", scheme.version, scheme.hash, name, time),
        type=type_of(name),
        subject=f"{SUBJECT}{scheme.version}",
        time=time,
        payload=data.to_json(),
    )
