"""Cases: folds decisions and acknowledgements, in whatever order they arrive, into the state of each case."""

from typing import Final

from agents.emission import cloud_event, moment
from coordination import acknowledgement
from coordination.acknowledgement import Acknowledgement
from coordination.cases import fold
from schemas.envelope import unpack
from schemas.records import CASE, CASE_TYPE, DECISION, Decision
from streaming.records import Record, Result, State

ROLE: Final = "cases"
DECISIONS: Final = "l233.decisions"
TOPIC: Final = "l233.cases"


class NoMessageError(ValueError):
    """A record that is neither a decision nor an acknowledgement."""


class Cases:
    """The handler of decisions and acknowledgements. The topic of cases holds the latest state of each."""

    def __call__(self, record: Record, state: State) -> Result:
        """Fold a message into its case; one that changes nothing writes nothing."""
        message = _message(record)
        key = message.case.encode()
        stored = state.get(key)
        before = None if stored is None else CASE.validate_json(stored)
        after = fold(before, message)
        if after == before:
            return Result()
        data = CASE.dump_json(after)
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


def _message(record: Record) -> Decision | Acknowledgement:
    envelope = unpack(record.value, record.headers)
    if envelope.payload is None:
        raise NoMessageError(f"a record of {record.topic} has no readable data: look at its producer")
    if record.topic == DECISIONS:
        return DECISION.validate_json(envelope.payload)
    return acknowledgement.read(envelope.attributes, envelope.payload)
