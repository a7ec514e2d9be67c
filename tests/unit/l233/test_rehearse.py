"""`l233 rehearse`: the whole system in memory, in the order of time, and its exit codes."""

import json
from pathlib import Path

import pytest

from tests.unit.coordination.examples import OWN_DATA, SUBJECT, structured, worker
from tests.unit.l233.command_line import run, written

NINE, TEN = "2026-03-02T09:00:00+01:00", "2026-03-02T10:00:00+01:00"
REGISTERED = structured(
    "activity.registered", {**OWN_DATA["activity.registered"], "worker": worker("31555")}, time=NINE
)
SICK = structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_="sick", time=TEN)

Capture = pytest.CaptureFixture[str]


def test_inputs_are_taken_by_their_time_whatever_their_lines(capsys: Capture, tmp_path: Path) -> None:
    """A sick leave that stands before its worker's registration but happened after it is routed."""
    done = run(capsys, "rehearse", written(tmp_path, SICK, REGISTERED), "--json")
    assert done.code == 0
    causes = [one["causationid"] for one in done.lines]
    assert causes == sorted(causes)  # "1" is the registration
    assert set(causes) == {"1", "sick"}


def test_what_is_emitted_are_cloudevents_of_l233_at_the_virtual_time(capsys: Capture, tmp_path: Path) -> None:
    done = run(capsys, "rehearse", written(tmp_path, REGISTERED), "--json")
    for one in done.lines:
        assert one["specversion"] == "1.0"
        assert one["subject"] == SUBJECT
        assert one["source"].startswith("urn:l233:")
        assert one["time"] == "2026-03-02T08:00:00.000Z"
    said = [(one["data"]["organism"], one["type"].split(".")[3]) for one in done.lines]
    assert ("cpam:311", "received") in said
    organisms = [organism for organism, _ in said]
    assert organisms == sorted(organisms)


def test_a_rehearsal_tells_the_same_each_time(capsys: Capture, tmp_path: Path) -> None:
    file = written(tmp_path, REGISTERED, SICK)
    assert run(capsys, "rehearse", file, "--json").out == run(capsys, "rehearse", file, "--json").out


def test_a_refused_event_is_told_on_stderr_and_is_exit_1(capsys: Capture, tmp_path: Path) -> None:
    done = run(capsys, "rehearse", written(tmp_path, SICK), "--json")
    assert (done.code, done.out) == (1, "")
    assert "line 1  refused: unknown_worker" in done.err
    assert "1 events taken, 1 refused (unknown_worker 1)" in done.err


def test_a_line_that_is_no_json_is_named_and_nothing_is_rehearsed(capsys: Capture, tmp_path: Path) -> None:
    done = run(capsys, "rehearse", written(tmp_path, REGISTERED, b'{"id": '), "--json")
    assert (done.code, done.out) == (2, "")
    assert "events.jsonl line 2 can't be read" in done.err


def test_what_happens_after_the_end_is_not_taken(capsys: Capture, tmp_path: Path) -> None:
    """And a date means its end in Paris."""
    late = structured(
        "sick-leave.received",
        OWN_DATA["sick-leave.received"],
        id_="late",
        time="2026-03-03T00:00:00+01:00",
    )
    done = run(
        capsys, "rehearse", written(tmp_path, REGISTERED, SICK, late), "--json", "--until", "2026-03-02"
    )
    assert done.code == 0
    assert {one["causationid"] for one in done.lines} == {"1", "sick"}
    assert "1 of 3 events lie after --until" in done.err


def test_a_scheme_can_be_given_by_file_and_then_always_is_in_force(capsys: Capture, tmp_path: Path) -> None:
    """The example scheme came into force in 2026: in 2025 only the one given routes."""
    early = json.dumps({**json.loads(REGISTERED), "time": "2025-03-02T09:00:00+01:00"}).encode()
    shipped = Path(__file__).parents[3] / "scheme" / "versions" / "2026-01.yaml"
    file = written(tmp_path, early)
    assert run(capsys, "rehearse", file, "--json").code == 1
    by_file = run(capsys, "rehearse", file, "--json", "--scheme", shipped)
    assert by_file.code == 0
    assert by_file.out == run(capsys, "rehearse", file, "--json", "--scheme", "2026-01").out


@pytest.mark.parametrize(
    "option", [("--until", "soon"), ("--until", "2026-03-02T09:00:00"), ("--scheme", "x")]
)
def test_an_option_that_means_nothing_is_exit_2(
    capsys: Capture, tmp_path: Path, option: tuple[str, str]
) -> None:
    done = run(capsys, "rehearse", written(tmp_path, REGISTERED), *option)
    assert done.code == 2
    assert f"l233: {option[0]} {option[1]}: " in done.err


def test_a_person_is_told_when_who_said_what(capsys: Capture, tmp_path: Path) -> None:
    done = run(capsys, "rehearse", written(tmp_path, REGISTERED, SICK))
    assert "2026-03-02 10:00:00\n  line 2: sick-leave.received (id sick)\n" in done.out
    assert "acknowledgement.received   CPAM de la Haute-Garonne (cpam:311): role lead\n" in done.out


def test_the_development_key_is_told(capsys: Capture, tmp_path: Path) -> None:
    """As `convert` does: references made with a key that everybody knows are for tests."""
    assert "development key" in run(capsys, "rehearse", written(tmp_path, REGISTERED), "--json").err
