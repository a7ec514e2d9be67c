"""A realistic day of events, made up: for the demonstration, the measurements and the tests.

`generate` gives the records; each says which verdict was planted in it.
"""

from l233.day.calendar import FIRST_DAY
from l233.day.generator import EVERYTHING_FROM, generate
from l233.day.records import GeneratedRecord, Outcome

__all__ = ["EVERYTHING_FROM", "FIRST_DAY", "GeneratedRecord", "Outcome", "generate"]
