"""docker-compose.yml as processes of this machine: every service's own command and settings, without Docker.

What Docker would do is done here: `kafka` becomes the real Apache Kafka with the settings of the file, host
names and published ports become ports of this machine, volumes become folders.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from l233.local_kafka import config, jars
from l233.local_kafka.cluster import java
from l233.local_kafka.probe import brokers_known, free_ports
from tests.contract.compose import Service, services

PROGRAMS = Path(sys.executable).parent
RUN_FOLDER = "/run/l233"
"""Where a container keeps what is for its own time only."""
POLL_SECONDS = 0.1
_ADDRESS = re.compile(r"(kafka|127\.0\.0\.1|(?<=//)):(9092|19092|9093)\b")


def until(happened: Callable[[], bool], seconds: float, failed: Callable[[], str]) -> None:
    """Wait until `happened`, at most so long; then fail with what `failed` tells."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, failed()
        time.sleep(POLL_SECONDS)


@dataclass
class Container:
    """A service that runs as a process."""

    service: Service
    process: subprocess.Popen[bytes]
    run: Path
    """What it keeps for its own time only."""
    _asked: float = 0.0

    @property
    def output(self) -> Path:
        """Where goes what it prints."""
        return self.run / "output"

    def said(self) -> str:
        """Return what it printed, for a failure to show."""
        return f"{self.service.name}:\n{self.output.read_text(encoding='utf-8', errors='replace')[-4_000:]}"

    def log(self) -> list[dict[str, Any]]:
        """Return what it has logged so far, every line of it JSON; fails when it has ended."""
        assert self.process.poll() is None, self.said()
        lines = self.output.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def logged(self, event: str) -> bool:
        """Tell whether it logged an event."""
        return any(line.get("event") == event for line in self.log())

    def lanes(self) -> list[int]:
        """Return the numbers of the lanes that it was last given."""
        given = [line["lanes"] for line in self.log() if line.get("event") == "lanes_assigned"]
        return given[-1] if given else []

    def is_healthy(self) -> bool:
        """Ask the service's own health check, as Docker does now and then."""
        line = self.service.healthcheck.replace(RUN_FOLDER, str(self.run))
        return subprocess.run(["sh", "-c", line], capture_output=True, check=False).returncode == 0

    def ask_to_stop(self) -> None:
        """Send it TERM, as `docker stop` does first."""
        self.process.terminate()
        self._asked = time.monotonic()

    def exit_code(self) -> int:
        """Return how it ended, within its grace period after it was asked; Docker would kill it then."""
        left = self._asked + self.service.stop_grace_period - time.monotonic()
        try:
            return self.process.wait(max(left, 0.1))
        except subprocess.TimeoutExpired:
            raise AssertionError(self.said()) from None


@dataclass
class Composed:
    """The services of the file on ports and in folders of this test's own."""

    folder: Path
    ports: tuple[int, ...] = field(default_factory=lambda: free_ports(3))
    stack: ExitStack = field(default_factory=ExitStack)
    other_settings: Mapping[str, str] = field(default_factory=dict)
    """What an override file would add to the environment of our services."""

    @property
    def from_the_host(self) -> str:
        """Where a program of the host reaches Kafka."""
        return f"{config.HOST}:{self.ports[1]}"

    def here(self, text: str) -> str:
        """Return a setting with addresses as they are on this machine."""
        inside, outside, controller = self.ports
        port = {"9092": inside, "19092": outside, "9093": controller}

        def place(match: re.Match[str]) -> str:
            # 127.0.0.1:9092 is the published port, behind which the container listens on 19092.
            found = outside if match[1] == config.HOST else port[match[2]]
            return f"{config.HOST}:{found}"

        return _ADDRESS.sub(place, text)

    def environment(self, service: Service) -> dict[str, str]:
        """Return the settings of a service of ours: the file's and `other_settings`, none of this process."""
        state = self.folder / service.name
        state.mkdir(exist_ok=True)
        settings = {name: self.here(value) for name, value in service.environment.items()}
        return {**settings, **self.other_settings, "L233_STATE_DIR": str(state), "PATH": str(PROGRAMS)}

    def run(self, service: Service) -> subprocess.CompletedProcess[str]:
        """Run a one-shot service to its end."""
        return subprocess.run(
            self._command(service),
            env=self.environment(service),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, service: Service) -> Container:
        """Start a service that stays; two of them share its volume, and so the folder of its state."""
        return self._start(service, self._command(service), self.environment(service))

    def start_kafka(self) -> Container:
        """Start the broker with the file's own settings, on the jars of `l233 kafka`, and wait for it."""
        kafka = self.launch_kafka({})
        until(lambda: brokers_known(self.ports[0]) == 1, 60, kafka.said)
        return kafka

    def launch_kafka(self, other_settings: Mapping[str, str], *format_options: str) -> Container:
        """Start the broker with other settings over the file's own; it answers when it is ready."""
        service = services()["kafka"]
        node = config.Node(1, self.ports[0], self.ports[2], self.folder / "kafka")
        node.folder.mkdir()
        settings = self._properties(service.environment) | {"log.dirs": str(node.data), **other_settings}
        text = "".join(f"{name}={value}\n" for name, value in settings.items())
        node.properties_file.write_text(text, encoding="utf-8")
        node.logging_file.write_text(config.logging(node), encoding="utf-8")
        paths = jars.fetch()
        cluster_id = service.environment["CLUSTER_ID"]
        prepare = [*config.format_command(node, java(), paths, cluster_id), *format_options]
        subprocess.run(prepare, capture_output=True, check=True)
        return self._start(service, config.run_command(node, java(), paths), {})

    def _properties(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the broker's settings as the image makes them of its variables: KAFKA_A_B is a.b."""
        return {
            name.removeprefix("KAFKA_").lower().replace("_", "."): self.here(value)
            for name, value in environment.items()
            if name.startswith("KAFKA_")
        }

    def _command(self, service: Service) -> list[str]:
        return [str(PROGRAMS / service.command[0]), *service.command[1:]]

    def _start(self, service: Service, command: list[str], environment: Mapping[str, str]) -> Container:
        run = self.folder / f"container-{len(list(self.folder.glob('container-*')))}"
        run.mkdir()
        output = run / "output"
        with output.open("wb") as console:
            process = subprocess.Popen(
                [word.replace(RUN_FOLDER, str(run)) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=self.folder,
            )
        self.stack.callback(_end, process)
        return Container(service, process, run)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


@contextmanager
def composed(folder: Path) -> Iterator[Composed]:
    """Give the file's services to a test; whatever still runs at its end is ended."""
    found = Composed(folder)
    with found.stack:
        yield found
