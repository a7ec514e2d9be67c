"""What an erasure is asked for, and what a person is told of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from l233 import cli, erasing
from l233.erased import input_was_erased, is_stub, stub
from l233.erasing import Certificate, Remains
from l233.errors import BadInput
from l233.rewriting_input import Rewritten
from l233.settings import Settings
from schemas.topics import INPUT
from streaming.veil import Plain

WORKER = "worker:" + "5e" * 16


def certificate(*remains: Remains, complete_by: str | None) -> Certificate:
    return Certificate(
        WORKER,
        "2026-03-02T09:00:00.000Z",
        1,
        "the key",
        {"l233.decisions": 3, "l233.outcomes": 2},
        {"l233.state.intake": 4},
        (),
        remains,
        (Rewritten(2, 40, 30, 6),) if complete_by else (),
        complete_by,
        erasing.BEYOND,
    )


@pytest.mark.parametrize("text", ["", "5e", "worker:" + "5E" * 16, WORKER + "0", WORKER + "\n", "cpam:311"])
def test_only_a_reference_names_a_worker(text: str) -> None:
    with pytest.raises(BadInput, match="l233 subject"):
        erasing.worker_of(text)
    assert erasing.worker_of(WORKER) == WORKER


def test_where_nothing_is_veiled_nothing_can_be_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told before any Kafka is asked."""
    monkeypatch.setenv("L233_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["audit", "erase", WORKER]) == 2
    assert "L233_KEYRING" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput, match="L233_KEYRING"):
        erasing.keyring_of(Settings(home=tmp_path))


def test_a_certificate_is_written_once(tmp_path: Path) -> None:
    """One that can't be written is told whole: it can't be made again."""
    path, made = tmp_path / "erased.json", certificate(complete_by="2026-03-02T09:10:00.000Z")
    erasing.write(made, path)
    before = path.read_text()
    with pytest.raises(BadInput, match=WORKER):
        erasing.write(made, path)
    assert path.read_text() == before


def test_what_remains_and_until_when_is_told(tmp_path: Path) -> None:
    input_ = Remains(INPUT, 6, "2026-01-01", "2026-02-01", "2027-03-08T00:06:00.000Z")
    state = Remains("l233.state.cpam", 1, "", "", None)
    text = "\n".join(erasing.told(certificate(input_, state, complete_by=None), tmp_path))
    for said in ("5 records and 4 values", "6 plain records", "gone by 2027-03-08", "until its role writes"):
        assert said in text
    text = "\n".join(erasing.told(certificate(input_, complete_by="2027-03-08"), tmp_path))
    assert "6 records of his taken out, 30 of others archived" in text


def test_what_is_left_of_an_input_says_that_it_came_and_nothing_that_it_said() -> None:
    at = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
    headers = (("ce_subject", WORKER.encode()), ("ce_remark", b"impasse"), ("l233-rekeyed", b"1/2"))
    record = Plain(INPUT, 2, 7, at, b"another key", b'{"siren":"732829320"}', headers)
    left = stub(record)
    assert is_stub(left)
    assert (left.offset, left.timestamp, left.key, left.value) == (7, at, None, None)
    assert [name for name, _ in left.headers] == ["ce_subject", "l233-rekeyed", "l233-erased"]
    for one in (record, left):
        assert input_was_erased(one, {WORKER.encode(): at})
        assert not input_was_erased(one, {WORKER.encode(): at - 1}), "it came after he was erased"
        assert not input_was_erased(one, {})
