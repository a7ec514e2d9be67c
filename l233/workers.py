"""The roles as processes of this machine: started together, known again later, stopped and no others."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from l233 import processes
from l233.errors import L233Error
from l233.processes import Started
from streaming import health

PLAN: Mapping[str, Sequence[str]] = {
    "intake": ("intake",),
    "organisms": ("cpam", "urssaf", "carsat", "cgss", "cnam", "cnav", "acoss"),
    "cases": ("cases", "quality"),
    "audit": ("audit", "witness"),
}
"""Process name -> its roles: what 2 cores carry best; a deployment runs one process per role."""

STOP_SECONDS = 25.0
"""A little more than a worker's own bound, so that it ends by itself."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process that was started here."""

    name: str
    roles: tuple[str, ...]
    process: Started

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        return processes.alive(self.process)


class Workers:
    """The worker processes that are kept under one folder: who they are, and what they log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "workers.json"

    def log(self, name: str) -> Path:
        """Return where a worker's log is."""
        return self.folder / f"{name}.log"

    def health_file(self, name: str) -> Path:
        """Return where a worker tells that it is well."""
        return self.folder / f"{name}.health.json"

    def held(self, worker: Worker) -> list[tuple[str, int, str]]:
        """Return the lanes of a worker that wait, by role and number, and why."""
        if not worker.alive:
            return []
        found = health.held(self.health_file(worker.name))
        return [(role, int(lane), why) for role, lanes in found.items() for lane, why in lanes.items()]

    def ready(self) -> bool:
        """Say whether every role of every worker has its lanes, and all of them work."""
        return all(
            health.working(self.health_file(worker.name)).get(role, False)
            for worker in self.known()
            for role in worker.roles
        )

    def start(self, plan: Mapping[str, Sequence[str]] = PLAN, **environment: str) -> list[Worker]:
        """Start the processes of `plan` that do not run yet; `environment` is set on top. Returns all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        running = {worker.name: worker for worker in self.known() if worker.alive}
        for name, roles in plan.items():
            if name not in running:
                running[name] = self._start(name, tuple(roles), environment)
        self._keep(list(running.values()))
        return list(running.values())

    def _start(self, name: str, roles: tuple[str, ...], environment: Mapping[str, str]) -> Worker:
        command = [sys.executable, "-m", "l233.cli", "worker", *roles, "--name", "local"]
        command += ["--health-file", str(self.health_file(name))]
        self.health_file(name).unlink(missing_ok=True)
        return Worker(name, roles, processes.start(command, self.log(name), {**os.environ, **environment}))

    def known(self) -> list[Worker]:
        """Return every worker that was started here and not stopped, alive or not."""
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return [
            Worker(worker["name"], tuple(worker["roles"]), Started(**worker["process"])) for worker in kept
        ]

    def stop(self) -> list[str]:
        """Stop every worker that was started here; returns the names of those that had to be killed."""
        workers = self.known()
        killed = processes.stop([worker.process for worker in workers if worker.alive], STOP_SECONDS)
        self._keep([])
        return [worker.name for worker in workers if worker.process in killed]

    def require_alive(self) -> None:
        """Raise L233Error naming the first worker that ended, with the last line it logged."""
        for worker in self.known():
            if not worker.alive:
                lines = self.log(worker.name).read_text(encoding="utf-8", errors="replace").splitlines()
                last = lines[-1] if lines else "nothing logged"
                raise L233Error(f"worker {worker.name} ended: {last} (all of it: {self.log(worker.name)})")

    def _keep(self, workers: Sequence[Worker]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps([asdict(worker) for worker in workers])
        self._file.write_text(text, encoding="utf-8")
