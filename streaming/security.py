"""How a client proves who it is and checks who answers: one place for every client."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class SecurityError(Exception):
    """The security settings contradict each other, or name a file that can't be used."""


@dataclass(frozen=True, slots=True)
class Security:
    """What is needed to connect. Passwords are kept out of the representation, so that no log shows them."""

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    """The authorities that may vouch for brokers; None: the system's."""
    certificate_file: Path | None = None
    """Our own certificate, for brokers that ask for one."""
    key_file: Path | None = None
    key_password: str | None = None

    def __repr__(self) -> str:
        return f"Security({self.protocol}, username={self.username!r})"


def client_options(security: Security) -> dict[str, object]:
    """Return keyword arguments that every aiokafka client takes.

    Raises SecurityError: SASL without name or password, credentials that the protocol would not use, a file
    that is not a certificate or key.
    """
    options: dict[str, object] = {"security_protocol": security.protocol}
    if security.protocol.startswith("SASL_"):
        if not security.username or not security.password:
            raise SecurityError(f"{security.protocol} needs a user name and a password")
        options["sasl_mechanism"] = security.mechanism
        options["sasl_plain_username"] = security.username
        options["sasl_plain_password"] = security.password
    elif security.username or security.password:
        # Else a deployment believes that it authenticates, and does not.
        raise SecurityError(
            f"a user name or password is set, but {security.protocol} uses none: set SASL_SSL"
        )
    if security.protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(security)
    elif security.ca_file or security.certificate_file:
        raise SecurityError(f"a certificate is set, but {security.protocol} uses none: set SSL or SASL_SSL")
    return options


def _ssl_context(security: Security) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=security.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if security.certificate_file:
            context.load_cert_chain(security.certificate_file, security.key_file, security.key_password)
    except OSError as error:  # ssl.SSLError is one
        files = [str(f) for f in (security.ca_file, security.certificate_file, security.key_file) if f]
        raise SecurityError(f"can't use {', '.join(files)}: {error}") from error
    return context
