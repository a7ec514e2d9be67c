"""What is installed when l233 is installed, and what it refuses to be installed beside."""

import json
import os
import subprocess
import sys
from email import message_from_string
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.contract.project import PACKAGES, ROOT, said

ASK = "from l233.environment import require_own_environment as ask; ask()"


def build_wheel(project: Path, into: Path) -> Path:
    """Build the wheel of a project with what is installed here, fetching nothing."""
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(into),
        str(project),
    ]
    done = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)
    assert done.returncode == 0, said(done)
    (wheel,) = into.glob("*.whl")
    return wheel


def install(wheel: Path, into: Path) -> Path:
    """Install a pure wheel as `pip install --target` does: its files, its metadata, its RECORD."""
    with ZipFile(wheel) as archive:
        archive.extractall(into)
    return into


def run_in(folder: Path, *path: Path, code: str = ASK) -> subprocess.CompletedProcess[str]:
    """Run Python in `folder` with `path` before everything that is installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this project."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def files(wheel: Path) -> list[str]:
    """Return the names of the files in the wheel."""
    with ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def metadata(wheel: Path, files: list[str]) -> Message:
    """Return the METADATA of the wheel."""
    (name,) = [name for name in files if name.endswith(".dist-info/METADATA")]
    with ZipFile(wheel) as archive:
        return message_from_string(archive.read(name).decode())


def test_the_wheel_holds_the_six_packages_and_nothing_else(files: list[str]) -> None:
    """Tests, benchmarks and documents stay where the source is."""
    top = {name.split("/")[0] for name in files}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)


def test_every_module_and_data_file_of_the_packages_is_in_the_wheel(files: list[str]) -> None:
    """What works from the source folder works when installed: the scheme, the schemas, the pinned jars."""
    here = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert here <= set(files)


@pytest.mark.parametrize(
    "kept",
    [
        "scheme/organisms.csv",
        "scheme/territories.csv",
        "scheme/versions/2026-01.yaml",
        "schemas/published/fr.l233.activity.registered.v1.json",
        "l233/local_kafka/jars.lock",
        *(f"{package}/py.typed" for package in PACKAGES),
    ],
)
def test_the_wheel_holds(kept: str, files: list[str]) -> None:
    """A file that the product can't do without is there under the name that others rely on."""
    assert kept in files


def test_the_topics_in_the_wheel_are_the_ones_in_the_source(wheel: Path) -> None:
    """An installed l233 provisions from the very `topics.yaml` that a reader of the repository sees."""
    with ZipFile(wheel) as archive:
        assert archive.read("streaming/topics.yaml") == (ROOT / "topics.yaml").read_bytes()


def test_an_index_refuses_the_wheel(metadata: Message) -> None:
    """`agents` is somebody else's name on the public index: the classifier makes an upload fail."""
    assert "Private :: Do Not Upload" in metadata.get_all("Classifier", [])


def test_the_licence_goes_along(metadata: Message, files: list[str]) -> None:
    """The wheel names the licence and carries its text."""
    assert metadata["License-Expression"] == "MIT"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in files)


def test_the_environment_of_the_tests_is_our_own(tmp_path: Path) -> None:
    """Nothing that l233 or its tests depend on owns a package of ours."""
    done = run_in(tmp_path)
    assert done.returncode == 0, said(done)


