"""The data that decisions are made from, as a command reads it: scheme versions, organisms, topics.

Without Kafka and Faust, so that what works offline starts at once.
"""

import scheme
from agents.world import World
from coordination.directory import Directory, parse_directory
from coordination.scheme_file import read_rulebook
from l233.errors import BadInput
from l233.settings import Settings
from streaming.topics import Registry, TopicsError


def world(settings: Settings) -> World:
    """Return what intake knows when it starts. Raises BadInput for a registry that can't be used."""
    try:
        registry = Registry.load(settings.topics_file)
    except TopicsError as error:
        raise BadInput(str(error)) from error
    known = directory()
    return World(read_rulebook(scheme.versions(), known), known, registry)


def directory() -> Directory:
    """Return the shipped organisms and territories."""
    return parse_directory(scheme.organisms(), scheme.territories())
