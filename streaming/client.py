"""How every Kafka client of a worker connects, and the limits that delivery keeps to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streaming.archive import Archive
from streaming.clock import WALL, Clock
from streaming.veil import NO_VEIL, Veil


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of delivery. Times in seconds, sizes in bytes."""

    slice_records: int = 2000
    """Records worked in one transaction; what arrives meanwhile is gathered into the next."""
    slice_bytes: int = 4 * 1024 * 1024
    """Bytes worked in one transaction."""
    fetch_bytes: int = 256 * 1024
    """What is worth a fetch before a busy role has gathered."""
    tell_interval: float = 1.0
    """How often a lane tells its group where it is, for tools that show lag; no lane starts from there."""
    lane_bytes: int = 16 * 1024 * 1024
    """Bytes that may wait in one lane before its partitions are paused."""
    output_bytes: int = 4 * 1024 * 1024 - 1024
    """The largest single output; every topic we write takes this much (`max.message.bytes`)."""
    unexpected_in_a_row: int = 50
    """Failures of the handler in a row after which the worker stops."""
    failures_in_a_row: int = 20
    """Failed openings or transactions of one lane in a row after which the worker stops."""
    transaction_timeout: float = 60.0
    close_timeout: float = 8.0
    """How long a lane may take to finish its transaction when it closes."""
    stop_timeout: float = 20.0
    """How long a worker may take to stop; then it exits as it is, and nothing is committed."""
    progress_timeout: float = 120.0
    """How long records may wait without the lane moving before the worker exits to be restarted."""
    session_timeout: float = 10.0
    request_timeout: float = 40.0
    """How long Kafka may take over one request of a transaction before the lane opens anew."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where Kafka is, how to reach it, and where this worker keeps its state."""

    bootstrap: str
    state: Path
    security: Mapping[str, object] = field(default_factory=dict)
    """Keyword arguments that every aiokafka client takes (protocol, SASL, TLS)."""
    limits: Limits = field(default_factory=Limits)
    clock: Clock = WALL
    """By which timers fire. Delivery's own bounds keep to the wall clock."""
    veil: Veil = NO_VEIL
    """What stands between what is personal and whatever is written."""
    archive: Archive | None = None
    """Where input records are that were taken out of Kafka before their time."""

    def client(self) -> dict[str, object]:
        """Return the keyword arguments common to every aiokafka client."""
        return {"bootstrap_servers": self.bootstrap, **self.security}
