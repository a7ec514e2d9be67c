"""Refuses an environment in which our packages are not ours.

`agents`, `schemas` and `scheme` are common words: an unrelated distribution that installs a package of that
name overwrites ours, or stands before it on the import path, and a worker would decide with somebody else's
code. l233 is an application, for an environment of its own.

Nothing here imports our other packages but `l233.errors`, so that a start can ask before it imports them.
"""

import re
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path

from l233.errors import L233Error

DISTRIBUTION = "l233"
PACKAGES = ("schemas", "scheme", "coordination", "streaming", "agents", "l233")
"""The top-level packages of the distribution, as `pyproject.toml` lists them."""

_WAY_OUT = "install l233 in a fresh virtual environment, with nothing else in it"
# A line of RECORD: a file of one of our packages, or a module of the same name.
_OURS_IN_RECORD = re.compile(
    rf'^"?({"|".join(PACKAGES)})(?:/|(?:\.[\w-]+)?\.(?:pyc?|so|pyd)\b)', re.MULTILINE
)


def require_own_environment() -> None:
    """Return when every one of our packages is ours; it takes some 20 ms.

    Raises L233Error naming the first one that is not, and whose it is. Source: the layout of wheels and of
    installed distributions, as `importlib.metadata` reads them; an editable installation counts as ours.
    """
    for distribution in distributions():
        taken = _top_level(distribution) & set(PACKAGES)
        # Parsing metadata is the slow part, and few have something of ours.
        if taken and _normalised(name := distribution.metadata["Name"] or "without a name") != DISTRIBUTION:
            raise L233Error(
                f"the distribution {name} {distribution.version} installs a package `{min(taken)}`, and so "
                f"does l233: uninstall {name}, or {_WAY_OUT}"
            )
    home = _folder(DISTRIBUTION)
    for package in PACKAGES:
        if (found := _folder(package)) != home:
            raise L233Error(
                f"`{package}` would be imported from {found or 'nowhere'}, not from {home} with the rest: "
                f"take it off PYTHONPATH, change the working directory, or {_WAY_OUT}"
            )


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _top_level(distribution: Distribution) -> set[str]:
    """Return the names that a distribution declares, and those of ours among its files."""
    declared = (distribution.read_text("top_level.txt") or "").split()
    installed = _OURS_IN_RECORD.findall(distribution.read_text("RECORD") or "")
    return {*declared, *installed}


def _folder(package: str) -> Path | None:
    """Return the folder that holds the package which an import would find."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin).resolve()
    return origin.parent.parent if spec.submodule_search_locations else origin.parent
