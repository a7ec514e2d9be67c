"""Markdown as the tests of the documents read it: links, headings, commands shown."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(```|~~~)(\w*)[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
SHELL = {"sh", "bash", "console", "shell"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A command line of ours as a document shows it."""

    words: tuple[str, ...]
    complete: bool
    """Whether a reader may copy it as it stands (a line of a block), or it is a mention in a sentence."""


def links(text: str) -> list[str]:
    """Return the targets of all links outside of code."""
    return _LINK.findall(_SPAN.sub("", _FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """Return what a link into this document can name after `#`: its headings, as renderers spell them."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[Shown]:
    """Yield every `l233 …` that a document shows, in shell blocks and in spans of code."""
    for _, language, block in _FENCE.findall(text):
        if language in SHELL:
            for line in block.replace("\\\n", " ").splitlines():
                yield from _in_line(line.removeprefix("$ "))
    for span in _SPAN.findall(_FENCE.sub("", text)):
        if span.startswith("l233 "):
            yield from (Shown(words, complete=False) for words in _alternatives(span))


def _in_line(line: str) -> Iterator[Shown]:
    for part in _parts(line):
        if part[:1] == ["l233"]:
            yield Shown(tuple(part[1:]), complete=True)


def _parts(line: str) -> Iterator[list[str]]:
    """Split a shell line into its commands, without comments, variables set before and redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    part: list[str] = []
    for word in lexer:
        if set(word) <= set("|&;"):
            yield part
            part = []
        elif set(word) <= set("<>"):
            lexer.get_token()  # the file that it reads or writes
        else:
            part.append(word)
    yield part


def _alternatives(span: str) -> Iterator[tuple[str, ...]]:
    """Read a mention: `l233 topics apply|diff` are two, `[--json]` is optional, `…` is anything."""
    words = [word.strip("…") for word in re.sub(r"[\[\]]", " ", span).split()[1:]]
    choices = [word.split("|") if re.fullmatch(r"[a-z-]+(\|[a-z-]+)+", word) else [word] for word in words]
    lines: list[tuple[str, ...]] = [()]
    for choice in choices:
        lines = [(*line, word) for line in lines for word in choice if word]
    yield from lines


def documents(root: Path) -> list[Path]:
    """Return the documents that people read: README, CHANGELOG and everything under docs/."""
    return sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")])
