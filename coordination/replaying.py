"""Decides whether an event would be decided today as it was then: by the code of today, the scheme of then.

What decided then is taken from what was recorded: the worker's situation from the decision, whether the event
was seen before from its receipt, what was remembered of a refused one from its dead letter. So a range of the
stream can be looked at alone.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, assert_never

from coordination import remembered, situation
from coordination.intake import Intake
from coordination.situation import History
from coordination.verdicts import Duplicate, InputRecord, Memory, Refused, Rekeyed
from schemas.content import DIGEST_BYTES, content_digest
from schemas.envelope import unpack
from schemas.inputs import EVENT_NAMES
from schemas.records import DECISION, RECEIPT, Decision, InputRef, Receipt, Situation
from schemas.validation import Event, validate

Judged = Decision | Duplicate | Refused | Rekeyed
"""What is decided on a record."""
Outcome = Literal["identical", "different", "missing", "extra"]
"""How today's verdict stands to what was recorded.

missing: nothing was recorded of an input. extra: something was recorded of an input that is not there.
"""

_OTHER_CONTENT: Final = b"\0" * DIGEST_BYTES


class Recorded(NamedTuple):
    """What the topics say became of an input record.

    `decision` and `refused` are the data of the decision and of the dead letter as they stand in Kafka.
    """

    decision: bytes | None = None
    refused: bytes | None = None
    duplicate: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the topics say nothing of it."""
        return self.decision is None and self.refused is None and not self.duplicate


NOTHING: Final = Recorded()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: a JSON pointer into the decision, or `/verdict`; what was, what would be."""

    path: str
    then: object
    now: object


class Compared(NamedTuple):
    """What came of one input record.

    `rule` is the event's name; `said` is today's verdict as bytes, the same wherever it is given.
    """

    outcome: Outcome
    rule: str
    said: bytes
    differences: tuple[Difference, ...] = ()


def compare(
    record: InputRecord, recorded: Recorded, intake: Intake, memory: Memory | None = None
) -> Compared:
    """Return how today's verdict on a record stands to what was recorded of it.

    Args:
        record: the input record.
        recorded: what the topics say became of it.
        intake: today's code with the scheme versions to decide by.
        memory: what was remembered then, where it was rebuilt; None: take it from what was recorded.
    """
    memory = recorded_inputs(record, recorded) if memory is None else memory
    return compared(intake.decide(record, memory), recorded)


def compared(verdict: Judged, recorded: Recorded) -> Compared:
    """Return how a verdict stands to what was recorded."""
    rule, said = _told(verdict)
    if recorded.nothing and not isinstance(verdict, Rekeyed):  # a record that was put back is recorded there
        return Compared("missing", rule, said)
    differences = tuple(_differences(verdict, said, recorded))
    return Compared("different" if differences else "identical", rule, said, differences)


def _told(verdict: Judged) -> tuple[str, bytes]:
    """Return the rule, or what stands for it, and the verdict as bytes."""
    match verdict:
        case Decision():
            return verdict.rule, DECISION.dump_json(verdict)
        case Duplicate():
            return verdict.event.name, b"duplicate"
        case Refused():
            found = verdict.refusal
            said = {
                "reason": found.reason,
                "errors": [error._asdict() for error in found.errors],
                "remembered": [
                    [b64encode(key).decode(), b64encode(value).decode()]
                    for key, value in verdict.remembered.items()
                ],
            }
            return found.reason, json.dumps(said, sort_keys=True).encode()
        case Rekeyed():
            return "rekeyed", b"rekeyed %d" % verdict.partition
        case _:
            assert_never(verdict)


def _differences(verdict: Judged, said: bytes, recorded: Recorded) -> Iterator[Difference]:
    then, now = _kind_then(recorded), _kind(verdict)
    if then != now:
        yield Difference("/verdict", then, now)
    elif isinstance(verdict, Decision) and said != recorded.decision:
        yield from _within(json.loads(recorded.decision or b"{}"), json.loads(said), "")
    elif isinstance(verdict, Refused) and recorded.refused is not None:
        letter, today = json.loads(recorded.refused), json.loads(said)
        for part in ("reason", "errors", "remembered"):
            if letter[part] != today[part]:
                yield Difference(f"/{part}", letter[part], today[part])


def _kind(verdict: Judged) -> str:
    match verdict:
        case Decision():
            return "routed"
        case Duplicate():
            return "duplicate"
        case Refused():
            return "refused"
        case Rekeyed():
            return "rekeyed"
        case _:
            assert_never(verdict)


def _kind_then(recorded: Recorded) -> str:
    if recorded.decision is not None:
        return "routed"
    if recorded.refused is not None:
        return "refused"
    return "duplicate" if recorded.duplicate else "rekeyed"


def _within(then: object, now: object, path: str) -> Iterator[Difference]:
    """Return where two JSON values differ, deepest first named."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted(then.keys() | now.keys()):
            if then.get(name) != now.get(name):
                yield from _within(then.get(name), now.get(name), f"{path}/{name}")
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for at, (one, other) in enumerate(zip(then, now, strict=True)):
            if one != other:
                yield from _within(one, other, f"{path}/{at}")
    else:
        yield Difference(path, then, now)


