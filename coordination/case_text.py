"""Decides how a part of a case is written: the public JSON of a `CaseRecipient` or a `CaseClock`.

A case is written after every message, and a message mostly changes one part: the others keep their text.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

from coordination.case_facts import Ask, Said
from schemas.records import Ended


def head_of(decision: str, ask: Ask) -> str:
    """Return what never changes of a part."""
    known = f'{{"decision":{quoted(decision)},"organism":{quoted(ask.organism)}'
    if ask.acknowledge is None:
        return f'{known},"level":"{ask.level}","until":{or_null(ask.until)}'
    return (
        f'{known},"role":"{ask.role}","activity":{quoted(ask.activity)}'
        f',"acknowledge":"{ask.acknowledge}","by":"{ask.by}"'
    )


def given_of(given: Iterable[Said], missed_ms: int) -> str:
    """Return what a recipient answered; what came once the deadline had passed is late."""
    return f',"given":[{",".join([_given(said, missed_ms) for said in given])}]'


def _given(said: Said, missed_ms: int) -> str:
    late = "true" if milliseconds(said.at) >= missed_ms else "false"
    code = "null" if said.code is None else said.code
    return f'{{"id":{quoted(said.id)},"level":"{said.level}","at":"{said.at}","code":{code},"late":{late}}}'


def timing_of(
    due: str, near_at: str | None, missed_at: str | None, done_ms: int | None, ended: Ended | None
) -> str:
    """Return how the clock of a part stands."""
    done = "null" if done_ms is None else f'"{instant(done_ms)}"'
    near = "null" if near_at is None else f'"{near_at}"'
    missed = "null" if missed_at is None else f'"{missed_at}"'
    how = "null" if ended is None else f'"{ended}"'
    return f',"due":"{due}","near_at":{near},"missed_at":{missed},"done_at":{done},"ended":{how}}}'


def or_null(text: str | None) -> str:
    """Return a JSON string, or null."""
    return "null" if text is None else quoted(text)


@lru_cache(maxsize=8_192)
def milliseconds(text: str) -> int:
    """Return the milliseconds since the epoch of an RFC 3339 instant."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@lru_cache(maxsize=8_192)
def instant(at_ms: int) -> str:
    """Return milliseconds since the epoch as RFC 3339 in UTC."""
    text = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
