"""The law in force, as data: signed scheme versions, directory, territories, objectives, yearly parameters.

Nothing here decides anything: the functions hand out the text of the data files, wherever the package is
installed, and `coordination` gives the text its meaning.
"""

from collections.abc import Mapping
from importlib.resources import files

__all__ = [
    "example_keys",
    "example_seal_keys",
    "example_seal_private_keys",
    "organisms",
    "parameters",
    "quality",
    "signatures",
    "territories",
    "versions",
]


def organisms() -> str:
    """Return the directory: CSV of id, kind, article, name, departements (`;`), siret, agent, timezone."""
    return files(__name__).joinpath("organisms.csv").read_text(encoding="utf-8")


def quality() -> str:
    """Return the objectives of quality of service: YAML, `indicators` a list (art. L233-1, 2°)."""
    return files(__name__).joinpath("quality.yaml").read_text(encoding="utf-8")


def territories() -> str:
    """Return the territories: CSV of departement, health, collection, retirement, holidays, note."""
    return files(__name__).joinpath("territories.csv").read_text(encoding="utf-8")


def parameters() -> str:
    """Return what a validated quarter costs by year: CSV of year, quarter (euros), source, status."""
    return files(__name__).joinpath("parameters.csv").read_text(encoding="utf-8")


def versions() -> Mapping[str, str]:
    """Return the text of every scheme version by its file name, oldest name first."""
    return _texts("versions", ".yaml")


def signatures() -> Mapping[str, str]:
    """Return the signatures (JSON) of every scheme version by the file name of the version."""
    ending = ".signatures.json"
    found = _texts("versions", ending)
    return {f"{name.removesuffix(ending)}.yaml": text for name, text in found.items()}


def example_keys() -> Mapping[str, str]:
    """Return the public keys (PEM) that signed the shipped example, by authority."""
    found = _texts("example_keys", ".public.pem")
    return {name.removesuffix(".public.pem"): text for name, text in found.items()}


def example_seal_keys() -> Mapping[str, str]:
    """Return the public keys (PEM) of who signs checkpoints where no other key is set: audit, organism."""
    found = _texts("example_seal_keys", ".public.pem")
    return {name.removesuffix(".public.pem"): text for name, text in found.items()}


def example_seal_private_keys() -> Mapping[str, str]:
    """Return the private halves of these keys (PEM): everybody has them."""
    found = _texts("example_seal_keys", ".EXAMPLE-PRIVATE.pem")
    return {name.removesuffix(".EXAMPLE-PRIVATE.pem"): text for name, text in found.items()}


def _texts(folder: str, ending: str) -> dict[str, str]:
    """Return the text of every file of a folder that ends so, to the byte: what is signed is not touched."""
    entries = files(__name__).joinpath(folder).iterdir()
    found = sorted((entry for entry in entries if entry.name.endswith(ending)), key=lambda f: f.name)
    return {entry.name: entry.read_bytes().decode("utf-8") for entry in found}
