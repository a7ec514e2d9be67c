"""An export as one page, for people who would rather look than read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Final

from coordination.conservation import Account
from l233.exporting import Exported

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
td.n {{ text-align: right; font-variant-numeric: tabular-nums; }}
td.bar {{ width: 40%; }}
code {{ overflow-wrap: anywhere; }}
.good {{ color: #14532d; }}
.wrong {{ color: #991b1b; font-weight: 600; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def as_html(found: Exported, period: str, made: str) -> str:
    """Return the page; `period` and `made` as a person reads them."""
    total = found.account.total
    balanced = (
        f'<p class="good">All of {total.received} records that arrived are accounted for.</p>'
        if not total.residual
        else f'<p class="wrong">{total.residual} of {total.received} records that arrived are not accounted '
        "for: under way at an end of the period, or an incident.</p>"
    )
    parts = [
        f"<p>Made {escape(made)}.</p>",
        balanced,
        _ledger(found.account),
        _bars("Records by topic", _by(found.records, 0)),
        _bars("Records by day (UTC)", _by(found.records, 1)),
        _bars("Dead letters by reason", found.account.reasons),
        _bars("Acknowledgements by organism", found.account.organisms),
        _logs(found),
    ]
    return _PAGE.format(title=f"What was decided, {escape(period)}", body="\n".join(parts))


def _by(records: Mapping[tuple[str, str], int], part: int) -> Mapping[str, int]:
    sums: Counter[str] = Counter()
    for key, count in records.items():
        sums[key[part]] += count
    return dict(sorted(sums.items()))


def _ledger(account: Account) -> str:
    columns = ("received", "routed", "duplicates", "dead_letters", "parked", "rekeyed", "residual")
    rows = [*account.days.items(), ("total", account.total)]
    body = [[day, *(str(asdict(balance)[column]) for column in columns)] for day, balance in rows]
    return _table("What became of what arrived, by day (UTC)", ("day", *columns), body)


def _logs(found: Exported) -> str:
    last = {one.checkpoint.log: one for one in found.checkpoints}
    body = []
    for log, entries in sorted(found.logs.items()):
        sealed = last.get(log)
        if sealed is None:
            body.append([log, str(entries), "0", "never", "", ""])
        else:
            point, by = sealed.checkpoint, ", ".join(one.by for one in sealed.seals)
            body.append([log, str(entries), str(point.size), point.at, by, point.root])
    columns = ("log", "entries", "sealed", "last checkpoint", "signed by", "root")
    return _table("How far each log is sealed, whatever the period", columns, body)


def _bars(caption: str, counts: Mapping[str, int]) -> str:
    """Return a table with a bar for each number."""
    most = max(counts.values(), default=0)
    rows = "\n".join(
        f'<tr><td>{escape(name)}</td><td class="n">{count}</td><td class="bar">'
        f'<svg width="100%" height="12" role="img" aria-label="{count} of {most}">'
        f'<rect width="{100 * count / most:.1f}%" height="12" fill="#2563eb"/></svg></td></tr>'
        for name, count in counts.items()
    )
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<tbody>\n{rows}\n</tbody>\n</table>" if rows else ""
    )


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>"
    )


def _cell(text: str) -> str:
    return f'<td class="n">{text}</td>' if text.isdigit() else f"<td><code>{escape(text)}</code></td>"
