"""The folder of a local cluster: what made it, what runs in it, and one command at a time working on it.

cluster.json     what made the data: Kafka's version, the cluster's id, how many brokers
run.json         which processes run it, on which ports (absent: none)
node-<n>/        one broker: configuration, logs, data
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from l233.errors import NoBroker
from l233.local_kafka.jars import KAFKA_VERSION
from l233.processes import Started


@dataclass(frozen=True, slots=True)
class Made:
    """What made the data in a folder."""

    kafka: str
    cluster_id: str
    brokers: int


@dataclass(frozen=True, slots=True)
class Running:
    """One broker as it was started: number, ports, process."""

    number: int
    port: int
    controller_port: int
    process: Started


class Folder:
    """Reads and writes what is known of the cluster in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made = path / "cluster.json"
        self._run = path / "run.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against other commands. Raises NoBroker when another one holds it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NoBroker(f"another command works on {self.path}: try again when it has ended") from None
            yield

    def made(self) -> Made | None:
        """Return what made the data here, None for a new folder. Raises NoBroker when that can't be told."""
        try:
            made = Made(**json.loads(self._made.read_text(encoding="utf-8")))
        except FileNotFoundError:
            if any(self.path.glob("node-*/data/*")):
                raise self._stale("holds data of an unknown cluster") from None
            return None
        except (ValueError, TypeError):
            raise self._stale("has a cluster.json that can't be read") from None
        for properties in self.path.glob("node-*/data/meta.properties"):
            if f"cluster.id={made.cluster_id}" not in properties.read_text(encoding="utf-8").splitlines():
                raise self._stale(f"holds data of another cluster ({properties})")
        return made

    def check(self, made: Made, brokers: int) -> None:
        """Refuse data that this Kafka, with so many brokers, did not make."""
        if made.kafka != KAFKA_VERSION:
            raise self._stale(f"was made by Kafka {made.kafka}, this is {KAFKA_VERSION}")
        if made.brokers != brokers:
            raise NoBroker(
                f"{self.path} holds a cluster of {made.brokers}: start it with --brokers {made.brokers}, or "
                "remove it and its records with `l233 kafka down --wipe`"
            )

    def write_made(self, made: Made) -> None:
        """Note what makes the data from now on."""
        self._write(self._made, asdict(made))

    def running(self) -> tuple[Running, ...]:
        """Return the brokers that were started and not stopped by us; they may have died since."""
        try:
            entries = json.loads(self._run.read_text(encoding="utf-8"))
            return tuple(
                Running(e["number"], e["port"], e["controller_port"], Started(**e["process"]))
                for e in entries
            )
        except FileNotFoundError:
            return ()
        except (ValueError, TypeError, KeyError):
            raise NoBroker(
                f"{self._run} can't be read: end the brokers it was about yourself if they still run, "
                "then remove that file"
            ) from None

    def write_running(self, running: tuple[Running, ...]) -> None:
        """Note which processes run; none removes the note."""
        if running:
            self._write(self._run, [asdict(one) for one in running])
        else:
            self._run.unlink(missing_ok=True)

    def wipe(self) -> None:
        """Remove everything that a cluster left here, and nothing else."""
        for node in self.path.glob("node-*"):
            shutil.rmtree(node)
        for name in ("cluster.json", "run.json", "lock"):
            (self.path / name).unlink(missing_ok=True)
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()

    def _stale(self, why: str) -> NoBroker:
        return NoBroker(f"{self.path} {why}: remove it and its records with `l233 kafka down --wipe`")

    def _write(self, path: Path, content: object) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
