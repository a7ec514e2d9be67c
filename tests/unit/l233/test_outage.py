"""`l233 outage`: what can't be an outage is told before anything is declared."""

import pytest

from tests.unit.l233.command_line import run


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["cpam:999"], "cpam:999 is no organism of the directory"),
        (["cpam:311", "--starts", "2026-03-02"], "offset included"),
        (["cpam:311", "--starts", "soon"], "soon is no instant"),
        (
            ["cpam:311", "--starts", "2026-03-02T08:00:00+01:00", "--ends", "2026-03-02T06:59:59Z"],
            "ends after its start",
        ),
        (
            ["cpam:311", "--starts", "2026-03-02T08:00:00+01:00", "--ends", "2026-03-02T08:00:00+01:00"],
            "ends after its start",
        ),
    ],
)
def test_what_can_not_be_an_outage_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    """An unknown organism, a time without offset, an end that is not after the start: exit code 2 and why."""
    done = run(capsys, "outage", "declare", *arguments)
    assert told in done.error
    assert done.code == 2
