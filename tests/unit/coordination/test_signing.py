"""What is signed under a version can't be altered, moved to another version, or made with another key."""

from dataclasses import fields, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

import scheme
from coordination.signing import KeyUnusableError, holds, private_key, public_hex, public_key, text_hash
from tests.unit.coordination.signed import KEYS, TEXT, key, name_of, signature

GOOD = signature(TEXT, "cnam")
DIGEST = text_hash(TEXT)


def test_a_signature_holds_under_its_own_text_alone() -> None:
    assert holds(GOOD, "2026-01", DIGEST)
    assert not holds(GOOD, "2026-02", DIGEST)
    assert not holds(GOOD, "2026-01", text_hash(TEXT + " "))


@given(st.sampled_from([field.name for field in fields(GOOD)]), st.data())
def test_no_character_of_a_signature_can_be_another(name: str, data: st.DataObject) -> None:
    """Who, as what, when, with which key: all of it is signed, and each signature has one writing."""
    value: str = getattr(GOOD, name)
    at = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != value[at]))
    altered = replace(GOOD, **{name: value[:at] + other + value[at + 1 :]})
    assert not holds(altered, "2026-01", DIGEST)


@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(1, 255))
def test_no_byte_of_a_text_can_be_another(at: int, flip: int) -> None:
    raw = bytearray(TEXT.encode())
    raw[at] ^= flip
    altered = raw.decode("utf-8", "surrogateescape")
    assert not holds(GOOD, "2026-01", text_hash(altered))


def test_line_ends_are_no_difference() -> None:
    """A version may be checked out with either."""
    assert holds(GOOD, "2026-01", text_hash(TEXT.replace("\n", "\r\n")))


def test_the_example_keys_belong_together_and_say_that_they_are_examples() -> None:
    for authority, pem in scheme.example_keys().items():
        assert public_key(pem.encode()) == public_hex(key(authority).public_key())
        assert (KEYS / f"{authority}.EXAMPLE-PRIVATE.pem").read_text().startswith("EXAMPLE KEY")
    assert len(set(scheme.example_keys().values())) == 5


def test_what_is_no_ed25519_key_is_told() -> None:
    other = generate_private_key(SECP256R1())
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for content, said in (
        (b"no key", "no private key in PEM"),
        (public, "no private"),
        (private, "another kind"),
    ):
        with pytest.raises(KeyUnusableError, match=said):
            private_key(content)
    for content, said in ((b"", "no public key in PEM"), (private, "no public"), (public, "another kind")):
        with pytest.raises(KeyUnusableError, match=said):
            public_key(content)


def test_the_helper_reads_the_name_of_a_version() -> None:
    assert name_of(TEXT) == "2026-01"
