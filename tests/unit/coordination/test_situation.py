"""What is known of a worker over time."""

from datetime import date, datetime
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.situation import UNKNOWN, History, decode, encode
from schemas.events import EventData
from schemas.records import Situation
from schemas.validation import Event
from tests.unit.coordination.examples import CONTACT_ELSEWHERE, SIREN, Data, event, place, worker


def registered(start: str, at: Data) -> Event:
    return event("activity.registered", {"start": start, "micro": False}, at=at)


def moved(effective: str, at: Data, previous: Data) -> Event:
    return event("territory.changed", {"effective": effective, "previous": previous}, at=at)


def after(*events: Event) -> History:
    history = UNKNOWN
    for happened in events:
        history = history.after(happened.data, happened.id.encode())
    return history


def residence(history: History, time: str) -> str | None:
    found = history.at(datetime.fromisoformat(time))
    return None if found is None else found.residence


def test_nothing_is_known_before_the_first_event() -> None:
    assert residence(UNKNOWN, "2026-03-02T09:30:00+01:00") is None


def test_a_registration_counts_from_its_start_and_before_it_as_the_earliest_known() -> None:
    history = after(registered("2026-02-01", worker("31555")))
    assert residence(history, "2026-03-02T09:30:00+01:00") == "31555"
    assert residence(history, "2025-12-31T09:30:00+01:00") == "31555"


@pytest.mark.parametrize(
    ("time", "commune"),
    [
        ("2026-05-31T23:59:59+02:00", "31555"),
        ("2026-06-01T00:00:00+02:00", "35238"),
        # the day begins in Paris, wherever the time was written
        ("2026-05-31T21:59:59Z", "31555"),
        ("2026-05-31T22:00:00Z", "35238"),
        ("2026-05-31T18:00:00-04:00", "35238"),
    ],
)
def test_a_move_counts_from_midnight_in_paris_of_its_effective_date(time: str, commune: str) -> None:
    history = after(
        registered("2026-01-01", worker("31555")), moved("2026-06-01", worker("35238"), place("31555"))
    )
    assert residence(history, time) == commune


def test_a_worker_first_known_by_a_move_lived_where_the_move_says() -> None:
    history = after(moved("2026-06-01", worker("35238"), place("59350", health="cpam:595")))
    before = history.at(datetime.fromisoformat("2026-01-01T00:00:00+01:00"))
    assert before == Situation(SIREN, "59350", "59350", {"health": "cpam:595"})
    assert residence(history, "2026-06-01T12:00:00+02:00") == "35238"


def test_what_a_later_move_says_of_the_place_left_changes_nothing() -> None:
    history = after(
        registered("2026-01-01", worker("31555")), moved("2026-06-01", worker("35238"), place("75101"))
    )
    assert residence(history, "2026-03-01T12:00:00+01:00") == "31555"


def test_an_earlier_date_that_arrives_later_takes_its_place_in_the_order() -> None:
    history = after(
        registered("2026-01-01", worker("31555")),
        moved("2026-09-01", worker("13055"), place("31555")),
        moved("2026-06-01", worker("35238"), place("31555")),
    )
    assert residence(history, "2026-07-01T12:00:00+02:00") == "35238"
    assert residence(history, "2026-10-01T12:00:00+02:00") == "13055"


def test_for_the_same_date_the_later_arrival_wins() -> None:
    first, second = worker("31555", health="cpam:595"), worker("35238")
    history = after(registered("2026-01-01", first), registered("2026-01-01", second))
    assert history.at(datetime.fromisoformat("2026-03-01T12:00:00+01:00")) == Situation(
        SIREN, "35238", "35238", {}
    )


def test_other_events_change_nothing_even_with_a_block() -> None:
    history = after(registered("2026-01-01", worker("31555")))
    assert history.after(CONTACT_ELSEWHERE.data, b"1") is history


def test_what_is_known_does_not_depend_on_the_order_of_arrival() -> None:
    """As long as dates differ and the registration came."""
    events = [
        registered("2026-01-01", worker("31555")),
        registered("2026-03-01", worker("75101")),
        registered("2026-05-01", worker("13055", collection="urssaf:corse")),
    ]
    assert len({encode(after(*order)) for order in permutations(events)}) == 1


