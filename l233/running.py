"""The whole system on this machine: Kafka, its topics, and every role as a process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from l233 import broker
from l233.errors import L233Error
from l233.local_kafka import LocalKafka
from l233.local_kafka.jars import OnProgress
from l233.settings import Settings
from l233.workers import PLAN, Workers
from streaming import admin
from streaming.topics import Registry

READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class System:
    """Kafka (None: one that is not ours), topics and workers."""

    settings: Settings
    registry: Registry
    kafka: LocalKafka | None
    workers: Workers

    def start(self, on_progress: OnProgress | None = None) -> None:
        """Start what does not run, and return when every role has been given its partitions.

        Raises L233Error: no Kafka, topics that differ from the registry, a worker that ended.
        """
        if self.kafka is not None:
            self.kafka.start(on_progress)
        broker.run(self._apply_topics(), self.settings)
        environment = {
            "L233_BOOTSTRAP": self.settings.bootstrap,
            "L233_HOME": str(self.settings.home.resolve()),
        }
        if self.settings.clock is not None:
            environment["L233_CLOCK"] = str(self.settings.clock.resolve())
        if self.settings.keyring_file is not None:
            environment["L233_KEYRING"] = str(self.settings.keyring_file.resolve())
        self.workers.start(PLAN, **environment)
        self._await_ready()

    async def _apply_topics(self) -> None:
        async with admin.connect(self.settings.client_options()) as client:
            try:
                await admin.apply(client, self.registry)
            except (admin.DriftRefused, admin.TopicsNotCreated) as error:
                raise L233Error(f"{error}: `l233 topics diff` lists what differs") from error

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.workers.ready():
            self.workers.require_alive()
            if time.monotonic() > deadline:
                raise L233Error(
                    f"the roles were not ready within {READY_SECONDS:.0f} s: look at the logs in "
                    f"{self.workers.folder}"
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the workers, then Kafka."""
        self.workers.stop()
        if self.kafka is not None:
            self.kafka.stop()


def local(settings: Settings, registry: Registry) -> System:
    """Return the system of this folder: with a Kafka of its own, unless the settings name another one."""
    kafka = LocalKafka(settings.kafka_folder)
    mine = kafka.bootstrap == settings.bootstrap
    return System(settings, registry, kafka if mine else None, Workers(settings.home / "workers"))


@contextmanager
def passing(kafka: LocalKafka, settings: Settings, registry: Registry, folder: Path) -> Iterator[System]:
    """Run a system on a Kafka that is there already, under `folder`, for the length of the block."""
    own = settings.model_copy(update={"bootstrap": kafka.bootstrap, "home": folder, "state_dir": None})
    system = System(own, registry, None, Workers(folder / "workers"))
    try:
        system.start()
        yield system
    finally:
        system.workers.stop()
