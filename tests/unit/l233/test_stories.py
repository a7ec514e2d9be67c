"""The stories of the demonstration, rehearsed: all that an agent can say is said, nothing is refused."""

from l233 import settings as configuration
from l233.day.stories import stories
from l233.months import TYPES, cases, prepare
from schemas.emitted import EMITTED
from schemas.envelope import unpack_structured
from schemas.follow_ups import FOLLOW_UPS
from schemas.validation import Event, validate

MONTHS = prepare(configuration.load())


def test_every_event_keeps_its_contract_and_happens_in_its_order() -> None:
    for story in stories():
        events = [validate(unpack_structured(line)) for line in story.lines]
        times = [event.time for event in events if isinstance(event, Event)]
        assert len(times) == len(story.lines), [one for one in events if not isinstance(one, Event)]
        assert times == sorted(times)
        assert events[0].name == "activity.registered"  # type: ignore[union-attr]  # as just seen


def test_everything_that_agents_say_and_that_follows_a_case_happens_in_them() -> None:
    """Except what only quality says, at the end of a period."""
    said = {topic_and_id[0] for step in MONTHS.steps for topic_and_id in step.witnesses}
    assert "l233.dead-letters" not in said
    assert set(FOLLOW_UPS) <= set(MONTHS.names)
    assert {*MONTHS.names, *EMITTED} <= set(TYPES)


def test_the_cases_that_are_told_exist() -> None:
    known = {key.decode().partition("/")[2] for step in MONTHS.steps for key in step.cases}
    for story in stories():
        assert set(cases(story)) <= known
