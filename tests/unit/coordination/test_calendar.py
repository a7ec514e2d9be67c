"""The legal clock: when deadlines end."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.calendar import CalendarError, Delay, deadline

PARIS = ZoneInfo("Europe/Paris")
ZONES = [ZoneInfo(f"America/{city}") for city in ("Guadeloupe", "Martinique", "Cayenne")] + [
    PARIS,
    ZoneInfo("Indian/Reunion"),
]
SUBDIVISIONS = [None, "57", "6AE", "971", "972", "973", "974", "MF"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("time", "delay", "zone", "subdivision", "end"),
    [
        # the example of the brief: ten working days from Monday 2 March
        ("2026-03-02T09:30:00+01:00", "10 working days", "Europe/Paris", None, "2026-03-16T23:59:59+01:00"),
        # Good Friday 3 April 2026 and Easter Monday 6 April
        ("2026-04-02T12:00:00+02:00", "1 working day", "Europe/Paris", None, "2026-04-03T23:59:59+02:00"),
        ("2026-04-02T12:00:00+02:00", "1 working day", "Europe/Paris", "6AE", "2026-04-07T23:59:59+02:00"),
        ("2026-04-02T12:00:00+02:00", "1 working day", "Europe/Paris", "57", "2026-04-07T23:59:59+02:00"),
        # 26 December 2025 is a Friday
        ("2025-12-24T12:00:00+01:00", "1 working day", "Europe/Paris", None, "2025-12-26T23:59:59+01:00"),
        ("2025-12-24T12:00:00+01:00", "1 working day", "Europe/Paris", "57", "2025-12-29T23:59:59+01:00"),
        # 27 May, the abolition of slavery, in Guadeloupe only
        (
            "2026-05-26T12:00:00-04:00",
            "1 working day",
            "America/Guadeloupe",
            "971",
            "2026-05-28T23:59:59-04:00",
        ),
        # calendar days run over a week-end and end on one
        ("2026-03-01T12:00:00+01:00", "7 days", "Europe/Paris", None, "2026-03-08T23:59:59+01:00"),
        # the day of the same number, the last of the month, the next working day, another offset in summer
        ("2026-01-15T08:00:00+01:00", "6 months", "Europe/Paris", None, "2026-07-15T23:59:59+02:00"),
        ("2026-08-31T08:00:00+02:00", "6 months", "Europe/Paris", None, "2027-03-01T23:59:59+01:00"),
        ("2026-05-14T08:00:00+02:00", "2 months", "Europe/Paris", None, "2026-07-15T23:59:59+02:00"),
        ("2027-11-29T08:00:00+01:00", "3 months", "Europe/Paris", None, "2028-02-29T23:59:59+01:00"),
        ("2026-10-31T08:00:00+01:00", "2 months", "Europe/Paris", None, "2026-12-31T23:59:59+01:00"),
        # the same instant is 2 March in Paris and still 1 March in Cayenne
        ("2026-03-02T01:00:00+01:00", "7 days", "Europe/Paris", None, "2026-03-09T23:59:59+01:00"),
        ("2026-03-02T01:00:00+01:00", "7 days", "America/Cayenne", "973", "2026-03-08T23:59:59-03:00"),
        # late in the evening UTC it is already the next day in La Réunion
        ("2026-03-01T21:00:00Z", "1 working day", "Indian/Reunion", "974", "2026-03-03T23:59:59+04:00"),
    ],
)
def test_a_deadline_ends_where_a_jurist_would_put_it(
    time: str, delay: str, zone: str, subdivision: str | None, end: str
) -> None:
    assert deadline(at(time), Delay.parse(delay), ZoneInfo(zone), subdivision) == end


def naive_end(local_day: date, delay: Delay, subdivision: str | None) -> date:
    """Count day by day, asking the library for each: slow, and written from the text of the rule."""
    france = holidays.country_holidays("FR", subdiv=subdivision)

    def works(day: date) -> bool:
        return day.strftime("%a") not in {"Sat", "Sun"} and day not in france

    one = timedelta(days=1)
    if delay.unit == "days":
        return local_day + one * delay.count
    if delay.unit == "working days":
        day, left = local_day, delay.count
        while left:
            day += one
            left -= works(day)
        return day
    target = (local_day.year * 12 + local_day.month - 1) + delay.count
    day = local_day
    while day.year * 12 + day.month - 1 < target:
        day += one
    # `day` is the first of the month it should end in, unless no month had to pass
    while day.day < local_day.day and (day + one).month == day.month:
        day += one
    while not works(day):
        day += one
    return day


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  bounds have no zone
    st.builds(Delay, st.integers(1, 40), st.sampled_from(["working days", "days", "months"])),
    st.sampled_from(ZONES),
    st.sampled_from(SUBDIVISIONS),
)
def test_a_deadline_agrees_with_counting_day_by_day(
    time: datetime, delay: Delay, zone: ZoneInfo, subdivision: str | None
) -> None:
    end = datetime.fromisoformat(deadline(time, delay, zone, subdivision))
    assert end.date() == naive_end(time.astimezone(zone).date(), delay, subdivision)
    assert (end.hour, end.minute, end.second) == (23, 59, 59)
    assert end.utcoffset() == end.replace(tzinfo=zone).utcoffset()


@pytest.mark.parametrize(
    "text", ["", "6 hours", "ten days", "0 days", "-1 days", "days", "1  day", "251 days", "²  days"]
)
def test_an_unreadable_delay_is_told_with_an_example(text: str) -> None:
    with pytest.raises(CalendarError, match="write for example 10 working days"):
        Delay.parse(text)


@pytest.mark.parametrize("text", ["1 working day", "10 working days", "1 day", "7 days", "6 months"])
def test_a_delay_reads_back_as_it_was_written(text: str) -> None:
    assert str(Delay.parse(text)) == text


def test_no_deadline_is_invented_for_years_without_known_holidays() -> None:
    with pytest.raises(CalendarError, match="holidays are known until 2100"):
        deadline(at("2101-01-01T00:00:00+01:00"), Delay(1, "days"), PARIS, None)
