"""Every saga, rehearsed: exactly the events that the rules ask for, each at its time."""

import json
from datetime import datetime
from typing import Any

import pytest

from tests.golden.sagas import Saga, differences, readable, sagas
from tests.golden.telling import document
from tests.unit.l233.command_line import run

SAGAS = [pytest.param(saga, id=saga.folder.name) for saga in sagas()]


@pytest.mark.parametrize("saga", SAGAS)
def test_what_comes_in_makes_what_comes_out(saga: Saga, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is missing and nothing is too much."""
    done = run(capsys, "rehearse", saga.file, *saga.options, "--json")
    assert differences(saga.expected, readable(saga, done.lines)) == []


@pytest.mark.parametrize("saga", SAGAS)
def test_it_is_told_in_the_order_of_time_line_case_and_organism(
    saga: Saga, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = {event["id"]: number for number, event in enumerate(saga.inputs)}

    def place(event: dict[str, Any]) -> tuple[object, ...]:
        at = datetime.fromisoformat(event["time"])
        line = lines.get(event.get("causationid"), len(lines))
        return at, line, event["correlationid"], event["data"]["organism"]

    done = run(capsys, "rehearse", saga.file, *saga.options, "--json")
    assert done.lines
    by_input = [event for event in done.lines if event.get("causationid") in lines]
    assert [json.dumps(event) for event in by_input] == [
        json.dumps(event) for event in sorted(by_input, key=place)
    ]


@pytest.mark.parametrize("saga", SAGAS)
def test_the_document_of_a_saga_tells_what_its_files_say(saga: Saga) -> None:
    """Written anew by `python -m tests.golden.telling`."""
    assert (saga.folder / "README.md").read_text(encoding="utf-8") == document(saga)
