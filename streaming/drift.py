"""Decides how a cluster's topics differ from the registry, setting by setting. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from streaming.topics import DAY_MS, Registry, Topic

SEGMENT_BYTES = 64 * 1024 * 1024
SEGMENT_MS = DAY_MS
"""Compacted topics roll their segments this often: only closed ones are compacted."""


@dataclass(frozen=True, slots=True)
class Found:
    """One topic as a cluster has it."""

    partitions: int
    replication: int
    configs: Mapping[str, str]
    overridden: frozenset[str]
    """The settings that were set for this topic, rather than come from the broker."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that is not what the registry says, and what a person can do about it."""

    kind: Literal["missing", "drift"]
    topic: str
    setting: str
    wanted: str
    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.found}, wanted {self.wanted} ({self.remedy})"


def configs(topic: Topic, replication: int) -> dict[str, str]:
    """Return the settings, in Kafka's names, that a topic is created with."""
    wanted: dict[str, str | int] = {
        "cleanup.policy": topic.cleanup,
        "max.message.bytes": topic.max_message_bytes,
        "message.timestamp.type": topic.timestamps,
        # A write is safe when it stands on two brokers; where there is one, it is all there is.
        "min.insync.replicas": 2 if replication > 2 else 1,
        "unclean.leader.election.enable": "false",
    }
    if topic.cleanup == "delete":
        wanted |= {"retention.ms": (topic.retention_days or 0) * DAY_MS, "retention.bytes": -1}
    else:
        wanted |= {
            "delete.retention.ms": topic.delete_retention_ms,
            "min.cleanable.dirty.ratio": "0.2",
            "segment.bytes": SEGMENT_BYTES,
            "segment.ms": SEGMENT_MS,
        }
    return {name: str(value) for name, value in wanted.items()}


def compare(
    registry: Registry, found: Mapping[str, Found], replication: int | None = None
) -> tuple[Difference, ...]:
    """Return every difference; with `replication` None the number of copies is not judged."""
    differences: list[Difference] = []
    for name, topic in registry.topics.items():
        if name in found:
            differences += _drift(name, topic, found[name], replication)
        else:
            differences.append(_missing(name, topic))
    return tuple(differences)


def _missing(name: str, topic: Topic) -> Difference:
    wanted = f"{topic.partitions} partitions"
    return Difference("missing", name, "topic", wanted, "missing", "`l233 topics apply` creates it")


def _drift(name: str, topic: Topic, found: Found, replication: int | None) -> Sequence[Difference]:
    differences = []
    if found.partitions != topic.partitions:
        remedy = (
            "a worker's records would move to other partitions: put the old number back into topics.yaml, "
            "or move to new topics"
        )
        wanted = str(topic.partitions)
        differences.append(Difference("drift", name, "partitions", wanted, str(found.partitions), remedy))
    if replication is not None and found.replication != replication:
        remedy = "move replicas with Kafka's kafka-reassign-partitions, or ask for what there is"
        differences.append(
            Difference("drift", name, "replication", str(replication), str(found.replication), remedy)
        )
    wanted_configs = configs(topic, found.replication)
    for setting, value in wanted_configs.items():
        has = found.configs.get(setting, "unknown")
        if not _same(has, value):
            remedy = (
                "change topics.yaml, or the topic with Kafka's "
                f"kafka-configs --alter --topic {name} --add-config {setting}={value}"
            )
            differences.append(Difference("drift", name, setting, value, has, remedy))
    for setting in sorted(found.overridden - wanted_configs.keys()):
        remedy = f"remove it with Kafka's kafka-configs --alter --topic {name} --delete-config {setting}"
        has = found.configs[setting]
        differences.append(Difference("drift", name, setting, "the broker's default", has, remedy))
    return differences


def _same(found: str, wanted: str) -> bool:
    try:
        return float(found) == float(wanted)
    except ValueError:
        return found == wanted
