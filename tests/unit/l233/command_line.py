"""The command line in this process, for tests that need no Kafka."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from l233 import cli


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """The JSON values that it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> str:
        """The one line that it failed with; it printed nothing else there."""
        assert self.err.startswith("l233: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("l233: ").rstrip("\n")


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Done:
    """Run a command of `l233`."""
    capsys.readouterr()
    code = cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return Done(code, said.out, said.err)


def written(folder: Path, *lines: bytes) -> Path:
    """Write a file of events."""
    path = folder / "events.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path
