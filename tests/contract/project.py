"""The project as the contract tests read it: where it is, and which of its files are kept."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "scheme", "coordination", "streaming", "agents", "l233")
_FOLDERS = (*PACKAGES, "tests", "bench", "docs", "deploy", ".ci")


def tool(name: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment and return what it said."""
    command = [str(Path(sys.executable).parent / name), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return everything that a program said, to be shown when it failed."""
    return f"{done.args}\n{done.stdout}{done.stderr}"


def kept_files(suffixes: Sequence[str] | None = None) -> list[Path]:
    """Return the project's own files: those of its folders and of its root."""
    in_folders = (path for folder in _FOLDERS for path in (ROOT / folder).rglob("*"))
    in_root = (path for path in ROOT.iterdir() if path.name != ".git")
    return sorted(
        path
        for path in (*in_folders, *in_root)
        if path.is_file()
        and "__pycache__" not in path.parts
        and (suffixes is None or path.suffix in suffixes)
    )
