"""How commands print: one JSON value on stdout for programs; tables, and remarks on stderr, for people."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table


def print_json(value: object) -> None:
    """Print one JSON value on a line of its own."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def print_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a table; where nobody looks at it, wide enough that nothing is cut."""
    console = Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 400)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=not sys.stdout.isatty())
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)


def remark(text: str) -> None:
    """Tell a person something that is not the answer."""
    sys.stderr.write(text + "\n")


class Advance(Protocol):
    """Told how many more are done."""

    def __call__(self, more: int) -> None:
        """Take it."""


@contextmanager
def inputs_bar(total: int) -> Iterator[Advance]:
    """Show on stderr how many of about so many inputs are done; what is yielded is told how many more."""
    with Progress(
        TextColumn("{task.completed:.0f} of about {task.total:.0f} inputs"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda more: bar.advance(task, more)
