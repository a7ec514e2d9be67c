"""docker-compose.yml and the Dockerfile, as the tests of deployment read them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import yaml

from tests.contract.project import ROOT

COMPOSE_FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Service:
    """One service: what it runs, with which settings, after which others."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    depends_on: Mapping[str, str]
    """Service -> condition."""
    stop_grace_period: float
    """Seconds."""
    definition: Mapping[str, Any]

    @property
    def is_ours(self) -> bool:
        """Whether it runs l233, and not somebody else's image."""
        return self.command[:1] == ("l233",)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that it works, as its command says before its options."""
        if self.command[:2] != ("l233", "worker"):
            return ()
        return tuple(takewhile(lambda word: not word.startswith("-"), self.command[2:]))

    @property
    def healthcheck(self) -> str:
        """The shell line that tells whether it is well, as the container's shell gets it."""
        kind, line = self.definition["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        return str(line).replace("$$", "$")


def compose() -> dict[str, Any]:
    """Return docker-compose.yml, merge keys resolved."""
    content: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return content


def services() -> dict[str, Service]:
    """Return the services by name."""
    return {name: _service(name, definition) for name, definition in compose()["services"].items()}


def _service(name: str, definition: Mapping[str, Any]) -> Service:
    return Service(
        name=name,
        image=definition["image"],
        command=tuple(definition.get("command", ())),
        environment={key: str(value) for key, value in definition.get("environment", {}).items()},
        depends_on={other: how["condition"] for other, how in definition.get("depends_on", {}).items()},
        stop_grace_period=_seconds(definition.get("stop_grace_period", "10s")),
        definition=definition,
    )


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)s", text)
    if found is None:
        raise ValueError(f"a duration in whole seconds was expected, not {text!r}")
    return float(found[1])


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile, its continued lines joined."""

    word: str
    rest: str


def stages() -> list[list[Instruction]]:
    """Return the stages of the Dockerfile, each beginning with its FROM."""
    text = re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"))
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    found: list[list[Instruction]] = []
    for line in filter(str.strip, lines):
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append(Instruction(word, rest.strip()))
    return found


def copied_from_the_project() -> Sequence[str]:
    """Return what the build stage copies out of the project, in order."""
    build = [instruction.rest.split()[:-1] for instruction in stages()[0] if instruction.word == "COPY"]
    return [source for sources in build for source in sources]
