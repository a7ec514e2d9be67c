"""`l233 check`: offline, in order, one verdict an event, and an exit code that means something."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from tests.unit.coordination.examples import OTHER_SUBJECT, OWN_DATA, structured, worker
from tests.unit.l233.command_line import run, written

SICK = structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_="sick")
REGISTERED = structured("activity.registered", {**OWN_DATA["activity.registered"], "worker": worker("31555")})
BROKEN = structured("sick-leave.received", {"starts": "2026-03-14", "ends": "soon"}, id_="broken")

Capture = pytest.CaptureFixture[str]


def test_a_file_of_which_all_would_be_routed_is_exit_0(capsys: Capture, tmp_path: Path) -> None:
    """Lines in order build what is known: the registration makes the sick leave routable."""
    done = run(capsys, "check", written(tmp_path, REGISTERED, SICK), "--json")
    assert done.code == 0
    assert [(one["id"], one["verdict"]) for one in done.lines] == [("1", "routed"), ("sick", "routed")]
    assert [to["organism"] for to in done.lines[1]["recipients"]] == [
        "cpam:311",
        "urssaf:midi-pyrenees",
        "carsat:31",
    ]


def test_one_refused_event_is_exit_1_and_the_others_are_still_told(capsys: Capture, tmp_path: Path) -> None:
    done = run(capsys, "check", written(tmp_path, SICK, REGISTERED, SICK), "--json")
    assert done.code == 1
    assert [one["reason"] for one in done.lines] == ["unknown_worker", None, None]


def test_json_that_is_no_event_is_refused_and_no_failure_of_the_file(capsys: Capture, tmp_path: Path) -> None:
    done = run(capsys, "check", written(tmp_path, b"{}", b"[]", b'"event"'), "--json")
    assert done.code == 1
    assert [(one["id"], one["reason"]) for one in done.lines] == [(None, "contract")] * 3


def test_a_line_that_is_no_json_ends_the_check_and_is_named(capsys: Capture, tmp_path: Path) -> None:
    """What was decided before it stands."""
    done = run(capsys, "check", written(tmp_path, REGISTERED, b"", b'{"id": ', SICK), "--json")
    assert done.code == 2
    assert [one["id"] for one in done.lines] == ["1"]
    assert "events.jsonl line 3 can't be read" in done.error


def test_a_missing_file_is_exit_2(capsys: Capture, tmp_path: Path) -> None:
    done = run(capsys, "check", tmp_path / "nowhere.jsonl")
    assert (done.code, done.out) == (2, "")
    assert "No such file" in done.error


def test_a_person_is_told_verdicts_violations_deadlines_and_a_summary(
    capsys: Capture, tmp_path: Path
) -> None:
    missing = structured(
        "activity.registered", {**OWN_DATA["activity.registered"], "worker": worker("59350")}, id_="2"
    )
    done = run(capsys, "check", written(tmp_path, REGISTERED, SICK, BROKEN, missing))
    assert done.code == 1
    assert "1  1  routed by scheme 2026-01 (a worked example, not law), case " in done.out
    assert "cpam:311" in done.out
    assert "reported by the end of 2026-03-16" in done.out
    assert "3  broken  refused: contract" in done.out
    assert "/data/ends  expected" in done.out
    assert "informed  nobody for health: ambiguous_territory" in done.out
    assert done.out.splitlines()[-1] == "4 events: 3 would be routed, 1 refused (contract 1)"


def test_a_deadline_of_the_law_does_not_make_the_roles_look_like_law(capsys: Capture, tmp_path: Path) -> None:
    """Three months are R612-9; that the organism leads is our own example, and the person is told."""
    mediation = structured(
        "mediation.opened", {**OWN_DATA["mediation.opened"], "worker": worker("31555")}, id_="m"
    )
    done = run(capsys, "check", written(tmp_path, mediation))
    assert "(law: CSS art. R612-9)" in done.out
    assert "m  routed by scheme 2026-01 (a worked example, not law), case " in done.out


def test_what_a_terminal_would_obey_is_not_printed(capsys: Capture, tmp_path: Path) -> None:
    """An id from outside can't colour, clear or forge what an operator reads."""
    line = structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_="\x1b[2J\nall good")
    done = run(capsys, "check", written(tmp_path, line))
    assert "\x1b" not in done.out
    assert "\nall good" not in done.out


def test_a_version_or_a_date_decides_instead_of_the_events_own(capsys: Capture, tmp_path: Path) -> None:
    old = structured(
        "contribution.paid",
        {**OWN_DATA["contribution.paid"], "worker": worker("31555")},
        time="2020-03-02T09:30:00+01:00",
        subject=OTHER_SUBJECT,
    )
    file = written(tmp_path, old)
    assert run(capsys, "check", file, "--json").lines[0]["reason"] == "no_scheme_in_force"
    for choice in (["--scheme", "2026-01"], ["--at", "2026-01-01"], ["--at", "2026-07-01T00:00:00+02:00"]):
        assert run(capsys, "check", file, "--json", *choice).lines[0]["scheme"] == "2026-01"
    draft = file.with_name("draft.yaml")
    shipped = files("scheme").joinpath("versions", "2026-01.yaml").read_text(encoding="utf-8")
    draft.write_text(shipped.replace("scheme: 2026-01", "scheme: 2027-01", 1), encoding="utf-8")
    assert "routed by scheme 2027-01" in run(capsys, "check", file, "--scheme", str(draft)).out
    assert run(capsys, "check", file, "--at", "2025-12-31").code == 1


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (["--scheme", "1999-01"], "no scheme version '1999-01': known are 2026-01"),
        (["--at", "yesterday"], "--at yesterday: expected a date"),
        (["--at", "2026-03-02T09:30:00"], "expected a date"),
        (["--at", "2026-02-30"], "expected a date"),
        (["--at", "2026-03-02", "--scheme", "2026-01"], "give one of them"),
    ],
)
def test_a_choice_that_can_not_be_had_is_bad_input(
    capsys: Capture, tmp_path: Path, choice: list[str], said: str
) -> None:
    done = run(capsys, "check", written(tmp_path, REGISTERED), *choice)
    assert done.code == 2
    assert said in done.error


def test_who_may_send_what_is_asked_as_in_production(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry of topics that the settings name decides."""
    shipped = (Path(__file__).parents[3] / "topics.yaml").read_text(encoding="utf-8")
    registry = tmp_path / "topics.yaml"
    registry.write_text(shipped.replace('"*": ["*"]', '"*": ["urn:other:*"]'), encoding="utf-8")
    monkeypatch.setenv("L233_TOPICS_FILE", str(registry))
    done = run(capsys, "check", written(tmp_path, REGISTERED), "--json")
    assert done.lines[0]["reason"] == "not_allowed"
    monkeypatch.setenv("L233_TOPICS_FILE", str(tmp_path / "nowhere.yaml"))
    assert run(capsys, "check", written(tmp_path, REGISTERED)).code == 2


def test_no_event_is_no_refusal(capsys: Capture, tmp_path: Path) -> None:
    done = run(capsys, "check", written(tmp_path, b"", b"  "))
    assert (done.code, done.out) == (0, "0 events: 0 would be routed\n")
    assert json.dumps(run(capsys, "check", written(tmp_path), "--json").lines) == "[]"
