"""The objectives read as they were written, and every mistake in them is told with its line and a way out."""

from decimal import Decimal

import pytest

import scheme
from coordination.quality_objectives import MEASURES, Indicator, ObjectivesError, read_objectives

TEXT = scheme.quality()
_LINES_OF_ONE = 16
SHIPPED = {indicator.id: indicator for indicator in read_objectives("quality.yaml", TEXT)}


def test_the_shipped_ones_tell_what_is_sourced_and_what_is_an_example() -> None:
    """What l233 computes has invented bounds, and says so; what comes from a source names it."""
    measured = [one for one in SHIPPED.values() if one.measure is not None]
    assert {one.measure for one in measured} == set(MEASURES)
    assert {one.status for one in measured} == {"example"}
    assert {one.status for one in SHIPPED.values() if one.measure is None} == {"convention"}
    assert SHIPPED["urssaf-calls-answered"].threshold == Decimal(65)
    assert SHIPPED["urssaf-calls-answered"].target == Decimal(88)
    assert SHIPPED["emergency-aid-delay"].threshold == Decimal(15)
    assert SHIPPED["emergency-aid-delay"].target == Decimal(8)


@pytest.mark.parametrize(
    ("indicator", "value", "state"),
    [
        ("received-in-time", "98", "met"),
        ("received-in-time", "97.99", "between"),
        ("received-in-time", "90", "between"),
        ("received-in-time", "89.99", "missed"),
        ("time-to-report", "14", "met"),
        ("time-to-report", "14.01", "between"),
        ("time-to-report", "20.01", "missed"),
        ("received-in-time", None, "not measurable"),
        ("mediation-delay", "31", "not measurable"),
    ],
)
def test_a_value_is_compared_with_threshold_and_target(indicator: str, value: str | None, state: str) -> None:
    """At the bound it is reached, whichever direction is better; without bounds nothing is compared."""
    known: Indicator = SHIPPED[indicator]
    assert known.state_of(None if value is None else Decimal(value)) == state


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("target: 88", "target: 55", "target", "worse than the threshold where higher is better"),
        ("threshold: 65", "threshold: null", "threshold", "threshold and target go together"),
        ("target: 88", "target: 188", "target", "more than 100 percent"),
        ("threshold: 65", "threshold: -1", "threshold", "greater than or equal to 0"),
        ("target: 88", "target: most", "target", "valid decimal"),
        ("unit: percent", "unit: per cent", "unit", "'percent' or 'days'"),
        ("period: year", "period: week", "period", "'day', 'month', 'quarter' or 'year'"),
        ("public: all", "public: everybody", "public", "'self-employed' or 'all'"),
        ("direction: higher", "direction: up", "direction", "'higher' or 'lower'"),
        ("    status: convention", "    status: sure", "status", "'law', 'convention' or 'example'"),
        ("    source: Urssaf", "    origin: Urssaf", "source", "is missing: add it"),
        ("name: Telephone", "nom: Telephone", "nom", "is not known here"),
        ("id: urssaf-satisfaction", "id: urssaf-calls-answered", "id", "stands twice"),
        ("measure: received-in-time", "measure: reported-in-time", "measure", "has an objective already"),
        ("measure: received-in-time", "measure: in-time", "measure", "'received-in-time'"),
        ("measure: received-in-time", "measure: received-in-time\n    within: 3", "within", "takes no"),
        ("    within: 30\n", "", "within", "needs `within`"),
        (
            "measure: time-to-report\n",
            "measure: time-to-report\n    unit: percent\n",
            "",
            "unit stands twice",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, where: str, message: str) -> None:
    """The line is one of the indicator that the mistake is in, or of the next one that it clashes with."""
    changed = TEXT.replace(old, new, 1)
    assert changed != TEXT
    with pytest.raises(ObjectivesError) as told:
        read_objectives("mine.yaml", changed)
    first = str(told.value).splitlines()[0]
    assert message in str(told.value)
    assert where in str(told.value)
    assert abs(int(first.split(":")[1]) - TEXT[: TEXT.index(old)].count("\n")) <= _LINES_OF_ONE, first


def test_no_yaml_is_told() -> None:
    """A file that is no YAML names its line."""
    with pytest.raises(ObjectivesError, match=r"^mine\.yaml:[12]: "):
        read_objectives("mine.yaml", "indicators: [")
