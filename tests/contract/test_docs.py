"""What the documents say is so: links lead somewhere, commands exist, no word of our own machines."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from l233 import cli
from tests.contract.markdown import Shown, anchors, commands, documents, links
from tests.contract.project import ROOT, kept_files

DOCUMENTS = documents(ROOT)
BY_PATH = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in DOCUMENTS]

MACHINE_PATHS = re.compile(r"(?<![\w.~)}-])/(?:(?:work|tmp)\b|(?:home|root)/\w)")
REGISTRY_HOSTS = re.compile(
    r"\b(?:(?:pypi|pythonhosted|npmjs|maven|maven\.apache|golang|debian)\.(?:org|com)|(?:crates|docker)\.io)\b"
)


def text(path: Path) -> str:
    """Return the text of a document."""
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", BY_PATH)
def test_every_relative_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    """A reader who follows a link arrives."""
    broken = []
    for link in links(text(document)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, heading = unquote(link).partition("#")
        target = (document.parent / name) if name else document
        if not target.exists() or (heading and heading not in anchors(text(target))):
            broken.append(link)
    assert broken == []


def shown() -> list[Any]:
    """Return every command of ours that a document shows, once, with where it is."""
    found = {command: path for path in DOCUMENTS for command in commands(text(path))}
    return [
        pytest.param(command, id=f"{path.relative_to(ROOT)}: l233 {' '.join(command.words)}")
        for command, path in found.items()
    ]


@pytest.mark.parametrize("command", shown())
def test_a_command_shown_is_one_that_l233_takes(command: Shown) -> None:
    """The command exists with these options; one shown to be copied has all its arguments, and no other."""
    assert problem(command) is None


def test_the_check_of_commands_finds_what_is_wrong() -> None:
    """A wrong name, a wrong option, an argument too many and one too few are told apart from a right line."""
    wrong = ["topic apply", "topics aply", "topics apply --jsno", "topics apply now", "worker"]
    assert all(problem(Shown(tuple(line.split()), complete=True)) for line in wrong)
    assert problem(Shown(("worker", "intake", "cases"), complete=True)) is None


def problem(command: Shown) -> str | None:
    """Return what is wrong with a command line, or None."""
    words = list(command.words)
    if not words or words[0].startswith("-"):
        return None
    if words[0] not in cli.COMMANDS:
        return f"there is no command {words[0]!r}"
    found = cli._group(words).commands[words.pop(0)]
    if isinstance(found, TyperGroup):
        if not words or words[0].startswith("-"):
            return "the command is not complete" if command.complete and "--help" not in words else None
        inner = found.commands.get(words.pop(0))
        if inner is None:
            return "there is no such command in the group"
        found = inner
    assert isinstance(found, TyperCommand)
    return _wrong_arguments(found, words) if command.complete else _unknown_options(found, words)


def _unknown_options(found: TyperCommand, words: list[str]) -> str | None:
    known = {option for parameter in found.params for option in parameter.opts} | {"--help"}
    unknown = {word.split("=")[0] for word in words if word.startswith("--")} - known
    return f"there is no option {unknown}" if unknown else None


def _wrong_arguments(found: TyperCommand, words: list[str]) -> str | None:
    parser = found.make_parser(found.context_class(found))
    try:
        values, rest, _ = parser.parse_args(args=words)
    except typer.TyperException as error:
        return str(error)
    if rest:
        return f"too many arguments: {rest}"
    missing = [
        parameter.name for parameter in found.params if parameter.required and not values.get(parameter.name)
    ]
    return f"missing: {missing}" if missing else None


def test_every_command_is_told_in_a_document() -> None:
    """A newcomer can read of everything that l233 does."""
    told = {command.words[0] for path in DOCUMENTS for command in commands(text(path)) if command.words}
    assert cli.COMMANDS.keys() <= told


def test_nothing_is_said_of_our_own_machines() -> None:
    """No file names a folder of the machine it was written on, or a host that packages come from."""
    found = []
    for path in kept_files():
        try:
            content = text(path)
        except UnicodeDecodeError:
            continue
        for pattern in (MACHINE_PATHS, REGISTRY_HOSTS):
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(content)]
    assert found == []
