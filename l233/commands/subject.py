"""`l233 subject SIREN`: the reference of a worker under the configured key, as producers compute it."""

from typing import Annotated

import typer

from l233 import settings
from l233.errors import BadInput
from l233.output import print_json, remark
from l233.subject import configured_key, remark_on, worker_reference

app = typer.Typer(add_completion=False)


@app.command()
def subject(
    siren: Annotated[str, typer.Argument(help="The worker's SIREN, 9 digits.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the one reference of a worker, which is the subject and the key of all his events."""
    key = configured_key(settings.load())
    try:
        reference = worker_reference(siren, key.content)
    except ValueError as error:
        raise BadInput(str(error)) from error
    if said := remark_on(key):
        remark(said)
    if json:
        print_json(
            {"siren": siren.replace(" ", ""), "subject": reference, "development_key": key.development}
        )
    else:
        print(reference)
