"""What a log line may say of a record."""

import pytest

from streaming.context import named
from tests.unit.agents.records import Kept


def test_a_record_is_named_by_its_place_event_and_case() -> None:
    """An operator finds the record on its topic, and the event and case in the other tools."""
    headers = (("ce_id", b"0f8b-41"), ("ce_correlationid", b"c-7"), ("ce_subject", b"worker:00"))
    assert named(Kept("l233.inbox.cpam", b"{}", headers, partition=2, offset=9)) == {
        "record": "l233.inbox.cpam/2/9",
        "event_id": "0f8b-41",
        "case_id": "c-7",
    }


@pytest.mark.parametrize("personal", ["9" * 13, "9" * 15, f"x-{'9' * 15}", "Jeanne Exemple", "é", "a" * 129])
def test_an_id_that_could_be_personal_is_not_said(personal: str) -> None:
    """Thirteen digits in a row, a name with its spaces, a long text: the place alone must do."""
    record = Kept("l233.events", None, (("ce_id", personal.encode()),))
    assert named(record) == {"record": "l233.events/0/0"}
