"""The project's own command, run as a person runs it."""

import os
import subprocess
import sys
from pathlib import Path

L233 = Path(sys.executable).parent / "l233"


def l233(
    *arguments: str, cwd: Path, timeout: float = 120, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run `l233` in `cwd` with no program on the PATH, no Java, and only these settings."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("L233_") and k != "JAVA_HOME"}
    return subprocess.run(
        [L233, *arguments],
        cwd=cwd,
        env=inherited | {"PATH": "/nonexistent"} | settings,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a failed command said on stderr, and nothing on stdout."""
    assert done.stdout == ""
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("l233: ")
    return done.stderr