DATES = st.dates(date(2024, 1, 1), date(2027, 12, 31)).map(str)
PLACES = st.sampled_from([worker("31555"), worker("59350", health="cpam:595"), worker("97411", "75101")])


@given(st.lists(st.tuples(DATES, PLACES), min_size=1, max_size=6), DATES)
def test_a_lookup_is_the_last_entry_that_counts(entries: list[tuple[str, Data]], day: str) -> None:
    """Compared with looking through all entries; and what is stored reads back the same."""
    history = after(*(registered(start, at) for start, at in entries))
    latest = dict(entries)
    begun = [start for start in latest if start <= day]
    wanted = latest[max(begun) if begun else min(latest)]
    found = decode(encode(history)).at(datetime.fromisoformat(f"{day}T12:00:00+01:00"))
    assert found is not None
    assert (found.residence, found.establishment) == (wanted["residence"], wanted["establishment"])
    assert found.attachments == wanted.get("attachments", {})
    assert decode(encode(history)) == history


# --- order of arrival, and corrections --------------------------------------------------------------

MOVES = st.tuples(st.booleans(), DATES, PLACES, PLACES)
DAYS = [f"{year}-{month:02}-15" for year in (2023, 2024, 2025, 2026, 2027, 2028) for month in (1, 5, 9)]


def told(number: int, move: bool, day: str, at: Data, left: Data) -> tuple[EventData, bytes]:
    """Return what an event says of a worker, and its origin."""
    said = moved(day, at, {k: v for k, v in left.items() if k != "siren"}) if move else registered(day, at)
    return said.data, bytes([number])


def folded(events: list[tuple[EventData, bytes]]) -> History:
    history = UNKNOWN
    for data, origin in events:
        history = history.after(data, origin)
    return history


def everywhere(history: History) -> list[Situation | None]:
    """Return where the worker is known to be on many days."""
    return [history.at(datetime.fromisoformat(f"{day}T12:00:00+01:00")) for day in DAYS]


@given(st.lists(MOVES, min_size=1, max_size=6), st.data())
def test_an_annulled_event_leaves_what_is_known_without_it(
    drawn: list[tuple[bool, str, Data, Data]], data: st.DataObject
) -> None:
    """As if it had never come; stored and read in between."""
    events = [told(number, *one) for number, one in enumerate(drawn)]
    gone = data.draw(st.integers(0, len(events) - 1))
    after_all = decode(encode(folded(events)))
    others = [event for number, event in enumerate(events) if number != gone]
    assert everywhere(after_all.corrected(None, events[gone][1])) == everywhere(folded(others))


@given(st.lists(MOVES, min_size=1, max_size=6), MOVES, st.data())
def test_an_updated_event_is_known_as_if_it_had_come_last(
    drawn: list[tuple[bool, str, Data, Data]], new: tuple[bool, str, Data, Data], data: st.DataObject
) -> None:
    events = [told(number, *one) for number, one in enumerate(drawn)]
    wrong = data.draw(st.integers(0, len(events) - 1))
    right = told(wrong, *new)
    others = [event for number, event in enumerate(events) if number != wrong]
    corrected = decode(encode(folded(events))).corrected(*right)
    assert everywhere(corrected) == everywhere(folded([*others, right]))


@given(st.lists(MOVES, min_size=2, max_size=6, unique_by=lambda move: move[1]), st.randoms())
def test_events_of_different_days_are_known_alike_in_any_order(
    drawn: list[tuple[bool, str, Data, Data]], random: Random
) -> None:
    events = [told(number, *one) for number, one in enumerate(drawn)]
    shuffled = random.sample(events, len(events))
    assert everywhere(folded(events)) == everywhere(folded(shuffled))


def test_many_events_of_one_day_are_not_all_kept() -> None:
    """A source that registers the same start again and again does not fill the store."""
    events = [told(number, False, "2026-01-05", worker("31555"), worker("31555")) for number in range(100)]
    assert len(folded(events).entries) == 16
