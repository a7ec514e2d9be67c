"""Decides which sources may send which types: the list of `topics.yaml`, as shipped anything from anybody."""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

AllowedSources = Mapping[str, Sequence[str]]
"""Pattern of a CloudEvents type -> patterns of the sources that may send it (`*` and `?` as in file names).

The first pattern that fits the type decides; a type that no pattern fits is closed. An empty list is open.
"""


def gate(allowed: AllowedSources) -> Callable[[str, str], bool]:
    """Return the function (type, source) -> may it be sent."""
    rules = [(pattern, tuple(sources)) for pattern, sources in allowed.items()]

    @lru_cache(maxsize=8_192)
    def may_send(type_: str, source: str) -> bool:
        for pattern, sources in rules:
            if fnmatchcase(type_, pattern):
                return any(fnmatchcase(source, known) for known in sources)
        return not rules

    return may_send