def test_an_installed_wheel_is_our_own_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed as a wheel, beside an editable installation of the same project too, l233 starts."""
    done = run_in(tmp_path, install(wheel, tmp_path / "site"))
    assert done.returncode == 0, said(done)


def test_an_installed_wheel_finds_its_data(wheel: Path, tmp_path: Path) -> None:
    """Far from the source it has its topics, scheme and directory: it decides as the source does."""
    site = install(wheel, tmp_path / "site")
    event = ROOT / "schemas" / "examples" / "valid" / "activity.registered.json"
    line = tmp_path / "events.jsonl"
    line.write_text(json.dumps(json.loads(event.read_text(encoding="utf-8"))) + "\n", encoding="utf-8")
    decided, topics = (
        run_in(tmp_path, site, code=f"import sys; from l233.cli import main; sys.exit(main({arguments!r}))")
        for arguments in (["check", str(line), "--json"], ["topics", "show", "--json"])
    )
    assert decided.returncode == 0, said(decided)
    assert json.loads(decided.stdout)["verdict"] == "routed"
    assert "l233.events" in json.loads(topics.stdout)["topics"]


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """Build the wheel of an unrelated project that has a package `agents`."""
    project = tmp_path / "stranger"
    (project / "agents").mkdir(parents=True)
    (project / "agents" / "__init__.py").write_text('"""Somebody else\'s."""\n')
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "Reinforced.Agents"\nversion = "1.4"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["agents"]\n'
    )
    into = tmp_path / "wheel"
    into.mkdir()
    return build_wheel(project, into)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the line in which the guard refused; anything else fails the test."""
    last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
    assert done.returncode != 0, said(done)
    assert last.startswith("l233.errors.L233Error: "), said(done)
    return last


def test_a_distribution_that_stands_before_ours_is_refused_by_name(stranger: Path, tmp_path: Path) -> None:
    """Before it on the import path, `agents` would be the stranger's: the message names it."""
    line = refusal(run_in(tmp_path, install(stranger, tmp_path / "site")))
    assert "Reinforced.Agents 1.4 installs a package `agents`" in line
    assert "uninstall Reinforced.Agents" in line


def test_a_distribution_that_stands_behind_ours_is_refused_too(
    wheel: Path, stranger: Path, tmp_path: Path
) -> None:
    """What the order of the path saves today, it may not save tomorrow."""
    done = run_in(tmp_path, install(wheel, tmp_path / "ours"), install(stranger, tmp_path / "theirs"))
    assert "Reinforced.Agents 1.4" in refusal(done)


def test_a_distribution_that_overwrote_ours_is_refused(wheel: Path, stranger: Path, tmp_path: Path) -> None:
    """Installed over us into the same folder, it leaves one `agents` and two owners."""
    site = install(stranger, install(wheel, tmp_path / "site"))
    assert "Reinforced.Agents 1.4" in refusal(run_in(tmp_path, site))


def test_a_distribution_that_only_declares_its_names_is_refused(tmp_path: Path) -> None:
    """Old installers write no RECORD, but `top_level.txt`: it counts."""
    info = tmp_path / "site" / "old_schemas-2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: old-schemas\nVersion: 2\n")
    (info / "top_level.txt").write_text("old\nschemas\n")
    assert "old-schemas 2 installs a package `schemas`" in refusal(run_in(tmp_path, tmp_path / "site"))


def test_a_distribution_with_a_similar_name_is_let_be(tmp_path: Path) -> None:
    """`agents_sdk`, or an `agents` inside another package, takes nothing of ours."""
    info = tmp_path / "site" / "neighbour-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: neighbour\nVersion: 1\n")
    (info / "top_level.txt").write_text("agents_sdk\n")
    (info / "RECORD").write_text("agents_sdk/__init__.py,,\nneighbour/agents/__init__.py,,\nagentship.py,,\n")
    done = run_in(tmp_path, tmp_path / "site")
    assert done.returncode == 0, said(done)


def test_a_folder_that_stands_before_ours_is_refused(tmp_path: Path) -> None:
    """A package on PYTHONPATH that nothing installed is as wrong, and the message says where it is."""
    stray = tmp_path / "stray"
    (stray / "coordination").mkdir(parents=True)
    (stray / "coordination" / "__init__.py").touch()
    line = refusal(run_in(tmp_path, stray))
    assert f"`coordination` would be imported from {stray}" in line


@pytest.mark.parametrize("command", ["worker cpam", "topics show"])
def test_a_command_says_so_in_one_line_before_it_does_anything(
    command: str, stranger: Path, tmp_path: Path
) -> None:
    """With the stranger's `agents` first, a command is not even imported: it says what to uninstall."""
    code = f"import sys; from l233.cli import main; sys.exit(main({command.split()!r}))"
    done = run_in(tmp_path, install(stranger, tmp_path / "site"), code=code)
    assert done.returncode == 1, said(done)
    assert done.stdout == ""
    assert done.stderr.startswith("l233: the distribution Reinforced.Agents 1.4 installs a package `agents`")
    assert done.stderr.count("\n") == 1
