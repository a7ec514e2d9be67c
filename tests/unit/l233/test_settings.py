"""What a deployment may set."""

import re
from pathlib import Path

import pytest

from l233 import settings
from l233.errors import BadInput
from l233.settings import Settings
from streaming.client import Limits

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


def test_every_setting_is_documented_and_nothing_else() -> None:
    """The table in docs/operations.md names each variable once, with the default that the code has."""
    rows = re.findall(
        r"^\| `L233_([A-Z_]+)` \| (.*?) \|", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE
    )
    documented = {name.lower(): default.strip("`") for name, default in rows}
    assert len(rows) == len(documented)
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert documented == {name: _told(default) for name, default in defaults.items()}


def _told(default: object) -> str:
    match default:
        case None:
            return "–"
        case bool():
            return str(default).lower()
        case float():
            return f"{default:g}"
        case _:
            return str(default)


def test_a_wrong_setting_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L233_LOG_FORMAT", "xml")
    monkeypatch.setenv("L233_SLICE_RECORDS", "0")
    with pytest.raises(BadInput, match=r"L233_LOG_FORMAT: .*L233_SLICE_RECORDS: "):
        settings.load()


def test_a_secret_shows_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are printed when something is wrong, and then logged by whoever runs us."""
    monkeypatch.setenv("L233_SASL_PASSWORD", "correct horse")
    monkeypatch.setenv("L233_SSL_KEY_PASSWORD", "battery staple")
    assert not re.search("horse|staple", repr(settings.load()))
    with pytest.raises(BadInput) as refused:
        settings.load().client_options()
    assert "horse" not in str(refused.value)


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files pass variables on that nobody set."""
    monkeypatch.setenv("L233_BOOTSTRAP", "")
    monkeypatch.setenv("L233_SASL_USERNAME", "")
    monkeypatch.setenv("L233_UNSEALED_SECONDS", "")
    assert settings.load() == Settings.model_construct()


def test_limits_reach_the_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting that has the name of a limit is that limit."""
    shared = Settings.model_fields.keys() & Limits.__dataclass_fields__.keys()
    for number, name in enumerate(sorted(shared), start=7):
        monkeypatch.setenv(f"L233_{name.upper()}", str(number))
    limits = settings.load().connection().limits
    assert [getattr(limits, name) for name in sorted(shared)] == list(range(7, 7 + len(shared)))
    assert len(shared) >= 7


def test_state_is_kept_at_home_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L233_HOME", "/srv/l233")
    assert settings.load().connection().state == Path("/srv/l233/state")
    monkeypatch.setenv("L233_STATE_DIR", "/var/lib/l233")
    assert settings.load().connection().state == Path("/var/lib/l233")


def test_every_client_gets_address_and_security(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L233_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("L233_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("L233_SASL_USERNAME", "worker")
    monkeypatch.setenv("L233_SASL_PASSWORD", "secret")
    options = settings.load().client_options()
    assert settings.load().connection().client() == options
    assert options["bootstrap_servers"] == "kafka:9092"
    assert options["sasl_plain_password"] == "secret"  # noqa: S105  not one
