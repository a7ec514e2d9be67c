"""The law in force, as data: scheme versions, organism directory, territories.

Nothing here decides anything: the functions hand out the text of the data files, wherever the package is
installed, and `coordination` gives the text its meaning.
"""

from collections.abc import Mapping
from importlib.resources import files

__all__ = ["organisms", "territories", "versions"]


def organisms() -> str:
    """Return the directory: CSV of id, kind, article, name, departements (`;`), siret, agent, timezone."""
    return files(__name__).joinpath("organisms.csv").read_text(encoding="utf-8")


def territories() -> str:
    """Return the territories: CSV of departement, health, collection, retirement, holidays, note."""
    return files(__name__).joinpath("territories.csv").read_text(encoding="utf-8")


def versions() -> Mapping[str, str]:
    """Return the text of every scheme version by its file name, oldest name first."""
    folder = files(__name__).joinpath("versions")
    found = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda f: f.name
    )
    return {entry.name: entry.read_text(encoding="utf-8") for entry in found}
