"""How clients prove who they are."""

import ssl
import subprocess
from pathlib import Path

import pytest

from streaming.security import Security, SecurityError, client_options


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate and its key, with the machine's own openssl."""
    folder = tmp_path_factory.mktemp("authority")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "1", "-subj", "/CN=test"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def test_plain_needs_nothing() -> None:
    assert client_options(Security()) == {"security_protocol": "PLAINTEXT"}


def test_sasl_over_tls_gives_name_password_and_a_context_that_checks() -> None:
    """A broker whose certificate or name is wrong must never get the password."""
    options = client_options(Security("SASL_SSL", "SCRAM-SHA-256", "worker", "secret"))
    context = options.pop("ssl_context")
    assert options == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "worker",
        "sasl_plain_password": "secret",
    }
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_our_authority_and_certificate_are_used(authority: tuple[Path, Path]) -> None:
    certificate, key = authority
    options = client_options(Security("SSL", ca_file=certificate, certificate_file=certificate, key_file=key))
    context = options["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("security", "said"),
    [
        (Security("SASL_SSL"), "needs a user name and a password"),
        (Security("SASL_PLAINTEXT", username="worker"), "needs a user name and a password"),
        (Security(username="worker", password="secret"), "PLAINTEXT uses none"),  # noqa: S106  not one
        (Security("SSL", password="secret"), "SSL uses none"),  # noqa: S106  not one
        (Security(ca_file=Path("ca.pem")), "PLAINTEXT uses none"),
        (Security("SSL", ca_file=Path("/nowhere/ca.pem")), "can't use /nowhere/ca.pem"),
    ],
)
def test_settings_that_would_not_do_what_they_say_are_refused(security: Security, said: str) -> None:
    """A deployment that believes it authenticates, and does not, must not start."""
    with pytest.raises(SecurityError, match=said):
        client_options(security)


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate", encoding="ascii")
    with pytest.raises(SecurityError, match=r"wrong\.pem"):
        client_options(Security("SSL", ca_file=wrong))


def test_no_password_shows_when_security_is_printed() -> None:
    assert "secret" not in repr(Security("SASL_SSL", "PLAIN", "worker", "secret", key_password="secret"))  # noqa: S106  not one
