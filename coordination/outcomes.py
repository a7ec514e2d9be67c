"""What an organism makes of an event: the value behind every record on `l233.outcomes`."""

from typing import Final, NamedTuple

from coordination import ids
from schemas import emitted
from schemas.events import Contract, type_of
from schemas.inputs import EVENT_NAMES
from schemas.records import EventRef

_NAMES: Final = {model: name for name, model in emitted.EMITTED.items()}


class Outcome(NamedTuple):
    """An emitted event other than an acknowledgement.

    `name` is the event's, such as `rights.recorded`; `causation` the id of the event it comes from; `at`
    RFC 3339 text; `payload` the data as JSON.
    """

    id: str
    name: str
    data: Contract
    causation: str
    case: str
    subject: str
    at: str
    payload: bytes

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return type_of(self.name)


def outcome(
    event: EventRef, scheme: str, case: str, data: Contract, *, at: str, organism: str, step: str = ""
) -> Outcome:
    """Return what `organism` makes of an event; its id follows from the event, the scheme and the step.

    Args:
        event: what it comes from.
        scheme: the version that the event was routed by.
        case: the case that it belongs to.
        data: one of the models of `schemas.emitted.EMITTED`.
        at: the time of the outcome, RFC 3339.
        organism: who acts.
        step: what tells apart several outcomes of one name that one event causes, such as a year.
    """
    name = _NAMES[type(data)]
    full = f"{name}/{step}" if step else name
    return Outcome(
        id=ids.emitted_id(event, scheme, EVENT_NAMES.get(event.type, event.type), organism, full),
        name=name,
        data=data,
        causation=event.id,
        case=case,
        subject=event.subject,
        at=at,
        payload=data.to_json(),
    )
