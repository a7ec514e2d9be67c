"""What stands between a lane and what is written: veiled going out, plain coming in, gone once erased."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from schemas.envelope import pack_binary
from schemas.keyring import ErasedError, Keyring
from schemas.veiled import ERASED_HEADER
from streaming import keyfile
from streaming.errors import KeyringUnusable, NoKeyring, VeilBroken
from streaming.keyfile import KeyringFile
from streaming.records import Output
from streaming.veil import NO_VEIL, KeyringVeil, Plain, as_erased, readable

WORKER = "worker:" + "ab" * 16
OTHER = "worker:" + "cd" * 16
PAID = b'{"period":"2026-03","paid":"417.83","due":"417.83","base":"1933.27"}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a new keyring."""
    assert keyfile.make(tmp_path / "keyring.json")
    return tmp_path / "keyring.json"


def paid(worker: str = WORKER, **extensions: str) -> Output:
    attributes = {
        "id": "e1",
        "source": "urn:x",
        "type": "fr.l233.contribution.paid.v1",
        "subject": worker,
        "time": "2026-03-02T09:30:00+01:00",
        **extensions,
    }
    headers, value = pack_binary(attributes, PAID)
    return Output("l233.inbox.cpam", worker.encode(), value, headers)


def lying(output: Output) -> Plain:
    return Plain(output.topic, 0, 7, 1_000, output.key, output.value, tuple(output.headers))


def erase(path: Path, worker: str) -> KeyringVeil:
    keyfile.update(path, lambda known: known.erased(worker, 2_000, keyfile.fresh()))
    return KeyringVeil(path)


def said(record: Plain) -> bytes:
    return b"".join([record.value or b"", *(value for _, value in record.headers)])


def test_a_record_goes_out_veiled_and_comes_in_as_it_was(path: Path) -> None:
    """Extensions that producers thought of included; what routing needs stays."""
    veil, output = KeyringVeil(path), paid(comment="has moved to 31555")
    written = veil.outgoing(output)
    assert not any(told in said(lying(written)) for told in (b"417.83", b'2026-03"', b"31555"))
    assert written.headers[3:6] == output.headers[3:6]
    shown = veil.incoming(lying(written))
    assert (shown.value, list(shown.headers), shown.offset) == (PAID, list(output.headers), 7)


def test_the_same_gives_the_same_bytes_whoever_writes_it(path: Path) -> None:
    """A re-execution, a redrive and the copies for other organisms are the record once more."""
    assert KeyringVeil(path).outgoing(paid()) == KeyringVeil(path).outgoing(paid())
    assert KeyringVeil(path).outgoing(paid()).value != KeyringVeil(path).outgoing(paid(OTHER)).value


def test_once_erased_a_worker_can_be_read_by_nobody_and_everybody_else_as_before(path: Path) -> None:
    """Read, he is `erased` where his values were; written again, he has another key."""
    before = KeyringVeil(path)
    his, another = before.outgoing(paid()), before.outgoing(paid(OTHER))
    after = erase(path, WORKER)
    with pytest.raises(ErasedError):
        after.incoming(lying(his))
    shown = readable(after, lying(his))
    assert shown.value == b'{"period":"erased","paid":"erased","due":"erased","base":"erased"}'
    assert shown.headers[-1] == (ERASED_HEADER, b"")
    assert after.incoming(lying(another)).value == PAID
    again = after.outgoing(paid())
    assert again.value != his.value
    assert after.incoming(lying(again)).value == PAID
    assert after.erasures() == {WORKER.encode(): 2_000}


def test_a_running_process_notices_an_erasure(path: Path) -> None:
    """Within a second, and forgets the keys that it had."""
    now = [0.0]
    file = KeyringFile(path, lambda: now[0])
    before = file.current()
    changed = keyfile.update(path, lambda known: known.erased(WORKER, 1, keyfile.fresh()))
    assert file.current() is before
    now[0] = 1.1
    assert (file.current(), file.version) == (changed, 1)
    veil = KeyringVeil(path)
    written = veil.outgoing(paid(OTHER))
    veil.incoming(lying(written))
    veil._file._clock = lambda: now[0]
    keyfile.update(path, lambda known: known.erased(OTHER, 1, keyfile.fresh()))
    now[0] += 10_000_000
    with pytest.raises(ErasedError):
        veil.incoming(lying(written))


