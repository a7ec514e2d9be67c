"""What a deployment may set: environment variables beginning with `L233_`, each with a default.

`docs/operations.md` has the same list as a table; a test holds the two together.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from l233.errors import BadInput
from streaming.archive import Archive
from streaming.client import Connection, Limits
from streaming.clock import WALL, Clock, ClockError, FileClock
from streaming.errors import KeyringUnusable
from streaming.security import Mechanism, Protocol, Security, SecurityError, client_options
from streaming.veil import NO_VEIL, KeyringVeil, Veil

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]

DEFAULTS = Limits()


class Settings(BaseSettings):
    """Read once at the start of a command; frozen."""

    model_config = SettingsConfigDict(
        env_prefix="L233_", frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    bootstrap: Annotated[str, Field(min_length=1)] = "127.0.0.1:9092"
    """Brokers to connect to, `host:port`, comma-separated."""
    home: Path = Path(".l233")
    """Folder of everything that the local commands keep: Kafka's data, workers' state."""
    state_dir: Path | None = None
    """Folder of the workers' state stores; by default `state` in the home folder."""
    topics_file: Path | None = None
    """Another registry of topics than the one that came with the program."""

    production: bool = False
    """Refuse the example keys and whatever they signed, the shipped scheme included."""
    trusted_keys: Path | None = None
    """Folder of the public keys, `AUTHORITY.public.pem`, that may sign a scheme."""

    audit_key: Path | None = None
    """File of the private key (PEM) with which the role audit signs how far what was decided is sealed."""
    witness: Annotated[str, Field(min_length=1)] = "cnam"
    """The organism that the role witness signs for."""
    witness_key: Path | None = None
    """File of that organism's private key (PEM)."""
    seal_keys: Path | None = None
    """Folder of the public keys, `audit.public.pem`, `ORGANISM.public.pem`, that count under checkpoints."""
    seal_seconds: Seconds = 5.0
    """How long a record may wait for the checkpoint that covers it."""
    unsealed_seconds: Annotated[float, Field(ge=0)] = 600.0
    """How old the oldest unsealed decision may be before intake stops accepting; 0: however old."""

    keyring: Path | None = None
    """File of the keyring by which what is personal is veiled in everything that is written."""

    archive: Path | None = None
    """Folder of input records that were taken out of Kafka before their time; else one in the home folder."""

    log_format: LogFormat = "auto"
    """`json`, `console`, or `auto`: console when a terminal shows it."""
    log_level: LogLevel = "INFO"
    """The least severe that is logged."""
    debug: bool = False
    """Show tracebacks of errors that would otherwise be told in one line."""

    security_protocol: Protocol = "PLAINTEXT"
    """How to connect: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    sasl_mechanism: Mechanism = "SCRAM-SHA-512"
    """PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    sasl_username: str | None = None
    """User name, when the protocol is a SASL one."""
    sasl_password: SecretStr | None = None
    """Password of that user."""
    ssl_ca_file: Path | None = None
    """Authorities that may vouch for brokers (PEM); by default the system's."""
    ssl_certificate_file: Path | None = None
    """Our certificate (PEM), for brokers that ask for one."""
    ssl_key_file: Path | None = None
    """The key of that certificate (PEM), when it is in a file of its own."""
    ssl_key_password: SecretStr | None = None
    """What opens that key."""

    subject_key: SecretStr | None = None
    """The key of worker references, in hexadecimal, at least 32 bytes."""
    subject_key_file: Path | None = None
    """A file that holds that key in hexadecimal, instead of the variable."""

    clock: Path | None = None
    """A file that tells the time, one RFC 3339 instant, for tests and demonstrations; else the machine."""

    slice_records: Count = DEFAULTS.slice_records
    """Most records worked in one transaction."""
    slice_bytes: Count = DEFAULTS.slice_bytes
    """Most bytes worked in one transaction."""
    lane_bytes: Count = DEFAULTS.lane_bytes
    """Bytes that may wait in one lane before its partitions are paused."""
    unexpected_in_a_row: Count = DEFAULTS.unexpected_in_a_row
    """Failures in a row that no rule foresees, after which a worker stops."""
    transaction_timeout: Seconds = DEFAULTS.transaction_timeout
    """Seconds after which Kafka aborts a transaction that was left open."""
    stop_timeout: Seconds = DEFAULTS.stop_timeout
    """Seconds that a worker may take to stop."""
    progress_timeout: Seconds = DEFAULTS.progress_timeout
    """Seconds that records may wait without progress before a worker exits to be restarted."""
    session_timeout: Seconds = DEFAULTS.session_timeout
    """Seconds without a sign of life after which Kafka gives a worker's lanes to others."""

    @property
    def kafka_folder(self) -> Path:
        """Where the local Kafka keeps its data."""
        return self.home / "kafka"

    @property
    def state_folder(self) -> Path:
        """Where workers keep their state."""
        return self.state_dir or self.home / "state"

    @property
    def keyring_file(self) -> Path | None:
        """The keyring in use: the one that is named or, unless in production, the home folder's."""
        own = self.own_keyring
        return self.keyring or (own if not self.production and own.is_file() else None)

    @property
    def own_keyring(self) -> Path:
        """Where a system of this folder keeps a keyring of its own."""
        return self.home / "keyring.json"

    @property
    def archive_folder(self) -> Path:
        """Where input records are kept that were taken out of Kafka, for all who read them."""
        return self.archive or self.home / "archive"

    def client_options(self) -> dict[str, object]:
        """Return what every aiokafka client takes, `bootstrap_servers` included. Raises BadInput."""
        return {"bootstrap_servers": self.bootstrap, **self._security_options()}

    def connection(self) -> Connection:
        """Return what a worker's lanes need to connect and to stay within bounds. Raises BadInput."""
        limits = Limits(
            slice_records=self.slice_records,
            slice_bytes=self.slice_bytes,
            lane_bytes=self.lane_bytes,
            unexpected_in_a_row=self.unexpected_in_a_row,
            transaction_timeout=self.transaction_timeout,
            stop_timeout=self.stop_timeout,
            progress_timeout=self.progress_timeout,
            session_timeout=self.session_timeout,
        )
        options, clock, archive = self._security_options(), self._clock(), Archive(self.archive_folder)
        return Connection(self.bootstrap, self.state_folder, options, limits, clock, self._veil(), archive)

    def _veil(self) -> Veil:
        try:
            return NO_VEIL if self.keyring_file is None else KeyringVeil(self.keyring_file)
        except KeyringUnusable as error:
            raise BadInput(str(error)) from error

    def _clock(self) -> Clock:
        if self.clock is None:
            return WALL
        try:
            return FileClock(self.clock)
        except ClockError as error:
            raise BadInput(f"{error} (setting L233_CLOCK)") from error

    def _security_options(self) -> dict[str, object]:
        security = Security(
            protocol=self.security_protocol,
            mechanism=self.sasl_mechanism,
            username=self.sasl_username,
            password=_revealed(self.sasl_password),
            ca_file=self.ssl_ca_file,
            certificate_file=self.ssl_certificate_file,
            key_file=self.ssl_key_file,
            key_password=_revealed(self.ssl_key_password),
        )
        try:
            return client_options(security)
        except SecurityError as error:
            raise BadInput(f"{error} (settings L233_SECURITY_PROTOCOL, L233_SASL_…, L233_SSL_…)") from error


def load() -> Settings:
    """Read the settings of this process. Raises BadInput that names the variables which can't be used."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"L233_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_url=False)
        )
        raise BadInput(f"settings can't be used: {wrong}") from None


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
