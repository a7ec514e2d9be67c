"""`l233 convert rne FILE`: records of the national business register become events, one a line on stdout.

The summary goes to stderr; with `--json` it is all that goes there. A record that gives no event is counted
with its reason and is no error.
"""

import json as json_text
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO, assert_never

import typer

from l233 import settings
from l233.errors import BadInput
from l233.output import remark
from l233.rne import WHY_SKIPPED, Converted, Skipped, SkipReason, SubjectOf
from l233.rne import convert as converted
from l233.rne_file import BrokenJsonError, records
from l233.subject import configured_key, remark_on, worker_reference
from schemas.envelope import pack_structured

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def convert() -> None:
    """Turn what other systems publish into events."""


@app.command()
def rne(
    file: Annotated[str, typer.Argument(help="Records of the register, JSON or JSON lines; - for stdin.")],
    json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Convert records of the national business register (RNE): events on stdout, a summary on stderr."""
    key = configured_key(settings.load())
    if not json and (said := remark_on(key)):
        remark(said)
    with opened(file) as lines:
        try:
            summary = run(lines, sys.stdout.buffer, lambda siren: worker_reference(siren, key.content))
        except BrokenJsonError as error:
            raise BadInput(f"{file}: {error}; the records before it were converted") from error
    sys.stdout.flush()
    if json:
        remark(json_text.dumps({**summary.as_json(), "development_key": key.development}))
    else:
        remark(summary.as_text())


@contextmanager
def opened(file: str) -> Iterator[Iterable[bytes]]:
    """Give the lines of a file, or of stdin for `-`. Raises BadInput for one that can't be read."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        lines = Path(file).open("rb")  # noqa: SIM115 - closed below; errors of the reader's own are not ours
    except OSError as error:
        raise BadInput(f"{file} can't be read: {error.strerror}") from error
    with lines:
        yield lines


@dataclass(slots=True)
class Summary:
    """What became of the records."""

    records: int = 0
    events: Counter[str] = field(default_factory=Counter)
    assumed_residences: int = 0
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, object]:
        """Return the summary under its public names."""
        return {
            "records": self.records,
            "converted": dict(sorted(self.events.items())),
            "assumed_residences": self.assumed_residences,
            "skipped": dict(sorted(self.skipped.items())),
            "left_out": dict(sorted(self.left_out.items())),
        }

    def as_text(self) -> str:
        """Return the summary for a person."""
        lines = [f"{self.records} records, {self.events.total()} events"]
        lines += [f"  {count} {name}" for name, count in sorted(self.events.items())]
        if self.assumed_residences:
            lines.append(
                f"  {self.assumed_residences} residences assumed: the business address, no home told"
            )
        lines += [
            f"  {count} without {name}: not in the form of the contract"
            for name, count in sorted(self.left_out.items())
        ]
        if self.skipped:
            lines.append(f"{self.skipped.total()} records skipped")
        lines += [
            f"  {count} {reason}: {WHY_SKIPPED[reason]}" for reason, count in self.skipped.most_common()
        ]
        return "\n".join(lines)


def run(lines: Iterable[bytes], out: BinaryIO, subject: SubjectOf) -> Summary:
    """Convert the records in `lines` and write the events to `out`, one a line.

    Raises:
        BrokenJsonError: where the input stops being JSON.
    """
    summary = Summary()
    for record in records(lines):
        summary.records += 1
        match converted(record, subject):
            case Converted() as event:
                out.write(pack_structured(event.attributes, event.payload) + b"\n")
                summary.events[event.name] += 1
                summary.assumed_residences += event.assumed_residence
                summary.left_out.update(event.left_out)
            case Skipped(reason=reason):
                summary.skipped[reason] += 1
            case other:
                assert_never(other)
    return summary
