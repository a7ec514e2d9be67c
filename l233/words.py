"""What a person is told, in French or English: texts are data (`l233/texts`), values are put into them."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files

from coordination.instants import PARIS


class Language(StrEnum):
    """A language in which people are told things."""

    FRENCH = "fr"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language, by section and key, and its way to write times and amounts."""

    language: Language
    sections: dict[str, dict[str, str]]

    def say(self, section: str, key: str, **values: object) -> str:
        """Return a text with its values. Raises KeyError for one that does not exist."""
        return self.sections[section][key].format(**values)

    def name(self, section: str, key: str) -> str:
        """Return the name of something that may be newer than these texts: then it is its own."""
        return self.sections[section].get(key, key)

    def moment(self, time: str) -> str:
        """Return an RFC 3339 time as people in Paris say it, to the second."""
        at = datetime.fromisoformat(time).astimezone(PARIS)
        return at.strftime("%d/%m/%Y %H:%M:%S" if self.language is Language.FRENCH else "%Y-%m-%d %H:%M:%S")

    def day(self, time: str) -> str:
        """Return the day of an ISO date, or of a time where it was written."""
        on = date.fromisoformat(time[:10])
        return on.strftime("%d/%m/%Y") if self.language is Language.FRENCH else on.isoformat()

    def money(self, amount: str) -> str:
        """Return an amount, `1200.00`, as it is written."""
        euros, _, cents = amount.partition(".")
        grouped = f"{int(euros):,}"
        if self.language is Language.FRENCH:
            return f"{grouped.replace(',', chr(0x202F))},{cents}"
        return f"{grouped}.{cents}"

    def number(self, text: str) -> str:
        """Return a decimal number, `0.5000`, as it is written."""
        return text.replace(".", ",") if self.language is Language.FRENCH else text


@cache
def words(language: Language) -> Words:
    """Return the texts of a language."""
    text = files(__package__).joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    return Words(language, tomllib.loads(text))
