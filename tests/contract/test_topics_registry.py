"""The shipped registry of topics and the code agree: no orphan, nothing forgotten, nothing too small."""

from collections import Counter

import pytest

import scheme
from agents.roles import LOOKING_ON, NAMES, ORGANISMS
from coordination.directory import parse_directory
from schemas import topics
from schemas.events import type_of
from schemas.inputs import INPUTS
from schemas.registry import BETWEEN, EVERY_TYPE, OUTPUT, RECORDS
from schemas.topics import CHECKPOINTS
from streaming.client import Limits
from streaming.topics import Registry

REGISTRY = Registry.load()
FOLLOWED = {topic for role in REGISTRY.roles.values() for topic in role.follows}
HEALTH = {"fr.l233.sick-leave.received.v1", "fr.l233.maternity.declared.v1"}


def test_every_role_has_its_topics_and_no_other_role_has() -> None:
    assert set(REGISTRY.roles) == set(NAMES)


def test_the_names_that_programs_use_are_those_of_the_registry() -> None:
    """All of them, none other: an agent's inbox and a role's state have the name of who reads them."""
    named = {value for name, value in vars(topics).items() if name.isupper()}
    inboxes = {topics.inbox(organism.agent) for organism in ORGANISMS}
    states = {role.state for role in REGISTRY.roles.values()}
    assert named | inboxes | states == set(REGISTRY.topics)


def test_every_topic_is_used_by_a_role() -> None:
    used = {topic for role in REGISTRY.roles.values() for topic in role.all}
    assert used == set(REGISTRY.topics)


def test_every_topic_is_owned_by_a_role_or_by_who_speaks_to_all_of_them() -> None:
    for name, topic in REGISTRY.topics.items():
        assert (topic.owner in NAMES) == (name not in FOLLOWED), name


def test_producers_and_consumers_that_are_roles_really_write_and_read() -> None:
    """A name in the registry is a right that somebody will grant: none too many."""
    for name, topic in REGISTRY.topics.items():
        for producer in set(topic.producers) & set(NAMES):
            role = REGISTRY.roles[producer]
            assert name in (*role.outputs, role.state), f"{producer} is said to write {name}"
        for consumer in set(topic.consumers) & set(NAMES):
            role = REGISTRY.roles[consumer]
            read = (*role.inputs, role.state, *role.follows, *role.watches)
            assert name in read, f"{consumer} is said to read {name}"


def test_no_two_roles_share_state_or_input() -> None:
    """A lane owns what it reads; two groups of workers on one state would overwrite each other.

    Only quality and audit read over the shoulder of another: they answer nothing.
    """
    states = Counter(role.state for role in REGISTRY.roles.values())
    inputs = Counter(
        topic for name, role in REGISTRY.roles.items() if name not in LOOKING_ON for topic in role.inputs
    )
    assert set((states + inputs).values()) == {1}
    assert REGISTRY.roles["quality"].inputs == REGISTRY.roles["cases"].inputs
    for name, own in {"quality": "l233.quality", "audit": CHECKPOINTS, "witness": CHECKPOINTS}.items():
        assert set(REGISTRY.roles[name].outputs) == {own, "l233.dead-letters"}


def test_the_input_takes_every_event_and_nothing_else() -> None:
    """A new event type without its line in topics.yaml fails here."""
    assert list(REGISTRY.topics["l233.events"].contracts) == [type_of(name) for name in INPUTS]


def test_every_outcome_flows_where_cases_reads() -> None:
    """Whatever is emitted beside acknowledgements: one topic, none forgotten."""
    others = ("fr.l233.acknowledgement.", "fr.l233.scheme.", "fr.l233.quality.")
    every = {contract for contract in OUTPUT if not contract.startswith(others)}
    assert set(REGISTRY.topics["l233.outcomes"].contracts) == every
    assert "l233.outcomes" in REGISTRY.roles["cases"].inputs


def test_every_contract_exists() -> None:
    named = {contract for topic in REGISTRY.topics.values() for contract in topic.contracts}
    assert named <= EVERY_TYPE.keys()


def test_every_record_of_ours_flows_on_one_topic() -> None:
    for contract in RECORDS:
        topics = [name for name, topic in REGISTRY.topics.items() if contract in topic.contracts]
        assert len(topics) == 1, contract


def test_every_acknowledgement_flows_where_cases_reads() -> None:
    every = {contract for contract in OUTPUT if contract.startswith("fr.l233.acknowledgement.")}
    assert set(REGISTRY.topics["l233.acknowledgements"].contracts) == every
    assert "l233.acknowledgements" in REGISTRY.roles["cases"].inputs


def test_every_agent_of_the_directory_has_an_inbox_that_takes_any_event() -> None:
    """The scheme may name any organism for any event; a new agent without an inbox would stop intake."""
    directory = parse_directory(scheme.organisms(), scheme.territories())
    for agent in {organism.agent for organism in directory.organisms.values()}:
        inbox = f"l233.inbox.{agent}"
        assert REGISTRY.roles[agent].inputs == (inbox,)
        assert inbox in REGISTRY.roles["intake"].outputs
        told = REGISTRY.topics[inbox].contracts
        assert told[: len(INPUTS)] == REGISTRY.topics["l233.events"].contracts
        assert set(told[len(INPUTS) :]) == {
            type_of("rights.mismatch"),
            type_of("escalation.raised"),
            *BETWEEN,
        }


def test_organisms_and_cases_reach_every_inbox() -> None:
    """An organism asks another one, a head reminds, an acknowledgement from outside finds its organism."""
    inboxes = {name for name in REGISTRY.topics if name.startswith("l233.inbox.")}
    for role in set(NAMES) - {"intake", *LOOKING_ON}:
        assert inboxes <= set(REGISTRY.roles[role].outputs), role


@pytest.mark.parametrize("name", ["l233.events", "l233.decisions"])
def test_what_a_replay_needs_is_kept_for_400_days(name: str) -> None:
    topic = REGISTRY.topics[name]
    assert topic.cleanup == "delete"
    assert (topic.retention_days or 0) >= 400


def test_the_input_is_stamped_by_the_broker() -> None:
    """First reception is when we took it: a producer's clock must not decide it."""
    assert REGISTRY.topics["l233.events"].timestamps == "LogAppendTime"


def test_what_agents_write_fits_its_topic() -> None:
    """A lane isolates what is larger than its own bound; the topic must take everything below."""
    written = {topic for role in REGISTRY.roles.values() for topic in (*role.outputs, role.state)}
    for name in written - {"l233.events"}:
        assert REGISTRY.topics[name].max_message_bytes >= Limits().output_bytes, name


def test_topics_that_may_tell_of_health_are_classed_so() -> None:
    """GDPR art. 9: whoever grants rights by class must not overlook one."""
    for name, topic in REGISTRY.topics.items():
        if HEALTH & set(topic.contracts):
            assert topic.data_class == "health", name


def test_every_topic_is_keyed_so_that_one_lane_owns_a_worker() -> None:
    others = [topic for name, topic in REGISTRY.topics.items() if name not in FOLLOWED]
    assert {topic.partitioned_by for topic in others} == {"worker"}
    assert {topic.partitions for topic in others} == {REGISTRY.partitions}


def test_every_role_follows_the_scheme() -> None:
    """Each worker judges by the version in force when an event happened."""
    assert all("l233.scheme" in role.follows for role in REGISTRY.roles.values())
    assert {REGISTRY.topics[name].partitions for name in FOLLOWED} == {1}, "read in one order by all"


def test_as_shipped_any_source_may_send_any_type() -> None:
    assert dict(REGISTRY.allowed_sources) == {"*": ("*",)}
