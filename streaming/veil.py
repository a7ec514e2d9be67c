"""The veil: what is personal is encrypted, with a key per worker, before it is written, and opened when read.

One seam for everything that a lane writes: fields of records on topics, values of the state. Handlers see
and return plain values. AES-SIV (RFC 5297) is deterministic: the same worker, place and content give the same
bytes, which is what exactly-once re-emission, the original receipt again, and replay rest on. Without a nonce
there is none to repeat; all that shows is that the very same was written at the very same place twice.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha512
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from schemas import veiled
from schemas.envelope import Headers
from schemas.keyring import ErasedError
from schemas.topics import DEAD_LETTERS, INPUT
from schemas.veiled import ERASED_HEADER, FIELDS, FORM, MARKER, VEILED_HEADER
from streaming.errors import NoKeyring, VeilBroken
from streaming.keyfile import KeyringFile
from streaming.records import Output, Record

BOX: Final = b"\xff\x00veil\x01"
"""What a veiled value of the state begins with; then the number of the tree, then the ciphertext."""
_TREE_BYTES: Final = 4
OVERHEAD: Final = len(BOX) + _TREE_BYTES + 16
"""Bytes by which a value of the state grows."""
_WORKER: Final = re.compile(rb"worker:[0-9a-f]{32}")
_TYPE: Final = "ce_type"
_CIPHERS: Final = 8_192
_OPENED: Final = 2_048


class Plain(NamedTuple):
    """A record as handlers see it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Veil(Protocol):
    """What stands between a lane and what is written."""

    def outgoing(self, output: Output) -> Output:
        """Return an output as it is to be written."""
        ...

    def incoming(self, record: Record) -> Record:
        """Return a record as its handler sees it. Raises ErasedError: its worker was erased."""
        ...

    def kept(self, key: bytes, value: bytes) -> bytes:
        """Return a value of the state as it is to be written."""
        ...

    def opened(self, key: bytes, value: bytes) -> bytes | None:
        """Return a value of the state; None: its worker was erased."""
        ...

    def erasures(self) -> Mapping[bytes, int]:
        """Return who was erased, and when last (milliseconds since 1970)."""
        ...


class NoVeil:
    """Writes everything as it is: where there is no keyring. Raises NoKeyring for what it can't read."""

    def outgoing(self, output: Output) -> Output:
        """Return it as it is."""
        return output

    def incoming(self, record: Record) -> Record:
        """Return it as it is."""
        if is_veiled(record):
            raise NoKeyring(f"a record of {record.topic} is veiled: {_NO_KEYRING}")
        return record

    def kept(self, key: bytes, value: bytes) -> bytes:
        """Return it as it is."""
        return value

    def opened(self, key: bytes, value: bytes) -> bytes | None:
        """Return it as it is."""
        if value.startswith(BOX):
            raise NoKeyring(f"the state is veiled: {_NO_KEYRING}")
        return value

    def erasures(self) -> Mapping[bytes, int]:
        """Return nobody: without a keyring nothing can be erased."""
        return {}


_NO_KEYRING: Final = "set L233_KEYRING to the keyring that it was written with"
NO_VEIL: Final = NoVeil()


class _Cipher(NamedTuple):
    tree: bytes
    siv: AESSIV