def test_while_the_keyring_can_not_be_read_nothing_goes_on_by_the_old_one(path: Path) -> None:
    """Somebody may have been erased; and a worker that stops is seen."""
    now = [0.0]
    file = KeyringFile(path, lambda: now[0])
    before = file.current()
    text = path.read_text()
    path.unlink()
    assert file.current() is before
    now[0] = 1.1
    for _ in range(2):
        with pytest.raises(KeyringUnusable):
            file.current()
    path.write_text(text)
    assert file.current() == before


def test_the_values_of_a_worker_are_kept_in_boxes_and_of_one_erased_are_absent(path: Path) -> None:
    """What is nobody's, such as positions and counts, is kept as it is."""
    veil, key = KeyringVeil(path), b"seen\0" + WORKER.encode() + b"x"
    kept = veil.kept(key, PAID)
    assert b"417.83" not in kept
    assert veil.opened(key, kept) == PAID
    assert veil.opened(key, PAID) == PAID, "written before there was a keyring"
    assert veil.kept(b"sum/2026-03", b"told [1]") == b"told [1]"
    assert erase(path, WORKER).opened(key, kept) is None


@pytest.mark.parametrize("at", [0, 20, -40, -1])
def test_what_was_altered_is_not_opened(path: Path, at: int) -> None:
    """Nor what stands where it was not written: another worker's, another key's."""
    veil, key = KeyringVeil(path), b"known\0" + WORKER.encode()
    kept = bytearray(veil.kept(key, PAID))
    assert veil.opened(b"seen\0" + WORKER.encode(), PAID) == PAID
    with pytest.raises(VeilBroken):
        veil.opened(b"seen\0" + WORKER.encode(), bytes(kept))
    kept[12 + at % (len(kept) - 12)] ^= 1
    with pytest.raises((VeilBroken, ErasedError)) if at else pytest.raises(VeilBroken):
        veil.opened(key, bytes(kept))


def test_without_a_keyring_nothing_veiled_is_taken_for_what_it_says(path: Path) -> None:
    """It is told which setting is missing."""
    veil = KeyringVeil(path)
    with pytest.raises(NoKeyring, match="L233_KEYRING"):
        NO_VEIL.incoming(lying(veil.outgoing(paid())))
    with pytest.raises(NoKeyring, match="L233_KEYRING"):
        NO_VEIL.opened(b"", veil.kept(WORKER.encode(), PAID))
    assert NO_VEIL.incoming(lying(paid())) == lying(paid())


def letter(key: bytes | None, id_: str, headers: Sequence[tuple[str, bytes]] = ()) -> Output:
    told, value = pack_binary(
        {"id": id_, "source": "urn:l233:intake", "type": "fr.l233.dead-letter.v1"},
        b'{"id":"l","reason":"contract","key":"a2V5","headers":[["h","dg=="]],"payload":"cGF5","redrives":0,'
        b'"remembered":[["aw==","dg=="]]}',
    )
    return Output("l233.dead-letters", key, value, [*told, *headers])


def test_a_dead_letter_is_veiled_whole_and_one_that_names_no_worker_with_a_key_of_its_own(path: Path) -> None:
    veil = KeyringVeil(path)
    nobodys = lying(veil.outgoing(letter(b"not a worker", "letter-1")))
    his = lying(veil.outgoing(letter(None, "letter-2", [("ce_subject", WORKER.encode())])))
    for one in (nobodys, his):
        assert not any(told in said(one) for told in (b"a2V5", b"dg==", b"cGF5"))
    after = erase(path, WORKER)
    assert b"cGF5" in (after.incoming(nobodys).value or b"")
    assert as_erased(his).value == (
        b'{"id":"l","reason":"contract","key":null,"headers":[],"payload":null,"redrives":0,"remembered":[]}'
    )
    with pytest.raises(ErasedError):
        erase(path, "letter-1").incoming(nobodys)


def test_the_keyring_is_its_owners_alone_and_what_it_said_before_is_overwritten(path: Path) -> None:
    """Whoever held the old file open finds nothing in it."""
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("rb") as before:
        erase(path, WORKER)
        left = before.read()
        assert left == bytes(len(left))
        assert left
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert not keyfile.make(path), "a keyring is never overwritten by a new one"
    assert isinstance(keyfile.load(path), Keyring)


def test_a_file_that_is_no_keyring_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(KeyringUnusable, match="L233_KEYRING"):
        KeyringVeil(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(KeyringUnusable, match=r"bad\.json is no keyring"):
        KeyringVeil(tmp_path / "bad.json")
