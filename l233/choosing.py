"""Which scheme decides, where a command lets one choose: a version by its name, or one in a file."""

from pathlib import Path

from agents.world import World
from coordination.rulebook import Rulebook, RulebookError
from coordination.scheme_file import SchemeError, read_scheme
from l233.errors import BadInput


def only(given: str, known: World) -> Rulebook:
    """Return the rulebook in which the version that `--scheme` names always is in force. Raises BadInput."""
    try:
        path = Path(given)
        if path.suffix in {".yaml", ".yml"} or path.is_file():
            scheme = read_scheme(path.name, path.read_text(encoding="utf-8"), known.directory)
            return Rulebook((scheme,)).only(scheme.version)
        return known.rulebook.only(given)
    except (OSError, UnicodeDecodeError, SchemeError, RulebookError) as error:
        raise BadInput(f"--scheme {given}: {error}") from error
