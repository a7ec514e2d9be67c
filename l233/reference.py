"""The data that decisions are made from, as a command reads it: scheme versions, organisms, topics.

Without Kafka and Faust, so that what works offline starts at once.
"""

import scheme
from agents.following import shipped_schemes
from agents.world import World
from coordination.directory import Directory, parse_directory
from coordination.rulebook import Rulebook
from coordination.scheme_file import SchemeError
from l233.errors import BadInput
from l233.scheme_files import refused
from l233.settings import Settings
from l233.trust import trusted
from streaming.topics import Registry, TopicsError


def world(settings: Settings) -> World:
    """Return what intake knows when it starts, before it reads what was published.

    In production the shipped example is not among it, so there may be no version of the scheme. Raises
    BadInput for a registry or keys that can't be used, L233Error for a shipped version that was altered.
    """
    try:
        registry = Registry.load(settings.topics_file)
    except TopicsError as error:
        raise BadInput(str(error)) from error
    known = directory()
    try:
        return World(Rulebook(shipped_schemes(known, trusted(settings))), known, registry)
    except SchemeError as error:
        raise refused(error) from error


def deciding_world(settings: Settings) -> World:
    """Return the same for a command that decides without Kafka. Raises BadInput besides when it can't."""
    found = world(settings)
    if not found.rulebook.schemes:
        raise BadInput(
            "production refuses the shipped scheme, which is an example: unset L233_PRODUCTION to try it out"
        )
    return found


def directory() -> Directory:
    """Return the shipped organisms and territories."""
    return parse_directory(scheme.organisms(), scheme.territories())
