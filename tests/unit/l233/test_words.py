"""What a person is told in French is told in English too, with the same values in it."""

import re

import pytest

from l233.words import Language, Words, words
from schemas.emitted import EMITTED
from schemas.events import CONTRACTS
from schemas.follow_ups import FOLLOW_UPS

FRENCH, ENGLISH = words(Language.FRENCH), words(Language.ENGLISH)


def values(text: str) -> set[str]:
    """Return the names of the values that are put into a text."""
    return set(re.findall(r"{(\w+)}", text))


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    texts = [
        {
            (section, key): values(text)
            for section, keys in language.sections.items()
            for key, text in keys.items()
        }
        for language in (FRENCH, ENGLISH)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("language", [FRENCH, ENGLISH], ids=["fr", "en"])
@pytest.mark.parametrize("name", [*CONTRACTS, *FOLLOW_UPS, *EMITTED])
def test_every_event_has_a_name_in_each_language(name: str, language: Words) -> None:
    """One that has none would be told by its own, in English."""
    assert language.name("event", name) != name


def test_times_days_amounts_and_numbers_are_written_as_people_write_them() -> None:
    at = "2026-03-02T22:59:59.999Z"
    assert (FRENCH.moment(at), ENGLISH.moment(at)) == ("02/03/2026 23:59:59", "2026-03-02 23:59:59")
    assert (FRENCH.day("2026-03-02"), ENGLISH.day("2026-03-02")) == ("02/03/2026", "2026-03-02")
    assert (FRENCH.money("1200.05"), ENGLISH.money("1200.05")) == ("1\u202f200,05", "1,200.05")
    assert (FRENCH.number("0.9565"), ENGLISH.number("0.9565")) == ("0,9565", "0.9565")
    assert FRENCH.day("2026-03-02T23:59:59-04:00") == "02/03/2026", "a deadline's day is the organism's own"
