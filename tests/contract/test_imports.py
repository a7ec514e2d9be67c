"""Imports go one way, and what decides knows nothing of how it is delivered."""

import ast
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.project import PACKAGES, ROOT, said, tool

# What a package may use beside the standard library and the packages below it.
LIBRARIES = {
    "schemas": {"pydantic", "pydantic_core", "stdnum"},
    "scheme": set[str](),
    "coordination": {"pydantic", "pydantic_core", "holidays", "yaml", "cryptography", "rfc8785"},
}
# A decision is the same every time it is taken: no I/O, no clock, no environment, no chance, no log.
IMPURE = {
    "asyncio", "http", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "signal", "socket",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today"}


def modules(package: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yield every module of a package with what it says."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def imported(module: ast.Module) -> set[str]:
    """Return the top-level names that a module imports."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module.split(".")[0])
    return names


def test_imports_go_one_way() -> None:
    """The contracts of `pyproject.toml` hold."""
    done = tool("lint-imports", "--no-cache")
    assert done.returncode == 0, said(done)


@pytest.mark.parametrize(
    ("package", "wrong"),
    [
        ("schemas", "coordination"),
        ("coordination", "streaming"),
        ("streaming", "coordination"),
        ("agents", "l233"),
    ],
)
def test_an_import_against_the_direction_is_found(package: str, wrong: str, tmp_path: Path) -> None:
    """The contracts are not empty: one wrong import, anywhere, breaks them."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / package / "wrong.py").write_text(f"import {wrong}\n")
    done = tool("lint-imports", "--no-cache", cwd=tmp_path)
    assert done.returncode == 1, said(done)
    assert f"{package}.wrong -> {wrong}" in done.stdout


@pytest.mark.parametrize("package", LIBRARIES)
def test_what_is_said_and_decided_uses_few_libraries(package: str) -> None:
    """Contracts, law and decisions stay free of Kafka, Faust and everything else that delivers."""
    allowed = {*sys.stdlib_module_names, *PACKAGES, *LIBRARIES[package]}
    strange = {str(path): found for path, module in modules(package) if (found := imported(module) - allowed)}
    assert strange == {}


def test_decisions_reach_for_nothing_outside() -> None:
    """No module of `coordination` can read a file, a clock, the environment or a die."""
    strange = {
        str(path): found for path, module in modules("coordination") if (found := imported(module) & IMPURE)
    }
    assert strange == {}


def test_decisions_take_the_time_from_their_caller() -> None:
    """`datetime.now`, `utcnow` and `date.today` are asked nowhere in `coordination`: replay moves time."""
    asked = [
        f"{path}:{node.lineno}"
        for path, module in modules("coordination")
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS
    ]
    assert asked == []
