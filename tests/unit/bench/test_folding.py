"""The measurement of cases gives them what the organisms say."""

from bench.folding import measure, messages


def test_every_event_brings_its_decision_and_the_answers_of_its_recipients() -> None:
    """Several messages an event, all of them folded."""
    found = messages(16)
    decisions = [message for message in found if message.topic == "l233.decisions"]
    assert len(decisions) == 16
    assert len(found) > 5 * len(decisions)
    assert measure(found) > 0
