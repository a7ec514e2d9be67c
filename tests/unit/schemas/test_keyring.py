"""Every worker's key comes from the keyring, until he is erased: then his, and his alone, from nobody's."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import keyring
from schemas.keyring import LEVELS, ErasedError, Keyring, KeyringError

SECRET = bytes(range(32))
FRESH = bytes(range(32, 64))
NAMES = st.lists(st.integers(0, 10_000).map(lambda n: f"worker:{n:032x}"), min_size=2, unique=True)


def by_definition(secret: bytes, name: str) -> bytes:
    """Return the leaf of a whole tree, walked as Goldreich, Goldwasser and Micali say."""
    path = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    for level in reversed(range(LEVELS)):
        secret = hashlib.sha256(secret + bytes([path >> level & 1])).digest()
    return secret


@given(NAMES)
def test_erasing_some_destroys_their_keys_and_changes_no_other(names: list[str]) -> None:
    """Half of them go, one after the other; the rest have the key that the whole tree gives."""
    gone, left = names[::2], names[1::2]
    known = Keyring.of(SECRET)
    for at, name in enumerate(gone):
        known = known.erased(name, at, FRESH)
    known = keyring.read(keyring.write(known))
    for name in left:
        assert known.tree_of(name) == 1
        assert known.key(name, 1) == by_definition(SECRET, name)
    for name in gone:
        with pytest.raises(ErasedError):
            known.key(name, 1)
    assert [one.worker for one in known.erasures] == gone


def test_what_comes_of_an_erased_worker_later_has_a_key_of_its_own_and_can_be_erased_again() -> None:
    """The next tree is there at once, so that all who read the file agree on it."""
    name, other = "worker:" + "a" * 32, "worker:" + "b" * 32
    once = Keyring.of(SECRET).erased(name, 1, FRESH)
    assert once.tree_of(name) == 2
    assert once.tree_of(other) == 1
    assert once.key(name, 2) == by_definition(FRESH, name)
    twice = once.erased(name, 2, SECRET).erased(other, 3, SECRET)
    assert (twice.tree_of(name), twice.tree_of(other)) == (3, 2)
    with pytest.raises(ErasedError):
        twice.key(name, 2)
    assert [one.tree for one in twice.erasures] == [1, 2, 1]


def test_no_secret_on_the_path_of_an_erased_worker_is_left() -> None:
    """Nor anything else than what lies beside his path: 64 nodes."""
    name = "worker:" + "a" * 32
    (tree, _) = Keyring.of(SECRET).erased(name, 1, FRESH).trees
    path = keyring.path_of(name)
    assert not any(path.startswith(node) for node in tree)
    assert len(tree) == LEVELS
    assert SECRET.hex() not in keyring.write(Keyring.of(SECRET).erased(name, 1, FRESH))


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"l233_keyring": 1, "trees": [], "erasures": []}',
        '{"l233_keyring": 1, "trees": [{"": "00"}], "erasures": []}',
        '{"l233_keyring": 2, "trees": [{}], "erasures": []}',
    ],
)  # fmt: skip
def test_what_is_no_keyring_is_refused(text: str) -> None:
    """Half a file is none."""
    with pytest.raises(KeyringError):
        keyring.read(text)
