"""Asks whoever listens on a port whether it is Kafka, and how many brokers it knows."""

import contextlib
import secrets
import socket
import struct
from collections.abc import Iterable

from l233.local_kafka.config import HOST

METADATA = 3
VERSION = 1  # the oldest that Kafka 4 answers and that can ask for no topic at all


def brokers_known(port: int, timeout: float = 2.0) -> int | None:
    """Return how many brokers the one on `port` knows to be alive; None when none answers as Kafka does."""
    correlation = secrets.randbelow(2**31)
    no_client_id, no_topics = -1, 0
    request = struct.pack(">hhihi", METADATA, VERSION, correlation, no_client_id, no_topics)
    try:
        with socket.create_connection((HOST, port), timeout=timeout) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            size, answered, brokers = struct.unpack(">iii", _read(connection, 12))
    except (OSError, EOFError):
        return None
    return brokers if answered == correlation and size >= 8 and brokers >= 0 else None


def _read(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        more = connection.recv(size - len(content))
        if not more:
            raise EOFError
        content += more
    return content


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` of this machine now."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier one that linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> tuple[int, ...]:
    """Return so many free ports, below those that systems hand out for outgoing connections."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for port in _candidates():
            taken = held.enter_context(socket.socket())
            try:
                taken.bind((HOST, port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                break
    return tuple(found)


def _candidates() -> Iterable[int]:
    lowest, highest = 15000, 30000
    while True:
        yield lowest + secrets.randbelow(highest - lowest)