# --- the inputs of then --------------------------------------------------------------------------


class _Inputs(dict[bytes, bytes]):
    """What was remembered of a worker, as far as it decided."""


def recorded_inputs(record: InputRecord, recorded: Recorded) -> Memory:
    """Return the memory that a verdict was given with, from what was recorded of it."""
    if recorded.decision is not None:
        return _of_decision(record, recorded.decision)
    if recorded.refused is not None:
        letter = json.loads(recorded.refused)
        return _Inputs((b64decode(key), b64decode(value)) for key, value in letter["remembered"])
    return _of_one_seen(record) if recorded.duplicate else _Inputs()


def _of_decision(record: InputRecord, text: bytes) -> _Inputs:
    """Return what decided beside the event; as little of the decision is read as that needs."""
    found = _Inputs()
    if _CORRECTS_NOTHING not in text:
        return _of_correction(DECISION.validate_json(text), record)
    if _KNOWN in text and record.key is not None:
        whole = text.decode()
        known = Situation(**_DECODER.raw_decode(whole, whole.index(_SITUATION) + len(_SITUATION))[0])
        found[remembered.known_key(record.key.decode())] = _history(known)
    return found


_CORRECTS_NOTHING: Final = b'"corrects":null'
_KNOWN: Final = b'"situation_from":"known"'
_SITUATION: Final = '"situation":'
"""None of these can stand inside a text: its quotes would be escaped."""
_DECODER: Final = json.JSONDecoder()


def _history(known: Situation) -> bytes:
    return situation.encode(History.always(known))


def _of_correction(decision: Decision, record: InputRecord) -> _Inputs:
    found, event, corrected = _Inputs(), decision.event, decision.corrects
    if decision.situation is not None and decision.situation_from == "known":
        found[remembered.known_key(event.subject)] = _history(decision.situation)
    if corrected is not None:
        receipt = Receipt(
            id="",
            verdict="registered",
            event=InputRef(corrected.id, corrected.source, event.subject),
            reason=None,
            errors=(),
            scheme=decision.scheme,
            case=decision.case,
            recipients=decision.recipients,
            unresolved=(),
        )
        name = EVENT_NAMES[corrected.type]
        key = remembered.seen_key(event.subject, corrected.source, corrected.id)
        found[key] = remembered.of_event(
            _OTHER_CONTENT, RECEIPT.dump_json(receipt), name, decision.situation, record.timestamp
        )
    return found


def _of_one_seen(record: InputRecord) -> _Inputs:
    """Return the memory of an event that was seen before."""
    found = _Inputs()
    event = validate(unpack(record.value, record.headers))
    if isinstance(event, Event):
        key = remembered.seen_key(event.subject, event.source, event.id)
        found[key] = content_digest(event) + _RECEIPT
    return found


_RECEIPT: Final = RECEIPT.dump_json(
    Receipt("", "registered", InputRef(None, None, None), None, (), None, None, (), ())
)
