"""What every kind of test may ask for. Nothing starts unless a test asks for it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from l233.local_kafka import LocalKafka, temporary

# A developer's own settings are not the tests'.
for _name in [name for name in os.environ if name.startswith("L233_")]:
    del os.environ[_name]
# On a Kafka that many tests share most workers seal nothing: those that look at sealing set their own bound.
os.environ["L233_UNSEALED_SECONDS"] = "0"


_FIRST = ("faults", "broker")
"""Folders of the longest modules."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest modules: the short ones fill what is left, and none runs alone at the end."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    folder = Path(item.path).parent.name
    return _FIRST.index(folder) if folder in _FIRST else len(_FIRST)


@pytest.fixture(scope="session")
def local_kafka() -> Iterator[LocalKafka]:
    """One real broker for the whole session, on a free port, with no topic; gone at the end."""
    with temporary() as kafka:
        yield kafka


@pytest.fixture(scope="session")
def bootstrap(local_kafka: LocalKafka) -> str:
    """Where clients connect to that broker."""
    return local_kafka.bootstrap
