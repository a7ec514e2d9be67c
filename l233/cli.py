"""The command line: finds the command, runs it, and turns our errors into one line and an exit code.

To add a command: write `l233/commands/<name>.py` (a dash becomes an underscore) with a
`typer.Typer(add_completion=False)` named `app` — one function makes a command, several or a callback make a
group — and add its line to `COMMANDS`. Only the module of the command that is run gets imported, so modules
import at their top what they need and `l233 --help` stays quick. Raise the errors of `l233.errors` for what
a person can act on, and `typer.Exit(1)` for a negative answer that was already printed.

Exit codes: 0 done, 1 a negative answer, 2 input or usage, 3 no broker, 70 a failure of our own,
130 interrupted.
"""

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from l233.environment import require_own_environment
from l233.errors import L233Error

COMMANDS: dict[str, str] = {
    "demo": "A whole day, from Kafka to closed cases, told and counted; ends by itself.",
    "up": "Kafka and every role on this machine, staying up.",
    "down": "Stop the roles and the Kafka that were started here.",
    "status": "What runs, what waits, and what became of every record.",
    "publish": "Check a file of events, send it, and wait for the receipts.",
    "quality": "How well the self-employed are served, against the objectives of 2°.",
    "trace": "The whole story of a case: who was asked what, and what they answered.",
    "acknowledge": "What an organism says on a case: reported, settled or refused.",
    "outage": "When an organism's own system is out of order: declare, end, withdraw, list.",
    "dead-letters": "Records that could not go on: list, show, redrive.",
    "replay": "Decide recorded events again, and compare with what was decided then.",
    "audit": "Whether what was decided is as it was sealed; proofs of it, and exports.",
    "check": "What production would decide about a file of events, without any Kafka.",
    "rehearse": "The whole system over a file of events, in memory, on a virtual clock.",
    "convert": "Records of other systems to events: convert rne.",
    "scheme": "The life of a version of the scheme: keygen, lint, sign, approve, publish, show.",
    "kafka": "The local Apache Kafka: up, down, status.",
    "subject": "The reference of a worker under the configured key.",
    "worker": "One or more roles in this process, until it is asked to stop.",
    "topics": "The topics of topics.yaml: apply, diff, show.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Libraries' own complaints would bury ours; a worker configures logging for itself (l233.logging).
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        # Before a command is imported: with it would come what is not ours.
        require_own_environment()
        code = _group(given).main(args=given, prog_name="l233", standalone_mode=False)
    except L233Error as error:
        _debug()
        return _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        usage = _usage(error)
        return _fail(usage, 2) if usage else 2  # no arguments: the help was shown instead
    except typer.Abort:
        return _fail("interrupted", 130)
    except Exception as error:  # whatever a command did not foresee
        _debug()
        what = " ".join(_without_values(error).split())
        return _fail(f"failed by itself: {type(error).__name__}: {what} (L233_DEBUG=1 shows where)", 70)
    return code if isinstance(code, int) else 0


def _without_values(error: Exception) -> str:
    """Return what an error says, but not the values that it was made of: they may be told about a person."""
    from pydantic_core import ValidationError  # noqa: PLC0415 - only where something has failed

    if not isinstance(error, ValidationError):
        return str(error)
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return f"{error.title}: " + "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)


def _group(arguments: list[str]) -> TyperGroup:
    """All commands; only the one that is run is imported, the others are there by name and help."""
    completing = "_L233_COMPLETE" in os.environ
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    root = typer.Typer(
        name="l233",
        no_args_is_help=True,
        help="The strategic organisation scheme of article L233-1 (Code de la sécurité sociale) on Kafka.",
    )
    root.callback()(lambda: None)
    for name, summary in COMMANDS.items():
        root.command(name, help=summary)(_stub)
    group = get_group(root)
    for name, summary in COMMANDS.items():
        if completing or name == chosen:
            module = import_module(f"l233.commands.{name.replace('-', '_')}")
            command = get_command(module.app)
            command.help = command.help or summary
            group.add_command(command, name)
    return group


def _stub() -> None:
    """Stand for a command that is listed and not run."""


def _usage(error: typer.TyperException) -> str:
    """One line for a wrong option or argument, with the help to ask for; empty when help was asked for."""
    message = getattr(error, "format_message", lambda: str(error))().replace("\n", " ").strip()
    context = getattr(error, "ctx", None)
    if not message:
        return ""
    return f"{message} (see `{context.command_path if context else 'l233'} --help`)"


def _debug() -> None:
    """Show the traceback of the error in hand, when asked to."""
    if os.environ.get("L233_DEBUG", "").lower() in {"1", "true", "yes", "on"}:
        traceback.print_exc()


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"l233: {message}\n")
    return code


def run() -> None:
    """Entry point of `python -m l233.cli`."""
    sys.exit(main())


if __name__ == "__main__":
    run()
