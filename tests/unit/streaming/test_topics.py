"""The registry of topics: what is refused, and in which words."""

import re
from typing import Any

import pytest
import yaml

from streaming.topics import Registry, TopicsError


def shipped() -> dict[str, Any]:
    """Return the shipped registry as plain data, to be broken by a test."""
    data: dict[str, Any] = Registry.load().model_dump(mode="json", exclude_none=True)
    return data


def refusal_of(content: object) -> str:
    """Return the words in which a registry is refused."""
    with pytest.raises(TopicsError) as refused:
        Registry.parse(yaml.safe_dump(content))
    return str(refused.value)


def test_what_is_read_is_what_was_written() -> None:
    """A registry survives being written as YAML again."""
    assert Registry.parse(yaml.safe_dump(shipped(), sort_keys=False)) == Registry.load()


def test_uneven_partitions_are_refused_by_name_and_number() -> None:
    """A worker's events on one lane and his acknowledgements on another can never be."""
    content = shipped()
    content["topics"]["l233.decisions"]["partitions"] = 8
    said = refusal_of(content)
    assert "l233.decisions has 8 partitions and l233.events 4" in said


def test_more_partitions_everywhere_are_taken() -> None:
    """The number is a deployment's choice, as long as it is one number."""
    content = shipped()
    for topic in content["topics"].values():
        topic["partitions"] = 12
    assert Registry.parse(yaml.safe_dump(content)).partitions == 12


def test_a_topic_that_is_not_partitioned_by_worker_may_have_any_number() -> None:
    content = shipped()
    content["topics"]["l233.holidays"] = content["topics"]["l233.cases"] | {
        "partitions": 1,
        "partitioned_by": "nothing",
    }
    assert Registry.parse(yaml.safe_dump(content)).topics["l233.holidays"].partitions == 1


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("roles", "cpam", "inputs"), ["l233.inbox.nobody"], "role cpam uses l233.inbox.nobody"),
        (
            ("roles", "cpam", "inputs"),
            ["l233.inbox.urssaf"],
            "cpam reads l233.inbox.urssaf, which does not name",
        ),
        (("roles", "cpam", "outputs"), ["l233.receipts"], "cpam writes l233.receipts, which does not name"),
        (("roles", "cpam", "state"), "l233.cases", "l233.cases, the state of role cpam, must be compacted"),
        (("roles", "cpam", "inputs"), [], "roles / cpam / inputs"),
        (("roles", "cpam", "follows"), ["l233.nothing"], "role cpam uses l233.nothing"),
        (("roles", "cpam", "follows"), ["l233.cases"], "reads l233.cases, which does not name it"),
        (("topics", "l233.scheme", "partitioned_by"), "worker", "l233.scheme has 1 partitions"),
        (("topics", "l233.scheme", "consumers"), ["audit"], "reads l233.scheme, which does not name it"),
        (
            ("topics", "l233.dead-letters", "max_message_bytes"),
            2_000_000,
            "l233.dead-letters takes 2000000 bytes",
        ),
        (("topics", "l233.events", "cleanup"), "compact", "retention_days goes with cleanup: delete"),
        (("topics", "l233.cases", "cleanup"), "delete", "retention_days goes with cleanup: delete"),
        (("topics", "l233.receipts", "contracts"), [], "names no contract"),
        (("topics", "l233.receipts", "retention_days"), "90", "topics / l233.receipts / retention_days"),
        (("topics", "l233.receipts", "retentoin"), 90, "topics / l233.receipts / retentoin"),
        (("allowed_sources", "fr.l233.*"), [], "allowed_sources / fr.l233.*"),
    ],
)
def test_what_contradicts_itself_is_refused_and_says_where(
    path: tuple[str, ...], value: object, said: str
) -> None:
    """Every mistake in topics.yaml is told by its place before anything connects to a cluster."""
    content = shipped()
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert said in refusal_of(content)


def test_a_registry_without_its_input_is_refused() -> None:
    content = shipped()
    del content["topics"]["l233.events"]
    assert re.search(r"l233\.events.*not among the topics", refusal_of(content))


def test_a_topic_that_stands_twice_is_refused() -> None:
    """YAML would take the last one and say nothing."""
    text = yaml.safe_dump(shipped()).replace("  l233.receipts:", "  l233.cases:")
    with pytest.raises(TopicsError, match=r"'l233\.cases' stands here twice"):
        Registry.parse(text)


@pytest.mark.parametrize("text", ["", "- a list", "topics: [", "topics: &a {b: *a}", "\t"])
def test_what_is_no_registry_is_refused(text: str) -> None:
    """Whatever the text, the answer is one error of ours."""
    with pytest.raises(TopicsError):
        Registry.parse(text)


def test_the_order_of_allowed_sources_is_kept() -> None:
    """The first pattern that fits decides, so order is meaning."""
    content = shipped() | {"allowed_sources": {"fr.l233.z*": ["a"], "fr.l233.*": ["b"], "*": ["c"]}}
    registry = Registry.parse(yaml.safe_dump(content, sort_keys=False))
    assert list(registry.allowed_sources) == ["fr.l233.z*", "fr.l233.*", "*"]
