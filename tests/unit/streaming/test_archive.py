"""What was taken out of Kafka is found as it lay there, and what is replaced leaves nothing behind."""

from pathlib import Path

import pytest

from streaming.archive import Archive
from streaming.veil import Plain

TOPIC = "l233.events"


def lying(offset: int) -> Plain:
    return Plain(TOPIC, 2, offset, 1_000 + offset, b"key", b"\xff{}", (("h", b"\x00"),))


def put(archive: Archive, end: int, *offsets: int) -> None:
    with archive.replaced(TOPIC, 2, end) as write:
        for offset in offsets:
            write(lying(offset))


def test_records_come_back_as_they_lay_from_any_offset_on(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    assert (archive.end(TOPIC, 2), list(archive.read(TOPIC, 2)), archive.at(TOPIC, 2, 0)) == (0, [], None)
    put(archive, 10, 3, 4, 7)
    assert archive.end(TOPIC, 2) == 10
    assert [one for some in archive.read(TOPIC, 2, 4) for one in some] == [lying(4), lying(7)]
    assert (archive.at(TOPIC, 2, 1_004), archive.at(TOPIC, 2, 1_005), archive.at(TOPIC, 2, 2_000)) == (
        4,
        7,
        None,
    )
    assert archive.end(TOPIC, 1) == 0


def test_what_replaces_it_overwrites_it(tmp_path: Path) -> None:
    """Also for whoever held the old file open; one file is left, its owner's alone."""
    archive = Archive(tmp_path)
    put(archive, 10, 3)
    (first,) = tmp_path.iterdir()
    with first.open("rb") as before:
        put(archive, 20, 3, 12)
        assert set(before.read()) == {0}
    (second,) = tmp_path.iterdir()
    assert (archive.end(TOPIC, 2), second.stat().st_mode & 0o777) == (20, 0o600)


def test_one_that_fails_changes_nothing(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    put(archive, 10, 3)
    with pytest.raises(TypeError):
        put(archive, 20, 12, "no offset")  # type: ignore[arg-type]  # it fails on the second record
    assert len(list(tmp_path.iterdir())) == 1
    assert archive.end(TOPIC, 2) == 10