class KeyringVeil:
    """Veils with the keyring of a file, and follows what becomes of that."""

    def __init__(self, path: Path) -> None:
        """Read the keyring. Raises KeyringUnusable."""
        self._file = KeyringFile(path)
        self._version = -1
        self._forget()

    def _forget(self) -> None:
        """Drop what was computed from a keyring that is no more."""
        self._own = lru_cache(_CIPHERS)(self._current)
        self._others = lru_cache(_CIPHERS)(self._of)
        self._open = lru_cache(_OPENED)(self._unveiled)
        self._last: tuple[bytes, bytes, bytes, bytes] | None = None

    def _look(self) -> None:
        self._file.current()
        if self._file.version != self._version:
            self._version = self._file.version
            self._forget()

    def _current(self, name: bytes) -> _Cipher:
        text = name.decode()
        return self._of(text, self._file.current().tree_of(text))

    def _of(self, name: str, tree: int) -> _Cipher:
        key = sha512(self._file.current().key(name, tree)).digest()
        return _Cipher(tree.to_bytes(_TREE_BYTES, "big"), AESSIV(key))

    def _sealed(self, name: bytes, content: bytes, place: list[bytes]) -> bytes:
        cipher = self._own(name)
        return cipher.tree + cipher.siv.encrypt(content, place)

    def _unsealed(self, name: bytes, sealed: bytes, place: list[bytes]) -> bytes:
        """Decrypt. Raises ErasedError, VeilBroken."""
        tree = int.from_bytes(sealed[:_TREE_BYTES], "big")
        try:
            return self._others(name.decode(), tree).siv.decrypt(sealed[_TREE_BYTES:], place)
        except (InvalidTag, ValueError) as error:
            raise VeilBroken(
                "something veiled can't be opened: it was altered, or written with another keyring than "
                "the one that L233_KEYRING names"
            ) from error

    # -- the state ----------------------------------------------------------------------------------

    def kept(self, key: bytes, value: bytes) -> bytes:
        """Return a worker's value in a box; what is no worker's as it is."""
        self._look()
        found = _WORKER.search(key) if value else None
        return value if found is None else BOX + self._sealed(found[0], value, [b"state", key])

    def opened(self, key: bytes, value: bytes) -> bytes | None:
        """Return what is in a box; None once its key was destroyed."""
        if not value.startswith(BOX):
            return value
        self._look()
        found = _WORKER.search(key)
        if found is None:
            return value
        try:
            return self._unsealed(found[0], value[len(BOX) :], [b"state", key])
        except ErasedError:
            return None

    def erasures(self) -> Mapping[bytes, int]:
        """Return who was erased, and when last."""
        return {one.worker.encode(): one.at for one in self._file.current().erasures}

    # -- topics -------------------------------------------------------------------------------------

    def outgoing(self, output: Output) -> Output:
        """Return an output with its personal fields veiled; one that has none as it is."""
        if output.topic == INPUT or output.value is None:
            return output
        headers = output.headers
        type_ = _header(headers, _TYPE)
        if type_ not in FIELDS:
            return output
        self._look()
        name, id_ = _name_of(output.topic, output.key, headers), _header(headers, "ce_id")
        value = self._veiled(name, type_, id_, output.value)
        hidden = self._hidden(name, [b"header", type_, id_], headers)
        if value is output.value and hidden == list(headers):
            return output
        return output._replace(value=value, headers=[*hidden, (VEILED_HEADER, FORM)])

    def _veiled(self, name: bytes, type_: bytes, id_: bytes, payload: bytes) -> bytes:
        """Return a payload veiled; that of the copies for several organisms once."""
        last = self._last  # one whole value: lanes take turns, but nothing here relies on it
        if last is not None and last[2] is payload and last[:2] == (name, id_):
            return last[3]

        found = veiled.veiled(
            type_, payload, lambda plain: self._sealed(name, plain, [b"fields", type_, id_])
        )
        self._last = name, id_, payload, found
        return found

    def _hidden(self, name: bytes, place: list[bytes], headers: Headers) -> list[tuple[str, bytes]]:
        """Return headers with what producers thought of veiled."""
        return [
            (header, MARKER.encode() + b64encode(self._sealed(name, content, [*place, header.encode()])))
            if veiled.is_unheard_of(place[1], header)
            else (header, content)
            for header, content in headers
        ]

    def incoming(self, record: Record) -> Record:
        """Return a record with its fields opened. Raises ErasedError, VeilBroken."""
        if not is_veiled(record):
            return record
        self._look()
        headers = record.headers
        type_, id_ = _header(headers, _TYPE), _header(headers, "ce_id")
        name = name_of(record)
        shown = [
            (header, self._shown(name, [b"header", type_, id_, header.encode()], content))
            if veiled.is_unheard_of(type_, header)
            else (header, content)
            for header, content in headers[:-1]
        ]
        value = None if record.value is None else self._open(name, type_, id_, record.value)
        return Plain(
            record.topic, record.partition, record.offset, record.timestamp, record.key, value, shown
        )

    def _unveiled(self, name: bytes, type_: bytes, id_: bytes, payload: bytes) -> bytes:
        try:
            return veiled.unveiled(
                type_, payload, lambda sealed: self._unsealed(name, sealed, [b"fields", type_, id_])
            )
        except ValueError as error:
            raise VeilBroken("a veiled record can't be opened: it was altered") from error

    def _shown(self, name: bytes, place: list[bytes], content: bytes) -> bytes:
        return self._unsealed(name, b64decode(content.removeprefix(MARKER.encode())), place)


def is_veiled(record: Record) -> bool:
    """Say whether a record has veiled fields: l233 says so in its last header."""
    headers = record.headers
    return bool(headers) and headers[-1][0] == VEILED_HEADER and record.topic != INPUT


def has_personal(record: Record) -> bool:
    """Say whether a record as it lies there has plain fields that are told about a person."""
    type_ = _header(record.headers, _TYPE)
    return record.value is not None and type_ in FIELDS and veiled.tells(type_, record.value)


def name_of(record: Record) -> bytes:
    """Return whose key veils a record: its worker's; of a dead letter that names none, one of its own."""
    return _name_of(record.topic, record.key, record.headers)


def as_erased(record: Record) -> Record:
    """Return a veiled record as it is read when its fields can't be opened any more."""
    type_ = _header(record.headers, _TYPE)
    value = None if record.value is None else veiled.without_personal(type_, record.value)
    shown = [
        (header, b"erased" if veiled.is_unheard_of(type_, header) else content)
        for header, content in record.headers[:-1]
    ]
    place = record.topic, record.partition, record.offset, record.timestamp
    return Plain(*place, record.key, value, [*shown, (ERASED_HEADER, b"")])


def is_erased(record: Record) -> bool:
    """Say whether a record is read without what was erased of it."""
    headers = record.headers
    return bool(headers) and headers[-1][0] == ERASED_HEADER


def readable(veil: Veil, record: Record) -> Record:
    """Return a record as somebody reads it: opened, or with what was erased left out."""
    try:
        return veil.incoming(record)
    except ErasedError:
        return as_erased(record)


def _header(headers: Headers, wanted: str) -> bytes:
    for name, value in headers:
        if name == wanted:
            return value
    return b""


def _name_of(topic: str, key: bytes | None, headers: Headers) -> bytes:
    subject = _header(headers, "ce_subject")
    if _WORKER.fullmatch(subject):
        return subject
    if key is not None and _WORKER.fullmatch(key):
        return key
    return _header(headers, "ce_id") if topic == DEAD_LETTERS else b""
