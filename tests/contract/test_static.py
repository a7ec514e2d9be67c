"""The tools that read the code without running it find nothing, here as before a commit."""

import pytest

from tests.contract.project import said, tool


@pytest.mark.parametrize(
    "command", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=" ".join
)
def test_nothing_to_complain_about(command: tuple[str, ...]) -> None:
    """`ruff check`, `ruff format` and `mypy --strict`, with the settings of `pyproject.toml`."""
    done = tool(*command)
    assert done.returncode == 0, said(done)
