"""Ids are UUIDv5, the same again, and different for whatever differs."""

import uuid
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from coordination import ids
from schemas.records import EventRef


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_an_id_is_the_uuid5_of_the_standard_library(parts: list[str]) -> None:
    assert ids.uuid5(*parts) == str(uuid.uuid5(ids.NAMESPACE, "\x1f".join(parts)))


@given(st.lists(st.text(max_size=20), min_size=7, max_size=7))
def test_what_is_emitted_because_of_one_event_has_such_ids_too(parts: list[str]) -> None:
    source, id_, subject, scheme, rule, organism, step = parts
    event = EventRef(id_, source, "t", subject, "2026-03-02T09:30:00+01:00")
    known = ids.uuid5("emitted", source, id_, subject, scheme, rule, organism, step)
    for _ in range(2):
        assert ids.emitted_id(event, scheme, rule, organism, step) == known


def test_whatever_differs_gives_another_id() -> None:
    def event(id_: str = "1", source: str = "s", subject: str = "w") -> EventRef:
        return EventRef(id_, source, "t", subject, "2026-03-02T09:30:00+01:00")

    events = [event(), event(id_="2"), event(source="s2"), event(subject="w2")]
    found = [ids.case_id(each, None) for each in events]
    found += [ids.decision_id(each, "2026-01", "r") for each in events]
    found += [ids.receipt_id(each, "2026-01", "r") for each in events]
    found += [ids.emitted_id(each, "2026-01", "r", "cpam:311", "received") for each in events]
    found += [ids.emitted_id(event(), "2026-01", "r", "cpam:311", "reported")]
    found += [ids.emitted_id(event(), "2026-01", "r", "cpam:331", "received")]
    found += [ids.emitted_id(event(), "2027-01", "r", "cpam:311", "received")]
    found += [ids.refusal_id("t", 0, 1, "receipt"), ids.refusal_id("t", 1, 1, "receipt")]
    assert all(one != other for one, other in combinations(found, 2))


def test_the_case_named_by_the_event_is_its_case() -> None:
    assert ids.case_id(EventRef("1", "s", "t", "w", ""), "mine") == "mine"
