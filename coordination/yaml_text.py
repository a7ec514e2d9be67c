"""Reads YAML as plain text values, with the line of each: for files that a person writes and signs.

Every scalar stays the text that was written (`2026-01` is no date, `no` no boolean); a key that stands twice,
an anchor or an alias is refused, because a reader would miss it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import yaml

Plain = str | None | list["Plain"] | dict[str, "Plain"]
Path = tuple[str | int, ...]

_NULL: Final = "tag:yaml.org,2002:null"


class YamlError(ValueError):
    """Text that is not YAML as we read it: the message gives file, line, what and what to do."""


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a file, and the line (from 1) on which each path begins."""

    value: Plain
    lines: Mapping[Path, int]

    def line_of(self, path: Sequence[str | int]) -> int:
        """Return the line of a value, or of the nearest value around it when it is absent."""
        for length in range(len(path), -1, -1):
            found = self.lines.get(tuple(path[:length]))
            if found is not None:
                return found
        return 1


def read(file: str, text: str) -> Document:
    """Read one YAML document.

    Raises:
        YamlError: when the text is no YAML, repeats a key or uses an alias.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise YamlError(f"{file}:{line}: this is no YAML: {error.problem or error.context}") from error
    except RecursionError:
        raise YamlError(f"{file}:1: nested too deeply: a scheme has few levels") from None
    except yaml.YAMLError as error:
        raise YamlError(f"{file}:1: this is no YAML text: {error}") from error
    if node is None:
        raise YamlError(f"{file}:1: the file is empty: write the scheme")
    lines: dict[Path, int] = {}
    return Document(_plain(file, node, (), lines, set()), lines)


def _plain(file: str, node: yaml.Node, path: Path, lines: dict[Path, int], seen: set[int]) -> Plain:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if id(node) in seen:
        raise YamlError(f"{file}:{line}: aliases (*) are not used here: write the value out where it stands")
    seen.add(id(node))
    match node:
        case yaml.ScalarNode():
            return None if node.tag == _NULL else str(node.value)
        case yaml.SequenceNode():
            return [_plain(file, item, (*path, at), lines, seen) for at, item in enumerate(node.value)]
        case yaml.MappingNode():
            return _mapping(file, node, path, lines, seen)
        case _:
            raise YamlError(f"{file}:{line}: unreadable: write text, a list or a mapping")


def _mapping(
    file: str, node: yaml.MappingNode, path: Path, lines: dict[Path, int], seen: set[int]
) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise YamlError(f"{file}:{line}: a key is text: quote it")
        name = str(key.value)
        if name in found:
            raise YamlError(f"{file}:{line}: {name} stands twice: remove one of them")
        lines[(*path, name)] = line
        found[name] = _plain(file, value, (*path, name), lines, seen)
    return found
