"""`l233 quality`: how well the self-employed are served, measured on the topics, against the objectives."""

from datetime import datetime
from typing import Annotated

import typer

from coordination.periods import LENGTHS, PARIS, Length, Period, PeriodError, day_of, parse, period_of
from coordination.quality_report import Alert, Row
from l233 import broker, quality
from l233 import settings as configuration
from l233.errors import BadInput
from l233.output import print_json, print_table, remark
from l233.quality import Asked, Report
from l233.reference import world

app = typer.Typer(add_completion=False)


@app.command(name="quality")
def quality_(
    organism: Annotated[
        str | None, typer.Option("--organism", help="Only this organism, activity by activity: cpam:311.")
    ] = None,
    period: Annotated[
        str,
        typer.Option(
            "--period", help="2026-03-02, 2026-03, 2026-T1, 2026, or the running day, month, quarter, year."
        ),
    ] = "month",
    measured: Annotated[
        bool,
        typer.Option("--measured", help="Add up what the role quality has told, not the records."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare what was measured with threshold and target: of everybody, or of one organism."""
    settings = configuration.load()
    indicators, known = quality.objectives(), world(settings)
    if organism is not None and organism not in known.directory.organisms:
        raise BadInput(f"no organism {organism!r} is known: write an id such as cpam:311")
    connection = settings.connection()
    now = connection.clock.now_ms()
    asked = Asked(_period(period, now), now, organism)
    heads = quality.heads(known.directory, known.rulebook)
    if measured:
        figures = broker.run(quality.measured(connection, indicators, asked.period), settings)
    else:
        reading = broker.run(quality.read(connection, indicators, now), settings)
        figures = reading.books.figures(now)
        if reading.unreadable:
            remark(f"{reading.unreadable} records can't be read and count for nothing")
    told = quality.report(figures, indicators, asked, heads)
    if json:
        print_json(quality.as_json(told))
    else:
        _print(told)


def _period(text: str, now: int) -> Period:
    running: dict[str, Length] = {length: length for length in LENGTHS}
    if text in running:
        return period_of(day_of(datetime.fromtimestamp(now / 1000, PARIS)), running[text])
    try:
        return parse(text)
    except PeriodError as error:
        raise BadInput(f"{error}, or day, month, quarter, year") from error


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
