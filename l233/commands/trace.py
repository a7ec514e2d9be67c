"""`l233 trace CASE`: the whole story of a case, from the topics. Exit code 1: no such case."""

from typing import Annotated

import typer

from l233 import broker, story
from l233 import settings as configuration
from l233.errors import L233Error
from l233.output import print_json
from l233.reference import directory
from l233.telling import plain

app = typer.Typer(add_completion=False)


@app.command()
def trace(
    case: Annotated[str, typer.Argument(help="The id of a case, as receipts and `l233 check` tell it.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what happened in a case, who was asked what and by when, and what everybody answered."""
    settings, known = configuration.load(), directory()
    stories = broker.run(story.find(settings.connection(), case), settings)
    if not stories:
        raise L233Error(
            f"no case {plain(case)} is known: look at its id, or wait until the role cases has caught up"
        )
    for one in stories:
        if json:
            print_json(story.as_json(one, known))
        else:
            print("\n".join(story.as_text(one, known)))
