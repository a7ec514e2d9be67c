"""What `docs/producers.md` shows to producers works as it stands there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from confluent_kafka import Message, Producer

from coordination.partitioning import partition_of
from l233.subject import DEVELOPMENT_KEY, worker_reference
from schemas.envelope import unpack_structured
from schemas.refusal import REASONS
from schemas.validation import Event, validate

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "producers.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    """Return a code block of the page."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return blocks[number]


def test_the_event_shown_keeps_its_contract() -> None:
    """Whoever copies it has a valid event."""
    assert isinstance(validate(unpack_structured(block("json").encode())), Event)


def test_the_subject_of_the_event_shown_is_what_the_lines_shown_compute() -> None:
    """Under the development key, of the first worker in the example file."""
    shown: dict[str, Any] = {}
    exec(block("python"), shown)  # noqa: S102 - our own page

    siren = json.loads((ROOT / "docs/examples/register.jsonl").read_bytes().splitlines()[0])["siren"]
    reference = shown["worker_reference"](siren, DEVELOPMENT_KEY)
    assert reference == worker_reference(siren, DEVELOPMENT_KEY) == json.loads(block("json"))["subject"]


def test_the_settings_shown_for_librdkafka_find_the_right_partition() -> None:
    """confluent-kafka itself, on its in-process broker, then lays keys where intake expects them."""
    shown: dict[str, Any] = {}
    exec(block("python", 1), shown)  # noqa: S102 - our own page
    laid: dict[bytes, int] = {}

    def delivered(error: object, message: Message) -> None:
        assert error is None
        key, partition = message.key(), message.partition()
        assert isinstance(key, bytes)
        assert partition is not None
        laid[key] = partition

    producer = Producer({**shown["settings"], "bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    keys = {f"worker:{number:032x}".encode() for number in range(40)}
    for key in keys:
        producer.produce("l233.events", key=key, value=b"", on_delivery=delivered)
    assert producer.flush(30) == 0

    partitions = len(producer.list_topics("l233.events", 30).topics["l233.events"].partitions)
    assert partitions > 1
    assert laid == {key: partition_of(key, partitions) for key in keys}


def test_every_reason_is_explained_in_the_public_order() -> None:
    """A producer finds what to do about any refusal."""
    table = PAGE.split("| reason | what to do |")[1].split("\n\n")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(REASONS)


def test_the_conversion_shown_gives_events() -> None:
    """The example file of the page: a registration, a cessation, and a company that is skipped."""
    line = next(line for line in block("sh", 2).splitlines() if line.startswith("l233 convert"))
    command = [sys.executable, "-m", "l233.cli", *line.split()[1:], "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)

    events = [validate(unpack_structured(line)) for line in done.stdout.splitlines()]
    assert [event.name for event in events if isinstance(event, Event)] == [
        "activity.registered",
        "activity.ceased",
    ]
    assert json.loads(done.stderr)["skipped"] == {"personneMorale": 1}
