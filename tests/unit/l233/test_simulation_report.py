"""The report of a simulation: the same bytes each time, signed, a page that needs nothing beside itself."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from coordination.simulation import Tally, report
from l233.simulation_report import HTML, JSON, SIGNATURE, statement, write
from tests.unit.coordination.examples import shipped
from tests.unit.coordination.test_simulation import AS_OF, decided, sooner


def written(folder: Path, key: Ed25519PrivateKey | None) -> dict[str, bytes]:
    """Write the report of a sick leave; return the files."""
    tally = Tally()
    name = "sick-leave.received"
    tally.take(decided(shipped(), name), decided(sooner(), name), {}, AS_OF)
    write(folder, report(tally, shipped(), sooner(), {"from": None, "to": "2026-12-31"}, ()), key)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_it_is_written_alike_each_time(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    assert written(tmp_path / "one", key) == written(tmp_path / "two", key)


def test_its_signature_is_under_both_files(tmp_path: Path) -> None:
    """Whoever has the public key can check it; the statement tells the SHA-256 of each file."""
    files = written(tmp_path, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    signed = json.loads(files[SIGNATURE])
    assert signed["sha256"].keys() == {JSON, HTML}
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed["key"]))
    key.verify(bytes.fromhex(signed["signature"]), statement(signed["sha256"]))


def test_without_a_key_no_signature_of_an_earlier_report_is_left(tmp_path: Path) -> None:
    written(tmp_path, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    assert written(tmp_path, None).keys() == {JSON, HTML}


def test_the_page_needs_nothing_beside_itself(tmp_path: Path) -> None:
    page = written(tmp_path, None)[HTML].decode()
    assert "<svg" in page
    assert {'lang="en"', 'lang="fr"'} <= set(re.findall(r'lang="..?"', page))
    assert not re.search(r'(src|href)="(?!#)', page)
    names = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: names.append(tag)  # type: ignore[method-assign]
    parser.feed(page)
    assert "script" not in names
