"""When a deadline comes near and when it has passed, by the calendar of the organism's territory."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.calendar import Delay, deadline, is_working_day
from coordination.case_facts import DeadlineLevel
from coordination.deadlines import instants_of

PARIS = "Europe/Paris"


def told(due: str, level: DeadlineLevel, zone: str, holidays: str | None) -> tuple[str, str]:
    """Return the two instants on the wall of the territory."""
    found = instants_of(due, level, zone, holidays)
    near, missed = (
        datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone)).isoformat() for ms in found
    )
    return near, missed


@pytest.mark.parametrize(
    ("due", "level", "zone", "holidays", "near", "missed"),
    [
        pytest.param(
            "2026-03-03T23:59:59+01:00",
            "received",
            PARIS,
            None,
            "2026-03-03T19:59:59+01:00",
            "2026-03-04T00:00:00+01:00",
            id="received: four hours before",
        ),
        pytest.param(
            "2026-03-16T23:59:59+01:00",
            "reported",
            PARIS,
            None,
            "2026-03-13T23:59:59+01:00",
            "2026-03-17T00:00:00+01:00",
            id="a Monday: the Friday before",
        ),
        pytest.param(
            "2026-04-07T23:59:59+02:00",
            "reported",
            PARIS,
            None,
            "2026-04-03T23:59:59+02:00",
            "2026-04-08T00:00:00+02:00",
            id="the Tuesday after Easter: Good Friday is a working day",
        ),
        pytest.param(
            "2026-04-07T23:59:59+02:00",
            "reported",
            PARIS,
            "6AE",
            "2026-04-02T23:59:59+02:00",
            "2026-04-08T00:00:00+02:00",
            id="the same in Alsace, where Good Friday is none",
        ),
        pytest.param(
            "2026-12-28T23:59:59+01:00",
            "paid",
            PARIS,
            "57",
            "2026-12-24T23:59:59+01:00",
            "2026-12-29T00:00:00+01:00",
            id="after Christmas in Moselle",
        ),
        pytest.param(
            "2026-12-21T23:59:59+04:00",
            "reported",
            "Indian/Reunion",
            "974",
            "2026-12-18T23:59:59+04:00",
            "2026-12-22T00:00:00+04:00",
            id="Réunion, the Monday after the abolition of slavery, a Sunday",
        ),
        pytest.param(
            "2027-12-21T23:59:59+04:00",
            "reported",
            "Indian/Reunion",
            "974",
            "2027-12-17T23:59:59+04:00",
            "2027-12-22T00:00:00+04:00",
            id="Réunion, the Tuesday after it, when it is a Monday",
        ),
        pytest.param(
            "2026-03-30T23:59:59+02:00",
            "reported",
            PARIS,
            None,
            "2026-03-27T23:59:59+01:00",
            "2026-03-31T00:00:00+02:00",
            id="the clocks go forward in between: the same time on the wall",
        ),
        pytest.param(
            "2026-10-26T23:59:59+01:00",
            "reported",
            PARIS,
            None,
            "2026-10-23T23:59:59+02:00",
            "2026-10-27T00:00:00+01:00",
            id="the clocks go back in between",
        ),
        pytest.param(
            "2028-03-01T23:59:59+01:00",
            "reported",
            PARIS,
            None,
            "2028-02-29T23:59:59+01:00",
            "2028-03-02T00:00:00+01:00",
            id="29 February is a day",
        ),
        pytest.param(
            "2026-03-03T23:59:59-04:00",
            "decided",
            "America/Guadeloupe",
            "971",
            "2026-03-02T23:59:59-04:00",
            "2026-03-04T00:00:00-04:00",
            id="Guadeloupe, four hours behind",
        ),
    ],
)
def test_near_is_a_working_day_before_and_missed_the_first_instant_after(
    *, due: str, level: DeadlineLevel, zone: str, holidays: str | None, near: str, missed: str
) -> None:
    assert told(due, level, zone, holidays) == (near, missed)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  bounds have no zone
    st.sampled_from(
        [Delay(1, "working days"), Delay(10, "working days"), Delay(7, "days"), Delay(6, "months")]
    ),
    st.sampled_from([(PARIS, None), (PARIS, "57"), ("Indian/Reunion", "974"), ("America/Cayenne", "973")]),
)
def test_a_warning_comes_on_a_working_day_before_and_no_working_day_lies_between(
    time: datetime, delay: Delay, place: tuple[str, str | None]
) -> None:
    """Whatever the deadline: a territory's own calendar decides."""
    zone, holidays = place
    due = deadline(time, delay, ZoneInfo(zone), holidays)
    found = instants_of(due, "reported", zone, holidays)
    near, last = (
        datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone))
        for ms in (found.near_ms, found.missed_ms - 1_000)
    )
    assert last.isoformat() == due
    assert near.time() == last.time()
    assert is_working_day(near.date(), holidays)
    between = [near.date() + timedelta(days=n) for n in range(1, (last.date() - near.date()).days)]
    assert not any(is_working_day(day, holidays) for day in between)
