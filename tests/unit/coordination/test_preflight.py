"""The offline check shows what production decides, in the public shape."""

import json
from datetime import datetime

import pytest

from coordination.intake import Intake
from coordination.preflight import Preflight
from coordination.rulebook import Rulebook, RulebookError
from tests.unit.coordination.examples import MONDAY, OWN_DATA, directory, rulebook, structured, worker

KEYS = ["id", "verdict", "reason", "errors", "scheme", "case", "recipients", "unresolved"]


def preflight(rules: Rulebook | None = None) -> Preflight:
    return Preflight(Intake(rules or rulebook(), directory(), {}, None))


def paid(time: str = MONDAY) -> bytes:
    return structured(
        "contribution.paid", {**OWN_DATA["contribution.paid"], "worker": worker("31555")}, time=time
    )


def test_a_routed_event_has_the_public_shape() -> None:
    found = preflight().check(paid())
    assert list(found) == KEYS
    assert (found["id"], found["verdict"], found["reason"], found["errors"]) == ("1", "routed", None, [])
    assert found["scheme"] == "2026-01"
    assert [(to["role"], to["organism"]) for to in found["recipients"]] == [
        ("lead", "urssaf:midi-pyrenees"),
        ("support", "carsat:31"),
        ("informed", "cpam:311"),
    ]
    assert list(found["recipients"][0]) == [
        "organism",
        "role",
        "activity",
        "acknowledge",
        "by",
        "basis",
        "status",
    ]
    assert json.loads(json.dumps(found)) == found


def test_an_unresolved_role_is_shown() -> None:
    line = structured("activity.registered", {**OWN_DATA["activity.registered"], "worker": worker("59350")})
    assert preflight().check(line)["unresolved"] == [
        {"kind": "health", "role": "informed", "reason": "ambiguous_territory"}
    ]


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"null", b'{"id": "1"}', b"\xff"])
def test_a_refused_line_has_the_public_shape(line: bytes) -> None:
    found = preflight().check(line)
    assert list(found) == KEYS
    assert (found["verdict"], found["reason"]) == ("dead_letter", "contract")
    assert (found["scheme"], found["case"], found["recipients"], found["unresolved"]) == (None, None, [], [])
    assert found["errors"]


def test_lines_in_order_build_what_is_known() -> None:
    check = preflight()
    later = structured("sick-leave.received", OWN_DATA["sick-leave.received"], id_="2")
    assert check.check(later)["reason"] == "unknown_worker"
    check.check(
        structured("activity.registered", {**OWN_DATA["activity.registered"], "worker": worker("31555")})
    )
    assert check.check(later)["verdict"] == "routed"


def test_a_duplicate_is_shown_with_its_first_verdict() -> None:
    check = preflight()
    assert check.check(paid()) == check.check(paid())


def test_a_forced_version_decides_whatever_the_date() -> None:
    old = paid(time="2020-03-02T09:30:00+01:00")
    assert preflight().check(old)["reason"] == "no_scheme_in_force"
    found = preflight(rulebook().only("2026-01")).check(old)
    assert (found["verdict"], found["scheme"]) == ("routed", "2026-01")
    with pytest.raises(RulebookError, match="known are 2026-01"):
        rulebook().only("2027-01")


def test_another_date_chooses_the_version_in_force_then() -> None:
    then = preflight(rulebook().as_on(datetime.fromisoformat("2026-06-01T00:00:00+02:00")))
    assert then.check(paid(time="2020-03-02T09:30:00+01:00"))["scheme"] == "2026-01"
    before = preflight(rulebook().as_on(datetime.fromisoformat("2025-06-01T00:00:00+02:00")))
    assert before.check(paid())["reason"] == "no_scheme_in_force"


def test_an_intake_with_partitions_is_no_check() -> None:
    with pytest.raises(ValueError, match="partitions=None"):
        Preflight(Intake(rulebook(), directory(), {}, 4)).check(paid())
