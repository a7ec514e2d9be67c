"""Days, months, quarters and years are those of Paris, and read back as they are written."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.periods import LENGTHS, Length, PeriodError, day_of, last_days, length_of, parse, period_of

days = st.dates(date(2000, 1, 1), date(2090, 12, 31))
lengths = st.sampled_from(LENGTHS)


@given(days, lengths)
def test_a_period_reads_back_as_it_is_written(day: date, length: Length) -> None:
    """The text names the period, and its length follows from it."""
    period = period_of(day, length)
    assert parse(period.text) == period
    assert length_of(period) == length


@given(days, lengths)
def test_periods_of_a_length_follow_each_other_without_a_hole(day: date, length: Length) -> None:
    """Every day lies in one of them, and the next one begins where it ends."""
    period = period_of(day, length)
    assert day in period
    following = period_of(period.last + timedelta(days=1), length)
    assert following.start == period.end
    assert day not in following


def test_an_evening_of_utc_is_the_next_day_in_paris() -> None:
    """Midnight is that of Paris, in summer and in winter."""
    assert day_of(datetime(2026, 3, 31, 22, 0, tzinfo=UTC)) == date(2026, 4, 1)
    assert day_of(datetime(2026, 1, 31, 22, 0, tzinfo=UTC)) == date(2026, 1, 31)


@pytest.mark.parametrize("text", ["2026-T1", "2026-03", "2026-03-31", "2026"])
def test_the_last_of_march_lies_in_the_first_quarter(text: str) -> None:
    """The quarter is written as contributions write it."""
    assert date(2026, 3, 31) in parse(text)
    assert date(2026, 4, 1) not in parse("2026-T1")


@pytest.mark.parametrize("text", ["", "2026-T5", "2026-13", "2026-02-30", "march", "2026-3", "2026-Q1"])
def test_what_names_no_period_is_told(text: str) -> None:
    """The message repeats what was written."""
    with pytest.raises(PeriodError, match=r"is (no period|not in the calendar)"):
        parse(text)


@given(days, st.integers(1, 999))
def test_a_window_ends_with_its_day_and_has_so_many(day: date, count: int) -> None:
    """It is no period of the calendar, unless it is one day."""
    window = last_days(count, day)
    assert window.last == day
    assert (window.end - window.start).days in (count - 1, count), "a day of the time change has 23 hours"
    assert (window.last - window.first).days + 1 == count
    assert length_of(window) is None
