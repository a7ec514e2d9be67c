"""Which keyring a system goes by: the one that is named, or its own; in production never none."""

from pathlib import Path

import pytest

from l233 import cli, keyrings
from l233.errors import BadInput
from l233.settings import Settings
from schemas.keyring import Keyring
from streaming import keyfile
from streaming.veil import NO_VEIL, KeyringVeil


def test_a_system_of_ones_own_makes_a_keyring_in_its_home_once(tmp_path: Path) -> None:
    """What reads there finds it by itself."""
    settings = Settings(home=tmp_path / "new")
    assert settings.connection().veil is NO_VEIL
    first = keyrings.with_own(settings)
    assert first.keyring == tmp_path / "new" / "keyring.json"
    made = keyfile.load(first.own_keyring)
    assert keyfile.load(keyrings.with_own(settings).own_keyring) == made
    assert isinstance(settings.connection().veil, KeyringVeil)


def test_a_keyring_that_is_named_is_the_one(tmp_path: Path) -> None:
    path = keyrings.make(tmp_path)
    settings = Settings(home=tmp_path / "home", keyring=path)
    assert keyrings.with_own(settings) is settings
    assert settings.keyring_file == path


def test_production_writes_nothing_plainly_by_accident(tmp_path: Path) -> None:
    """A keyring that happens to lie in the home folder is not taken for the deployment's."""
    keyfile.make(tmp_path / "keyring.json")
    settings = Settings(home=tmp_path, production=True)
    assert keyrings.with_own(settings).keyring_file is None
    with pytest.raises(BadInput, match="L233_KEYRING"):
        keyrings.require(settings)
    keyrings.require(Settings(production=True, keyring=tmp_path / "keyring.json"))


def test_a_keyring_that_can_not_be_read_is_told_by_its_setting(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.json.*L233_KEYRING"):
        Settings(keyring=tmp_path / "none.json").connection()


def test_keygen_makes_one_and_never_overwrites_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["audit", "keygen", "keyring", "--to", str(tmp_path)]
    assert cli.main(command) == 0
    made = keyfile.load(tmp_path / "keyring.json")
    assert isinstance(made, Keyring)
    assert cli.main(command) == 2
    assert "exists" in capsys.readouterr().err
    assert keyfile.load(tmp_path / "keyring.json") == made
