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

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where libyaml is there
_DEEPEST: Final = 20
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
        YamlError: when the text is no YAML, is nested too deeply, repeats a key or uses an anchor or alias.
    """
    try:
        _look_over(file, text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise YamlError(f"{file}:{line}: this is no YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YamlError(f"{file}:1: this is no YAML text: {error}") from error
    if node is None:
        raise YamlError(f"{file}:1: the file is empty: write it")
    lines: dict[Path, int] = {}
    return Document(_plain(file, node, (), lines), lines)


def _look_over(file: str, text: str) -> None:
    """Refuse what must not reach the composer, which recurses and follows aliases."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise YamlError(
                f"{file}:{line}: anchors (&) and aliases (*) are not used here: write the value out"
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise YamlError(f"{file}:{line}: nested more than {_DEEPEST} levels deep: write it flatter")


def _plain(file: str, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Plain:
    lines.setdefault(path, node.start_mark.line + 1)
    match node:
        case yaml.ScalarNode():
            return None if node.tag == _NULL else str(node.value)
        case yaml.SequenceNode():
            return [_plain(file, item, (*path, at), lines) for at, item in enumerate(node.value)]
        case yaml.MappingNode():
            return _mapping(file, node, path, lines)
        case _:
            raise YamlError(f"{file}:{lines[path]}: unreadable: write text, a list or a mapping")


def _mapping(file: str, node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise YamlError(f"{file}:{line}: a key is text: quote it")
        name = str(key.value)
        if name in found:
            raise YamlError(f"{file}:{line}: {name} stands twice: remove one of them")
        lines[(*path, name)] = line
        found[name] = _plain(file, value, (*path, name), lines)
    return found
