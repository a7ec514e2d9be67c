"""`l233 trace CASE`: the whole story of a case, from the topics. Exit code 1: no such case."""

from datetime import date
from typing import Annotated

import typer

from l233 import broker, story
from l233 import settings as configuration
from l233.errors import BadInput, L233Error
from l233.instants import end_of_day
from l233.output import print_json
from l233.reference import world
from l233.story import KnownOn
from l233.story_text import as_text
from l233.telling import plain
from l233.words import Language, words

app = typer.Typer(add_completion=False)


@app.command()
def trace(
    case: Annotated[str, typer.Argument(help="The id of a case, as receipts and `l233 check` tell it.")],
    lang: Annotated[Language, typer.Option(help="Tell it in French or in English.")] = Language.ENGLISH,
    known_on: Annotated[
        str | None, typer.Option(help="Tell what was known at the end of this day in Paris: 2026-03-02.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell a case: what happened, who was asked what and by when, what everybody made of it, what is late."""
    settings = configuration.load()
    known = world(settings)
    day = None if known_on is None else _day(known_on)
    stories = broker.run(story.find(settings.connection(), case, known, day), settings)
    if not stories:
        when = "" if day is None else f" on {day.day}"
        told = f"no case {plain(case)} is known{when}"
        raise L233Error(f"{told}: look at its id, or wait until the role cases has caught up")
    for one in stories:
        if json:
            print_json(story.as_json(one, known.directory))
        else:
            print("\n".join(as_text(one, known.directory, words(lang))))


def _day(text: str) -> KnownOn:
    try:
        return KnownOn(text, end_of_day(date.fromisoformat(text)))
    except ValueError:
        raise BadInput(f"--known-on {text}: expected a date, 2026-03-02") from None
