"""What every role is told of its topics."""

from agents.roles import NAMES, load_world, roles
from streaming.topics import Registry


def test_a_role_knows_how_much_each_of_its_topics_takes() -> None:
    """Else intake would try for ever to put a record back that is a header too large for the input."""
    registry = Registry.load()
    for role in roles(NAMES, load_world(registry)):
        for topic in registry.roles[role.name].all:
            assert role.takes[topic] == registry.topics[topic].max_message_bytes
