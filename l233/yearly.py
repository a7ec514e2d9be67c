"""The yearly report of the national heads to the CPSTI (CSS art. L612-1): as JSON, CSV or a page."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from io import StringIO
from typing import Final

from coordination.directory import Directory
from coordination.quality_report import Row
from coordination.yearly import Escalated, HeadReport
from l233.telling import organism, paris
from schemas.records import CASE, CaseState
from schemas.topics import CASES
from streaming.client import Connection
from streaming.reading import reader

_NONE: Final = b'"escalations":[]'
HEADS: Final = ("cnam", "cnav", "acoss")
COLUMNS: Final = (
    "year", "head", "organism", "activity", "level", "case", "escalated", "remind_by", "answered", "standing",
)  # fmt: skip


async def escalated(connection: Connection) -> list[CaseState]:
    """Return the latest state of every case with an escalation. Raises KafkaError, TopicMissingError."""
    found: dict[bytes | None, bytes] = {}
    async with reader(connection) as source:
        async for batch in source.read(await source.ends(await source.places([CASES]))):
            for record in batch:
                if record.value is None or _NONE in record.value:  # by far the most: not kept
                    found.pop(record.key, None)
                else:
                    found[record.key] = record.value
    return [CASE.validate_json(value) for value in found.values()]


def as_json(reports: Iterable[HeadReport]) -> list[dict[str, object]]:
    """Return the public objects of `l233 quality --yearly --json`."""
    return [asdict(report) for report in reports]


def as_csv(reports: Iterable[HeadReport]) -> str:
    """Return what stayed open, one row each, with a header."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for report in reports:
        writer.writerows(_cells(report.year, one) for one in report.open)
    return text.getvalue()


def _cells(year: str, one: Escalated) -> tuple[str, ...]:
    told = (one.organism, one.activity, one.level, one.case, one.escalated, one.remind_by, one.answered)
    return (year, one.head, *(cell or "" for cell in told), one.standing)


_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; margin: 1rem 0 2rem; }}
caption {{ text-align: left; font-weight: 600; }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ccc; }}
td.number {{ text-align: right; }}
</style>
<h1>{title}</h1>
<p>Report of the national heads to the CPSTI (CSS art. L612-1). The deadlines, the escalation and the
objectives behind it are those of a worked example of the scheme, not of a published one.</p>
{body}
</html>
"""


def as_html(
    reports: Sequence[HeadReport], rows: Iterable[Row], directory: Directory, year: str, made: str
) -> str:
    """Return the report as one page: the objectives of everybody, then head by head what stayed open."""
    objectives = _table(
        "Objectives over the year, all organisms",
        ("indicator", "of", "value", "threshold", "target", "state"),
        ((row.name, str(row.denominator), *_numbers(row), row.state) for row in rows if row.organism is None),
    )
    parts = [f"<p>Made {escape(made)}.</p>", objectives]
    for report in reports:
        counted = (
            f"{report.escalated} missed deadlines came before this head; {report.answered} were answered by "
            f"the end of its reminder, {len(report.open)} stayed open."
        )
        parts += [f"<h2>{escape(organism(report.head, directory))}</h2>", f"<p>{counted}</p>"]
        if report.open:
            told = (cells(one, directory) for one in report.open)
            parts.append(_table("Open after the reminder", HEADINGS, told))
    title = f"Quality of service for the self-employed, {escape(year)}"
    return _PAGE.format(title=title, body="\n".join(parts))


HEADINGS: Final = ("organism", "activity", "owes", "case", "escalated", "reminder ended", "answered")


def cells(one: Escalated, directory: Directory) -> tuple[str, ...]:
    """Return what stayed open under `HEADINGS`, as a person reads it; times are those of Paris."""
    remind = "nobody was reminded" if one.remind_by is None else paris(one.remind_by)
    answered = "–" if one.answered is None else paris(one.answered)
    who, activity = organism(one.organism, directory), one.activity or ""
    return who, activity, one.level, one.case, paris(one.escalated), remind, answered


def _numbers(row: Row) -> tuple[str, ...]:
    unit = " %" if row.unit == "percent" else " days"
    numbers = (row.value, row.threshold, row.target)
    return tuple("–" if number is None else f"{number}{unit}" for number in numbers)


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>"
    )
