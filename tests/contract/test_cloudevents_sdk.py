"""The official CloudEvents SDK reads what we write, and we read what it writes, in both content modes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import (
    KafkaMessage,
    from_kafka_event,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.v1.event import CloudEvent

from schemas.content import content_digest
from schemas.envelope import CONTENT_TYPE, STRUCTURED, pack_binary, pack_structured, unpack
from schemas.registry import INPUT
from schemas.types import parse_time
from schemas.validation import Event, validate
from tests.contract.golden import envelope, of_types

Writer = Callable[[CloudEvent], KafkaMessage]
EXAMPLES = of_types(set(INPUT))


def read(example: Path) -> Event:
    """Return a golden example as the event it is."""
    event = validate(envelope(example))
    assert isinstance(event, Event)
    return event


def assert_same(found: CloudEvent, event: Event) -> None:
    """Compare what the SDK sees with what we said."""
    attributes = dict(found.get_attributes())
    assert attributes.pop("time") == event.time
    assert attributes == {name: text for name, text in event.attributes.items() if name != "time"}
    assert found.get_data() == json.loads(event.payload)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_sdk_reads_what_we_write(example: Path) -> None:
    """Binary and structured."""
    event = read(example)
    headers, value = pack_binary(event.attributes, event.payload)
    assert_same(from_kafka_event(KafkaMessage(dict(headers), None, value)), event)
    line = pack_structured(event.attributes, event.payload)
    assert_same(from_kafka_event(KafkaMessage({CONTENT_TYPE: STRUCTURED.encode()}, None, line)), event)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("write", [to_binary_event, to_structured_event])
def test_we_read_what_the_sdk_writes(example: Path, write: Writer) -> None:
    """The event comes back with the same attributes, and with the same content for the duplicate check."""
    event = read(example)
    theirs = CloudEvent({**event.attributes, "time": event.time}, json.loads(event.payload))
    message = write(theirs)
    ours = validate(unpack(message.value, list(message.headers.items())))
    assert isinstance(ours, Event)
    assert (ours.id, ours.source, ours.type, ours.subject) == (
        event.id,
        event.source,
        event.type,
        event.subject,
    )
    assert parse_time(ours.attributes["time"]) == event.time
    assert ours.attributes.keys() == event.attributes.keys()
    assert ours.data == event.data
    assert content_digest(ours) == content_digest(event)
