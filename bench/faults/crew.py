"""The worker processes of a run: started by the project's own command, killed, stopped and paused by us."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from agents.roles import NAMES, ORGANISMS
from streaming.client import Limits

ORGANISM_ROLES: Final = tuple(organism.agent for organism in ORGANISMS)
_OTHERS: Final = tuple(name for name in NAMES if name not in {"intake", *ORGANISM_ROLES})
TWO_OF_EACH: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        f"{name}-{letter}": roles
        for name, roles in (
            ("intake", ("intake",)),
            ("organisms", ORGANISM_ROLES),
            ("cases", _OTHERS),
        )
        for letter in "ab"
    }
)
"""Process name -> its roles: two workers of every role, in six processes."""
ALL_IN_ONE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"all": tuple(NAMES)})

SESSION: Final = Limits().session_timeout
START_SECONDS: Final = 90.0
STOP_SECONDS: Final = 40.0
_STARTED: Final = '"worker_started"'
_POLL: Final = 0.05


class CrewError(Exception):
    """A worker did not start, did not stop, or ended by itself."""


@dataclass(slots=True)
class Crew:
    """Processes by name. Logs are in `folder/<name>.log`, state in `folder/state/<name>/`."""

    bootstrap: str
    folder: Path
    roles: Mapping[str, Sequence[str]]
    clock: Path | None = None
    """A file that tells the time (`streaming.clock`); None: the machine's own time."""
    session: float = SESSION
    """Seconds after which Kafka takes one that was killed, or is paused, for gone."""
    _processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    _begun: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """Where the workers keep their state."""
        return self.folder / "state"

    def start(self, name: str) -> None:
        """Start a process; it is not waited for."""
        log = self.folder / f"{name}.log"
        self._begun[name] = log.stat().st_size if log.exists() else 0
        command = [sys.executable, "-m", "l233.cli", "worker", *self.roles[name], "--name", name]
        settings = {
            "L233_BOOTSTRAP": self.bootstrap,
            "L233_HOME": str(self.folder),
            "L233_LOG_FORMAT": "json",
            "L233_SESSION_TIMEOUT": str(self.session),
        }
        if self.clock is not None:
            settings["L233_CLOCK"] = str(self.clock)
        with log.open("ab") as output:
            self._processes[name] = subprocess.Popen(
                command, env={**os.environ, **settings}, stdout=output, stderr=subprocess.STDOUT
            )

    def start_all(self) -> None:
        """Start every process, and return once each one works."""
        for name in self.roles:
            self.start(name)
        for name in self.roles:
            self.await_started(name)

    def await_started(self, name: str) -> None:
        """Return once a process says that its roles are under way."""
        until = time.monotonic() + START_SECONDS
        while _STARTED not in self.log(name):
            self.check(name)
            if time.monotonic() > until:
                raise CrewError(
                    f"{name} did not start within {START_SECONDS:.0f} s: {self.log(name)[-2000:]}"
                )
            time.sleep(_POLL)

    def log(self, name: str) -> str:
        """Return what a process has logged since it was last started."""
        with (self.folder / f"{name}.log").open("rb") as file:
            file.seek(self._begun[name])
            return file.read().decode(errors="replace")

    def check(self, name: str) -> None:
        """Raise when a process has ended without having been told to."""
        code = self._processes[name].poll()
        if code is not None:
            raise CrewError(f"{name} ended by itself with {code}: {self.log(name)[-2000:]}")

    def kill(self, name: str) -> None:
        """End a process as a power failure would."""
        self.check(name)
        self._processes[name].kill()
        self._processes[name].wait()

    def terminate(self, name: str) -> None:
        """Ask a process to stop; it must, within a bound, and with exit code 0."""
        self.check(name)
        self._processes[name].send_signal(signal.SIGTERM)
        self._await_stopped(name)

    def pause(self, name: str) -> None:
        """Stop a process in the middle of whatever it does: it becomes a zombie to the others."""
        self._processes[name].send_signal(signal.SIGSTOP)

    def wake(self, name: str) -> None:
        """Let a paused process go on."""
        self._processes[name].send_signal(signal.SIGCONT)

    def stop_all(self) -> None:
        """Ask every process to stop, all at once."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for name in self._processes:
            self._await_stopped(name)

    def _await_stopped(self, name: str) -> None:
        process = self._processes[name]
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise CrewError(f"{name} did not stop within {STOP_SECONDS:.0f} s") from None
        # While it still starts, nothing listens to the signal, and nothing needs to.
        by_signal = code == -signal.SIGTERM and _STARTED not in self.log(name)
        if code != 0 and not by_signal:
            raise CrewError(f"{name} was asked to stop and ended with {code}: {self.log(name)[-2000:]}")

    def discard(self) -> None:
        """End whatever still runs."""
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()


@contextmanager
def crew(
    bootstrap: str,
    folder: Path,
    roles: Mapping[str, Sequence[str]] = TWO_OF_EACH,
    clock: Path | None = None,
    session: float = SESSION,
) -> Iterator[Crew]:
    """Give a crew that works, of which nothing runs afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Crew(bootstrap, folder, roles, clock, session)
    try:
        found.start_all()
        yield found
    finally:
        found.discard()
