"""What an outage of an organism does to its clocks: they stand still."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.outages import Outage, Outages, moved_due

HOUR = 3_600_000
DAY = 24 * HOUR
PARIS = ZoneInfo("Europe/Paris")
INSTANTS = st.integers(0, 400)


@pytest.mark.parametrize(
    ("outages", "stood"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([(20, 30)], 10, id="while the clock runs"),
        pytest.param([(0, 30)], 20, id="from before the clock started: only what it runs through"),
        pytest.param([(95, 120)], 25, id="over the deadline: all of it, the clock stands"),
        pytest.param([(100, 120)], 0, id="from the deadline on: too late to count"),
        pytest.param([(20, 30), (25, 40)], 20, id="overlapping ones count once"),
        pytest.param([(20, 30), (22, 28)], 10, id="one within another"),
        pytest.param([(20, 40), (110, 115)], 25, id="one in the time that another has added"),
        pytest.param([(50, None)], 30, id="going on: until now"),
        pytest.param([(150, 160)], 0, id="after all"),
    ],
)
def test_a_clock_stands_still_while_its_organism_is_out_of_order(
    outages: list[tuple[int, int | None]], stood: int
) -> None:
    """The clock runs from 10 to 100; it is 80 now."""
    table = Outages.of(Outage("cpam:311", starts, ends) for starts, ends in outages)
    assert table.standstill("cpam:311", 10, 100, 80) == stood
    assert table.standstill("cpam:831", 10, 100, 80) == 0


@given(st.lists(st.tuples(INSTANTS, INSTANTS).map(sorted), max_size=6), INSTANTS, INSTANTS)
def test_standing_still_leaves_as_much_time_to_work_as_there_was(
    outages: list[list[int]], start: int, length: int
) -> None:
    """The oracle counts, instant by instant, those in which the organism could work."""
    table = Outages.of(Outage("cpam:311", starts, ends) for starts, ends in outages if starts < ends)
    moved = start + length + table.standstill("cpam:311", start, start + length, 0)
    worked, instant = 0, start
    while worked < length:
        worked += not any(starts <= instant < ends for starts, ends in outages)
        instant += 1
    assert moved == instant or length == 0


@pytest.mark.parametrize(
    ("by_ms", "holidays", "due"),
    [
        pytest.param(0, None, "2026-04-02T23:59:59+02:00", id="not moved"),
        pytest.param(1_000, None, "2026-04-03T23:59:59+02:00", id="a second: the next day"),
        pytest.param(DAY, None, "2026-04-03T23:59:59+02:00", id="a day: Good Friday is worked"),
        pytest.param(DAY, "57", "2026-04-07T23:59:59+02:00", id="not in Moselle, nor is Easter Monday"),
        pytest.param(2 * DAY, None, "2026-04-07T23:59:59+02:00", id="a Saturday: the Tuesday after Easter"),
    ],
)
def test_a_moved_deadline_ends_with_a_working_day(by_ms: int, holidays: str | None, due: str) -> None:
    """As every deadline does; Thursday 2 April 2026 is the last before Easter."""
    assert moved_due("2026-04-02T23:59:59+02:00", by_ms, PARIS, holidays) == due
