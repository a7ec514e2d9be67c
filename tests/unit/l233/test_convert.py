"""`l233 convert rne` as a person runs it: events on stdout, the summary on stderr, exit codes."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from schemas.envelope import unpack_structured
from schemas.validation import Event, validate

COMPANIES = Path(__file__).parent / "rne" / "companies.json"
KEY = "ab" * 32


@cache  # the same command over the same file gives the same: it is run once
def run(*arguments: str, stdin: bytes = b"", key: str | None = KEY) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own."""
    environment = {"PATH": "/usr/bin:/bin", **({"L233_SUBJECT_KEY": key} if key is not None else {})}
    command = [sys.executable, "-m", "l233.cli", "convert", "rne", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)


def test_events_on_stdout_and_a_counted_summary_on_stderr() -> None:
    """Every line of stdout is an event that keeps its contract; the records that gave none are counted."""
    done = run(str(COMPANIES), "--json")

    assert done.returncode == 0
    events = [validate(unpack_structured(line)) for line in done.stdout.splitlines()]
    names = [event.name for event in events if isinstance(event, Event)]
    assert names == ["activity.registered", "activity.registered", "activity.ceased", "activity.registered"]
    assert json.loads(done.stderr) == {
        "records": 9,
        "converted": {"activity.ceased": 1, "activity.registered": 3},
        "assumed_residences": 2,
        "skipped": {
            "exploitation": 1,
            "foreign_address": 1,
            "no_siren": 1,
            "personneMorale": 1,
            "wrong_siren": 1,
        },
        "left_out": {},
        "development_key": False,
    }


def test_a_person_reads_the_summary_in_words() -> None:
    """The same counts, with what each reason means."""
    done = run(str(COMPANIES))
    told = done.stderr.decode()

    assert "9 records, 4 events" in told
    assert "2 residences assumed" in told
    assert "1 exploitation: a farm" in told


def test_json_lines_from_stdin_give_the_same_events_as_the_file() -> None:
    """Records can be piped in, one a line."""
    records = json.loads(COMPANIES.read_bytes())
    lines = b"".join(json.dumps(record).encode() + b"\n" for record in records)

    assert run("-", stdin=lines).stdout == run(str(COMPANIES)).stdout


def test_nothing_personal_leaves_the_command() -> None:
    """Neither in the events nor in what is told about them."""
    done = run(str(COMPANIES))

    assert b"ZORGLUB" in COMPANIES.read_bytes()
    assert b"ZORGLUB" not in done.stdout + done.stderr


def test_subjects_are_those_of_the_configured_key() -> None:
    """`l233 subject` and `convert` give one reference; without a key the development key is used, told so."""
    configured, development = run(str(COMPANIES)), run(str(COMPANIES), key=None)

    assert _subject(configured) == _reference(KEY)
    assert _subject(development) == _reference(None) != _reference(KEY)
    assert b"development key" in development.stderr
    assert b"development key" not in configured.stderr
    assert json.loads(run(str(COMPANIES), "--json", key=None).stderr)["development_key"] is True


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"siren":"1"}\n{"siren":\n', "line 2: not JSON"),
        (b'{"siren":"\xe9"}\n', "line 1: expected UTF-8"),
    ],
)
def test_broken_input_is_told_in_one_line_with_its_place(tmp_path: Path, content: bytes, told: str) -> None:
    """Exit code 2, and no traceback."""
    file = tmp_path / "broken.jsonl"
    file.write_bytes(content)
    done = run(str(file))

    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert f"{file}: {told}" in done.stderr.decode()


def test_a_file_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    """Exit code 2: the input can't be read."""
    done = run(str(tmp_path / "nothing.json"))

    assert done.returncode == 2
    assert done.stderr.decode() == f"l233: {tmp_path}/nothing.json can't be read: No such file or directory\n"


def _subject(done: subprocess.CompletedProcess[bytes]) -> str:
    event: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    return str(event["subject"])


def _reference(key: str | None) -> str:
    environment = {"PATH": "/usr/bin:/bin", **({"L233_SUBJECT_KEY": key} if key is not None else {})}
    command = [sys.executable, "-m", "l233.cli", "subject", "011111119"]
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    return done.stdout.decode().strip()
