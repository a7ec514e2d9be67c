"""Running something against Kafka from a command: what goes wrong there is told in one line."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from l233.errors import L233Error, NoBroker
from l233.settings import Settings
from streaming.errors import KeyringUnusable, NoKeyring, VeilBroken
from streaming.reading import TopicMissingError

_NO_ANSWER = (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError)
_NOT_ALLOWED = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

T = TypeVar("T")


def run(work: Coroutine[object, object, T], settings: Settings) -> T:
    """Run `work` to its end and return what it returns.

    Raises what `in_one_line` makes of a KafkaError, and L233Error for a topic that is missing, or for what is
    veiled and can't be opened.
    """
    return guarded(lambda: asyncio.run(work), settings)


def guarded(work: Callable[[], T], settings: Settings) -> T:
    """Return what `work` returns; raises what `run` does."""
    try:
        return work()
    except KafkaError as error:
        raise in_one_line(error, settings) from error
    except (TopicMissingError, KeyringUnusable, NoKeyring, VeilBroken) as error:
        raise L233Error(str(error)) from error


def in_one_line(error: KafkaError, settings: Settings) -> L233Error:
    """Return what a person is told when Kafka can't be reached or says no, and what to do next."""
    where = settings.bootstrap
    if isinstance(error, _NO_ANSWER) and settings.security_protocol != "PLAINTEXT":
        # aiokafka tells a password or certificate that is not accepted as an address without Kafka.
        return NoBroker(
            f"no Kafka at {where} takes us by {settings.security_protocol}: check the address, "
            "L233_SASL_USERNAME with its password, and L233_SSL_CA_FILE"
        )
    if isinstance(error, _NO_ANSWER):
        return NoBroker(
            f"no Kafka answers at {where}: start one with `l233 kafka up`, or name yours in L233_BOOTSTRAP"
        )
    if isinstance(error, AuthenticationFailedError):
        return NoBroker(f"{where} does not accept who we are: check L233_SASL_USERNAME and its password")
    if isinstance(error, UnknownTopicOrPartitionError):
        return L233Error(f"a topic is missing at {where} ({error}): `l233 topics apply` makes it")
    if isinstance(error, _NOT_ALLOWED):
        return L233Error(f"{where} does not allow this ({error}): ask for the rights")
    return L233Error(f"Kafka at {where} answers {error}: look at the broker's log")
