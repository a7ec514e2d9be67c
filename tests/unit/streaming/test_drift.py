"""How a cluster differs from the registry."""

from dataclasses import replace

import pytest

from streaming.drift import Difference, Found, compare, configs
from streaming.topics import Registry

REGISTRY = Registry.load()


def as_wanted(replication: int = 1) -> dict[str, Found]:
    """Return a cluster that has every topic as the registry says, the way Kafka tells it."""
    return {
        name: Found(
            partitions=topic.partitions,
            replication=replication,
            configs=configs(topic, replication) | {"segment.jitter.ms": "0"},
            overridden=frozenset(configs(topic, replication)),
        )
        for name, topic in REGISTRY.topics.items()
    }


def only(found: dict[str, Found], replication: int | None = None) -> Difference:
    """Return the one difference that there is."""
    (difference,) = compare(REGISTRY, found, replication)
    return difference


@pytest.mark.parametrize("replication", [1, 3])
def test_a_cluster_as_wanted_has_no_difference(replication: int) -> None:
    assert compare(REGISTRY, as_wanted(replication), replication) == ()


def test_an_empty_cluster_misses_every_topic() -> None:
    found = compare(REGISTRY, {})
    assert [one.topic for one in found] == list(REGISTRY.topics)
    assert {one.kind for one in found} == {"missing"}


def test_another_number_of_partitions_is_told_with_both_numbers() -> None:
    found = as_wanted()
    found["l233.events"] = replace(found["l233.events"], partitions=6)
    difference = only(found)
    assert (difference.kind, difference.topic, difference.setting) == ("drift", "l233.events", "partitions")
    assert (difference.wanted, difference.found) == ("4", "6")


@pytest.mark.parametrize("topic", list(REGISTRY.topics))
def test_every_setting_of_every_topic_is_compared(topic: str) -> None:
    """A setting that is created but never compared could drift for years unseen."""
    for setting in as_wanted()[topic].configs:
        if setting == "segment.jitter.ms":
            continue
        found = as_wanted()
        changed = {**found[topic].configs, setting: "17"}
        found[topic] = replace(found[topic], configs=changed)
        difference = only(found)
        assert (difference.topic, difference.setting, difference.found) == (topic, setting, "17")
        assert f"--add-config {setting}={difference.wanted}" in difference.remedy


def test_a_setting_that_somebody_added_is_told() -> None:
    """`retention.bytes` on the changelog, say, would delete state that nobody expects to be deleted."""
    found = as_wanted()
    topic = found["l233.state.intake"]
    found["l233.state.intake"] = replace(
        topic,
        configs={**topic.configs, "flush.messages": "1"},
        overridden=topic.overridden | {"flush.messages"},
    )
    difference = only(found)
    assert (difference.setting, difference.found) == ("flush.messages", "1")
    assert "--delete-config flush.messages" in difference.remedy


def test_copies_are_judged_only_when_asked() -> None:
    """With three brokers of which one is down, nothing has drifted."""
    assert compare(REGISTRY, as_wanted(1), None) == ()
    told = compare(REGISTRY, as_wanted(1), 3)
    assert {one.setting for one in told} == {"replication"}


def test_three_copies_are_written_to_two_at_least() -> None:
    """A write that one broker alone has is lost with it."""
    topic = REGISTRY.topics["l233.events"]
    assert configs(topic, 3)["min.insync.replicas"] == "2"
    assert configs(topic, 1)["min.insync.replicas"] == "1"


def test_numbers_are_compared_as_numbers() -> None:
    """Kafka tells 0.2 as it pleases."""
    found = as_wanted()
    topic = found["l233.cases"]
    found["l233.cases"] = replace(topic, configs={**topic.configs, "min.cleanable.dirty.ratio": "0.20"})
    assert compare(REGISTRY, found) == ()
