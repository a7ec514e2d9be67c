"""Where it flows: the registry of topics and roles, read from `topics.yaml` and checked as a whole.

A lane owns one partition number of all the topics of its role, so every topic that is partitioned by worker
has the same number of partitions; a registry in which one has not is refused.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.topics import DEAD_LETTERS, INPUT

DAY_MS = 24 * 60 * 60 * 1000

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,199}$")]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Who = Annotated[tuple[str, ...], Field(min_length=1)]
Days = Annotated[int, Field(ge=1)]


class TopicsError(Exception):
    """The registry can't be read, or contradicts itself; the message says where."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Topic(_Strict):
    """One topic: who writes and reads what, how long it stays, and what it may hold of a person."""

    about: str
    owner: str
    """The role that answers for it."""
    producers: Who
    consumers: Who
    contracts: tuple[str, ...]
    """CloudEvents types that flow here; empty for a role's own state."""
    key: Literal["worker", "case", "state", "measure", "log", "version", "organism"]
    """What a record's key is: the worker's reference, a case's id, a key of the role's own, what is measured
    by which lane, a sealed log; where workers follow a topic, a version of the scheme or an organism."""
    partitioned_by: Literal["worker", "nothing"]
    """By worker: on the partition that murmur2 of the worker's reference gives, whatever the key."""
    partitions: Annotated[int, Field(ge=1, le=1000)]
    cleanup: Literal["delete", "compact"]
    retention_days: Days | None = None
    """How long records stay (cleanup by deletion)."""
    delete_retention_days: Days | None = None
    """How long a deletion can still be read (compaction)."""
    max_message_bytes: Annotated[int, Field(ge=1024)]
    timestamps: Literal["CreateTime", "LogAppendTime"] = "CreateTime"
    data_class: Literal["health", "personal", "none"]
    """The most sensitive that may flow: data concerning health (GDPR art. 9), personal data, or neither."""

    @model_validator(mode="after")
    def _cleanup_says_how_long(self) -> Self:
        if (self.cleanup == "delete") != (self.retention_days is not None):
            raise ValueError("retention_days goes with cleanup: delete")
        if (self.cleanup == "compact") != (self.delete_retention_days is not None):
            raise ValueError("delete_retention_days goes with cleanup: compact")
        if not self.contracts and self.key != "state":
            raise ValueError("names no contract: only a role's own state may have none")
        return self

    @property
    def delete_retention_ms(self) -> int:
        """For how many milliseconds a deletion can still be read; 0 where nothing is compacted."""
        return (self.delete_retention_days or 0) * DAY_MS


class RoleTopics(_Strict):
    """What a role reads, where its state is kept, and what it writes."""

    inputs: Names
    state: Name
    outputs: Names
    follows: tuple[Name, ...] = ()
    """Topics that every worker of the role reads in full before its lanes open, and follows from then on."""
    watches: tuple[Name, ...] = ()
    """Topics of which every worker of the role knows the latest records."""

    @property
    def all(self) -> tuple[str, ...]:
        """Every topic of the role, once."""
        return tuple(dict.fromkeys((*self.inputs, self.state, *self.outputs, *self.follows, *self.watches)))


class Registry(_Strict):
    """Every topic and every role."""

    allowed_sources: Mapping[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """Pattern of a type -> patterns of the sources that may send it; the first that fits the type decides."""
    roles: Mapping[str, RoleTopics]
    topics: Mapping[Name, Topic]

    @property
    def partitions(self) -> int:
        """How many partitions every topic has that is partitioned by worker."""
        return self.topics[INPUT].partitions

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        # In this order: each takes for granted what those before it found right.
        for look in (self._missing, self._uneven, self._roles_that_disagree, self._too_small):
            if problems := look():
                raise ValueError("; ".join(problems))
        return self

    def _missing(self) -> list[str]:
        named = {topic: role for role, topics in self.roles.items() for topic in topics.all}
        problems = [
            f"role {role} uses {topic}, which is not among the topics"
            for topic, role in named.items()
            if topic not in self.topics
        ]
        return problems or [f"{name} is missing" for name in (INPUT, DEAD_LETTERS) if name not in self.topics]

    def _uneven(self) -> list[str]:
        return [
            f"{name} has {topic.partitions} partitions and {INPUT} {self.partitions}: all topics partitioned "
            "by worker need the same number, or a worker's records would lie on different lanes"
            for name, topic in self.topics.items()
            if topic.partitioned_by == "worker" and topic.partitions != self.partitions
        ]

    def _roles_that_disagree(self) -> list[str]:
        problems = []
        for role, topics in self.roles.items():
            for name in topics.all:
                topic = self.topics[name]
                if name in topics.outputs and role not in topic.producers:
                    problems.append(f"role {role} writes {name}, which does not name it as producer")
                if name in (*topics.inputs, *topics.follows, *topics.watches) and role not in topic.consumers:
                    problems.append(f"role {role} reads {name}, which does not name it as consumer")
                if name in topics.follows and (topic.cleanup, topic.partitioned_by) != ("compact", "nothing"):
                    problems.append(f"{name}, which role {role} follows, must be compacted and of no worker")
            if (state := self.topics[topics.state]).cleanup != "compact" or state.key != "state":
                problems.append(
                    f"{topics.state}, the state of role {role}, must be compacted and keyed by state"
                )
        return problems

    def _too_small(self) -> list[str]:
        needed = 2 * self.topics[INPUT].max_message_bytes
        found = self.topics[DEAD_LETTERS].max_message_bytes
        if found >= needed:
            return []
        return [f"{DEAD_LETTERS} takes {found} bytes: a dead letter of the largest event needs {needed}"]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a registry, by default the one that came with the program. Raises TopicsError."""
        place = path or _shipped()
        try:
            return cls.parse(place.read_text(encoding="utf-8"))
        except OSError as error:
            raise TopicsError(f"can't read {place}: {error.strerror}") from error
        except TopicsError as error:
            raise TopicsError(f"{place}: {error}") from error

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a registry from the text of its YAML. Raises TopicsError."""
        try:
            content = _parse_yaml(text)
        except yaml.YAMLError as error:
            raise TopicsError(f"is not YAML: {' '.join(str(error).split())}") from error
        try:
            return cls.model_validate(_tuples(content))
        except ValidationError as error:
            told = error.errors(include_url=False, include_input=False)
            raise TopicsError("; ".join(_in_words(e["loc"], e["msg"]) for e in told)) from None


def _shipped() -> Path:
    """Where the registry is: installed beside this module, in a source checkout one folder higher."""
    package = Path(str(files("streaming")))
    installed = package / "topics.yaml"
    return installed if installed.exists() else package.parent / "topics.yaml"


def _parse_yaml(text: str) -> object:
    """Parse YAML, refusing a key that stands twice in one mapping: YAML would silently take the last."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_repeated_keys(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_repeated_keys(node: yaml.Node, above: tuple[yaml.Node, ...] = ()) -> None:
    if node in above:
        raise yaml.constructor.ConstructorError(None, None, "an alias stands inside itself", node.start_mark)
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} stands here twice", key.start_mark
                )
            seen.add(key.value)
            children.append(value)
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    for child in children:
        _refuse_repeated_keys(child, (*above, node))


def _tuples(value: object) -> object:
    """Turn lists into tuples: strict models take nothing else, and values stay frozen."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def _in_words(location: tuple[int | str, ...], message: str) -> str:
    where = " / ".join(map(str, location))
    what = message.removeprefix("Value error, ")
    return f"{where}: {what}" if where else what
