"""Keys of checkpoints: the example's where nothing is set, and none that others would not believe."""

from pathlib import Path

import pytest

import scheme
from agents.sealers import example_sealers
from coordination.signing import private_key, public_hex, public_key
from l233.cli import main
from l233.errors import BadInput
from l233.seal_keys import sealers, trusted
from l233.settings import Settings

BOTH = ("audit", "witness")


def pair(folder: Path, who: str) -> Path:
    """Make a pair of keys as a person does and return where the private one is."""
    assert main(["audit", "keygen", who, "--to", str(folder)]) == 0
    return folder / f"{who}.private.pem"


def test_the_example_keys_belong_together_and_say_that_they_are_examples() -> None:
    """Each private half carries the words before its key."""
    for who, pem in scheme.example_seal_private_keys().items():
        assert pem.startswith("EXAMPLE KEY, NOT ")
        public = public_hex(private_key(pem.encode()).public_key())
        assert public == public_key(scheme.example_seal_keys()[who].encode())


def test_without_settings_the_example_signs_and_counts() -> None:
    """So that it works at once, on any machine."""
    found = sealers(Settings(), BOTH)
    assert found.trusted == example_sealers().trusted
    assert found.sealing is not None
    assert found.witnessing is not None
    assert found.witnessing.organism == "cnam"


def test_own_keys_sign_in_production(tmp_path: Path) -> None:
    """And the example's count for nothing there."""
    settings = Settings(
        production=True,
        seal_keys=tmp_path,
        audit_key=pair(tmp_path, "audit"),
        witness="cpam:311",
        witness_key=pair(tmp_path, "cpam:311"),
        seal_seconds=2.5,
    )
    found = sealers(settings, BOTH)
    assert set(found.trusted) == {"audit", "cpam:311"}
    assert found.sealing is not None
    assert found.sealing.within_ms == 2_500
    assert found.witnessing is not None
    assert found.witnessing.organism == "cpam:311"
    assert found.witnessing.audit == {"audit": found.trusted["audit"]}


def test_production_without_keys_of_its_own_does_not_start(tmp_path: Path) -> None:
    """No public keys; the example's; no private key for a role that signs."""
    with pytest.raises(BadInput, match="L233_SEAL_KEYS"):
        trusted(Settings(production=True))
    for who, pem in scheme.example_seal_keys().items():
        (tmp_path / f"{who}.public.pem").write_text(pem, encoding="utf-8")
    with pytest.raises(BadInput, match="example key"):
        trusted(Settings(production=True, seal_keys=tmp_path))
    own = tmp_path / "own"
    own.mkdir()
    for who in ("audit", "cnam"):
        pair(own, who)
    for role, setting in (("audit", "L233_AUDIT_KEY"), ("witness", "L233_WITNESS_KEY")):
        with pytest.raises(BadInput, match=setting):
            sealers(Settings(production=True, seal_keys=own), [role])
    assert sealers(Settings(production=True, seal_keys=own), ["intake"]).trusted


def test_a_key_that_nobody_would_believe_signs_nothing(tmp_path: Path) -> None:
    """It is refused at the start, not by everybody who verifies."""
    known, other = tmp_path / "known", tmp_path / "other"
    known.mkdir()
    other.mkdir()
    pair(known, "audit")
    with pytest.raises(BadInput, match="nobody trusts this key of audit"):
        sealers(Settings(seal_keys=known, audit_key=pair(other, "audit")), ["audit"])
    with pytest.raises(BadInput, match="needs a key of acoss"):
        sealers(Settings(witness="acoss"), ["witness"])
    with pytest.raises(BadInput, match="holds no key"):
        sealers(Settings(seal_keys=tmp_path), ["audit"])
