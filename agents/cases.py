"""Cases: folds decisions and acknowledgements, in whatever order they arrive, into the state of each case."""

from typing import Final

from agents.emission import attributes, cloud_event, moment
from coordination import acknowledgement
from coordination.acknowledgement import Acknowledgement
from coordination.cases import fold
from schemas.records import CASE, CASE_TYPE, DECISION, CaseState, Decision
from streaming.records import Record, Result, State

ROLE: Final = "cases"
DECISIONS: Final = "l233.decisions"
TOPIC: Final = "l233.cases"
_RECENT: Final = 2_000


class NoMessageError(ValueError):
    """A record that is neither a decision nor an acknowledgement."""


class Cases:
    """The handler of decisions and acknowledgements. The topic of cases holds the latest state of each."""

    def __init__(self) -> None:
        self._recent: dict[bytes, CaseState] = {}
        """What was last written, by its bytes: a case mostly hears several messages in a row."""

    def __call__(self, record: Record, state: State) -> Result:
        """Fold a message into its case; one that changes nothing writes nothing."""
        message = _message(record)
        key = case_key(_worker(message), message.case)
        stored = state.get(key)
        before = None if stored is None else self._recent.pop(stored, None) or CASE.validate_json(stored)
        after = fold(before, message)
        if after == before:
            return Result()
        data = CASE.dump_json(after)
        if len(self._recent) >= _RECENT:
            del self._recent[next(iter(self._recent))]
        self._recent[data] = after
        latest = cloud_event(
            TOPIC,
            type_=CASE_TYPE,
            id_=after.case,
            role=ROLE,
            subject=after.worker,
            time=moment(record),
            data=data,
            case=after.case,
            key=key,
        )
        return Result(writes={key: data}, latest=[latest])


def case_key(worker: str, case: str) -> bytes:
    """Return the key of a case: with the worker, since producers may give two workers one case id."""
    return f"{worker}/{case}".encode()


def _worker(message: Decision | Acknowledgement) -> str:
    return message.event.subject if isinstance(message, Decision) else message.subject


def _message(record: Record) -> Decision | Acknowledgement:
    if record.value is None:
        raise NoMessageError(f"a record of {record.topic} has no data: look at its producer")
    if record.topic == DECISIONS:
        return DECISION.validate_json(record.value)
    return acknowledgement.read(attributes(record), record.value)
