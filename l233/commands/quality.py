"""`l233 quality`: how well the self-employed are served, measured on the topics, against the objectives."""

import re
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import typer

from agents.world import World
from coordination.directory import Directory
from coordination.instants import PARIS
from coordination.periods import (
    LENGTHS,
    Length,
    Period,
    PeriodError,
    day_of,
    last_days,
    length_of,
    parse,
    period_of,
)
from coordination.quality_report import Alert, Row
from coordination.yearly import HeadReport
from coordination.yearly import yearly as yearly_of
from l233 import broker, quality
from l233 import settings as configuration
from l233 import yearly as heads_report
from l233.errors import BadInput
from l233.output import print_json, print_table, remark
from l233.quality import Asked, Report
from l233.reference import directory
from l233.scheme_publishing import published_world
from l233.settings import Settings

app = typer.Typer(add_completion=False)

_WINDOW: Final = re.compile(r"([1-9][0-9]{0,2})d")


@app.command(name="quality")
def quality_(
    *,
    organism: Annotated[
        str | None, typer.Option("--organism", help="Only this organism, activity by activity: cpam:311.")
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(
            "--period",
            help="2026-03-02, 2026-03, 2026-T1 or 2026; day, month, quarter, year: the running one; or 30d.",
        ),
    ] = None,
    measured: Annotated[
        bool,
        typer.Option("--measured", help="Add up what the role quality has told, not the records."),
    ] = False,
    yearly: Annotated[
        bool, typer.Option("--yearly", help="The heads' report: what stayed open after their reminders.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="With --yearly: print CSV.")] = False,
    html: Annotated[bool, typer.Option("--html", help="With --yearly: print a page.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare what was measured with threshold and target: of everybody, or of one organism."""
    _refuse_together(organism, yearly=yearly, printed=(json, csv, html))
    settings = configuration.load()
    now = settings.connection().clock.now_ms()
    if organism is not None and organism not in directory().organisms:
        raise BadInput(f"no organism {organism!r} is known: write an id such as cpam:311")
    asked = Asked(_period(period or ("year" if yearly else "month"), now), now, organism)
    _refuse_period(asked.period, yearly=yearly, measured=measured)
    known = broker.run(published_world(settings), settings)
    told = _report(asked, known, settings, measured=measured)
    if not yearly:
        print_json(quality.as_json(told)) if json else _print(told)
        return
    cases = broker.run(heads_report.escalated(settings.connection()), settings)
    made = datetime.fromtimestamp(now / 1000, PARIS)
    reports = yearly_of(cases, asked.period, made, heads_report.HEADS)
    if json:
        print_json({"year": asked.period.text, "heads": heads_report.as_json(reports)})
    elif csv:
        sys.stdout.write(heads_report.as_csv(reports))
    elif html:
        page = heads_report.as_html(
            reports, told.rows, known.directory, asked.period.text, f"{made:%Y-%m-%d}"
        )
        sys.stdout.write(page)
    else:
        _print(told)
        _print_heads(reports, known.directory)


def _refuse_together(organism: str | None, *, yearly: bool, printed: tuple[bool, bool, bool]) -> None:
    if any(printed[1:]) and not yearly:
        raise BadInput("--csv and --html go with --yearly")
    if yearly and organism is not None:
        raise BadInput("--yearly tells of every organism: leave out --organism")
    if sum(printed) > 1:
        raise BadInput("--json, --csv and --html exclude each other")


def _refuse_period(period: Period, *, yearly: bool, measured: bool) -> None:
    if yearly and length_of(period) != "year":
        raise BadInput(f"the heads report by the year, and {period.text} is none: write 2026")
    if measured and length_of(period) is None:
        raise BadInput("--measured tells of months, quarters and years: leave it out for a window of days")


def _report(asked: Asked, known: World, settings: Settings, *, measured: bool) -> Report:
    connection, indicators = settings.connection(), quality.objectives()
    if measured:
        figures = broker.run(quality.measured(connection, indicators, asked.period), settings)
    else:
        reading = broker.run(quality.read(connection, indicators, asked.as_of), settings)
        figures = reading.books.figures(asked.as_of)
        if reading.unreadable:
            remark(f"{reading.unreadable} records can't be read and count for nothing")
    return quality.report(figures, indicators, asked, quality.heads(known.directory, known.rulebook))


def _print_heads(reports: Sequence[HeadReport], known: Directory) -> None:
    for report in reports:
        print(
            f"{report.head}: {report.escalated} missed deadlines escalated, {report.answered} answered by "
            f"the end of the reminder, {len(report.open)} open after it"
        )
    rows = [(one.head, *heads_report.cells(one, known)) for report in reports for one in report.open]
    if rows:
        print_table(("head", *heads_report.HEADINGS), rows)


def _period(text: str, now: int) -> Period:
    today = day_of(datetime.fromtimestamp(now / 1000, PARIS))
    running: dict[str, Length] = {length: length for length in LENGTHS}
    if text in running:
        return period_of(today, running[text])
    if window := _WINDOW.fullmatch(text):
        return last_days(int(window[1]), today)
    try:
        return parse(text)
    except PeriodError as error:
        raise BadInput(
            f"{error}, day, month, quarter or year for the running one, 30d for a window"
        ) from error


def _print(told: Report) -> None:
    over = "" if not any(row.provisional for row in told.rows) else ", not over yet"
    print(f"Quality of service in {told.period.text}{over} (objectives: a worked example, docs/quality.md)")
    everybody = any(row.organism is None for row in told.rows)
    shown = [row for row in told.rows if row.organism is None or not everybody]
    columns = ("indicator", "activity", "level", "of", "value", "median", "threshold", "target", "state")
    print_table(columns, [_cells(row) for row in shown])
    for alert in told.alerts:
        print(_in_words(alert))


def _cells(row: Row) -> tuple[str, ...]:
    unit = " %" if row.unit == "percent" else " d"
    numbers = (row.value, row.median, row.threshold, row.target)
    told = ("–" if number is None else f"{number}{unit}" for number in numbers)
    return (row.name, row.activity or "", row.level or "", str(row.denominator), *told, row.state)


def _in_words(alert: Alert) -> str:
    what = "misses" if alert.state == "missed" else "may miss"
    heads = ", ".join(alert.heads) or "nobody"
    return (
        f"{alert.organism} {what} {alert.indicator} of {alert.period}: {alert.value}, "
        f"threshold {alert.threshold} (to {heads})"
    )
