"""What every kind of test may ask for. Nothing starts unless a test asks for it."""

from collections.abc import Iterator

import pytest

from l233.local_kafka import LocalKafka, temporary


@pytest.fixture(scope="session")
def local_kafka() -> Iterator[LocalKafka]:
    """One real broker for the whole session, on a free port, with no topic; gone at the end."""
    with temporary() as kafka:
        yield kafka


@pytest.fixture(scope="session")
def bootstrap(local_kafka: LocalKafka) -> str:
    """Where clients connect to that broker."""
    return local_kafka.bootstrap
