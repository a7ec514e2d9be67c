"""The reference of a worker."""

import hashlib
import hmac
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from stdnum import luhn

from l233.errors import BadInput
from l233.settings import Settings
from l233.subject import configured_key, remark_on, worker_reference

KEY = bytes(range(32))
digits = st.from_regex(r"[0-9]{8}", fullmatch=True)
siren = digits.map(lambda eight: eight + luhn.calc_check_digit(eight))


@given(siren, st.binary(min_size=32, max_size=64))
def test_it_is_the_first_half_of_the_hmac_of_the_siren(number: str, key: bytes) -> None:
    """Producers compute it themselves, in any language: RFC 2104 over the nine digits."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + number.encode()).digest()
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).hexdigest()
    assert worker_reference(number, key) == f"worker:{outer[:32]}"


@given(siren)
def test_spaces_do_not_make_another_worker(number: str) -> None:
    spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
    assert worker_reference(spaced, KEY) == worker_reference(number, KEY)


@given(siren, st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_no_siren(number: str, place: int, by: int) -> None:
    """A typing error must not found a second worker."""
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    with pytest.raises(ValueError, match="no SIREN"):
        worker_reference(wrong, KEY)


@pytest.mark.parametrize("text", ["", "12345678", "1234567890", "abcdefghi", "٧٣٢٨٢٩٣٢٠"])
def test_what_is_no_number_of_nine_digits_is_refused_without_being_quoted(text: str) -> None:
    """Somebody may have pasted a NIR."""
    with pytest.raises(ValueError, match="no SIREN") as refused:
        worker_reference(text, KEY)
    assert not text or text not in str(refused.value)


def test_the_development_key_is_said_to_be_one() -> None:
    key = configured_key(Settings())
    assert key.development
    assert "development key" in (remark_on(key) or "")


def test_a_key_in_a_file_is_the_key_in_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text(KEY.hex() + "\n", encoding="ascii")
    monkeypatch.setenv("L233_SUBJECT_KEY_FILE", str(file))
    in_file = configured_key(Settings())
    monkeypatch.delenv("L233_SUBJECT_KEY_FILE")
    monkeypatch.setenv("L233_SUBJECT_KEY", KEY.hex().upper())
    assert configured_key(Settings()) == in_file
    assert (in_file.content, in_file.development, remark_on(in_file)) == (KEY, False, None)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"L233_SUBJECT_KEY": "zz" * 32}, "L233_SUBJECT_KEY is not hexadecimal"),
        ({"L233_SUBJECT_KEY": "ab" * 31}, "has 31 bytes"),
        ({"L233_SUBJECT_KEY_FILE": "/nowhere/key"}, "can't read the subject key in /nowhere/key"),
        ({"L233_SUBJECT_KEY": "ab" * 32, "L233_SUBJECT_KEY_FILE": "/nowhere/key"}, "both set"),
    ],
)
def test_a_key_that_can_not_be_used_is_told_and_never_replaced(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Falling back to the development key would make references that are worth nothing."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=re.escape(said)):
        configured_key(Settings())


def test_a_key_does_not_show_when_printed() -> None:
    assert KEY.hex() not in repr(configured_key(Settings(subject_key=SecretStr(KEY.hex()))))


def test_python_agrees_with_itself() -> None:
    """The short form that documentation gives to producers is the same."""
    expected = hmac.new(KEY, b"732829320", "sha256").digest()[:16].hex()
    assert worker_reference("732829320", KEY) == f"worker:{expected}"
