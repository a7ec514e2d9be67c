"""The report of a simulation as files: JSON, a page to read with charts, and a signature over both.

The same simulation gives the same bytes, and with the same key the same signature (Ed25519, RFC 8032). The
page needs nothing beside itself and is in English and in French.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, Final

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coordination.signing import public_hex
from coordination.simulation import FATES, LEVELS, SIDES, Report
from l233.errors import L233Error

JSON: Final = "simulation.json"
HTML: Final = "simulation.html"
SIGNATURE: Final = "simulation.signature.json"
_PREFIX: Final = b"l233 simulation, version 1\0"
_MOST: Final = 25
"""Organisms shown in the chart: those whose load changes most."""
_COLOURS: Final = {"then": "#8a9bb0", "now": "#1f5fa8"}

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("Simulation of a draft of the scheme", "Simulation d'un projet de schéma"),
    "example": (
        "The shipped scheme is a worked example, not law.",
        "Le schéma fourni est un exemple élaboré, pas du droit.",
    ),
    "range": ("Range", "Période"),
    "events": ("events", "événements"),
    "then": ("in force", "en vigueur"),
    "now": ("draft", "projet"),
    "outcomes": ("What becomes of events", "Sort des événements"),
    "elsewhere": ("Events that go to others or in other roles", "Événements adressés autrement"),
    "organisms": ("Load per organism: events received", "Charge par organisme : événements reçus"),
    "deadlines": ("Deadlines that move", "Délais modifiés"),
    "shorter": ("shorter", "plus courts"),
    "longer": ("longer", "plus longs"),
    "days": ("days in all", "jours au total"),
    "gained": ("gained", "gagnés"),
    "lost": ("lost", "perdus"),
    "answers": ("Acknowledgements", "Accusés"),
    "in_time": ("in time", "dans les délais"),
    "late": ("late", "en retard"),
    "open": ("still open", "encore ouverts"),
    "unknown": ("not asked then", "non demandés alors"),
    "objectives": ("Quality objectives", "Objectifs de qualité"),
    "nothing": ("None.", "Aucun."),
    "by": ("by", "par"),
}


def canonical(report: Report) -> bytes:
    """Return a report as the file holds it: canonical JSON (RFC 8785)."""
    return rfc8785.dumps(dict(report))  # type: ignore[arg-type]  # JSON values, all of them


def write(folder: Path, report: Report, key: Ed25519PrivateKey | None) -> Mapping[str, str]:
    """Write the files; return the SHA-256 of each. Raises L233Error when they can't be written."""
    files = {JSON: canonical(report), HTML: page(report).encode()}
    sums = {name: sha256(content).hexdigest() for name, content in files.items()}
    if key is not None:
        signed: dict[str, Any] = {
            "key": public_hex(key.public_key()),
            "sha256": sums,
            "signature": signature(key, sums),
        }
        files[SIGNATURE] = rfc8785.dumps(signed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if key is None:
            folder.joinpath(SIGNATURE).unlink(missing_ok=True)  # of an earlier report
        for name, content in files.items():
            folder.joinpath(name).write_bytes(content)
    except OSError as error:
        raise L233Error(f"{folder}: the report can't be written: {error.strerror}") from error
    return sums


def statement(sums: Mapping[str, str]) -> bytes:
    """Return the bytes that are signed, from the SHA-256 of each file."""
    return _PREFIX + rfc8785.dumps(dict(sums))


def signature(key: Ed25519PrivateKey, sums: Mapping[str, str]) -> str:
    """Return the signature under the files, in hexadecimal."""
    return key.sign(statement(sums)).hex()


# --- the page ------------------------------------------------------------------------------------------


def page(report: Mapping[str, Any]) -> str:
    """Return the page: English, then French."""
    body = "".join(_section(report, lang, at) for at, lang in enumerate(("en", "fr")))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{escape(_WORDS["title"][0])}</title>{_STYLE}'
        f'<nav><a href="#en">English</a> · <a href="#fr">Français</a></nav>{body}</html>\n'
    )


_STYLE: Final = (
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#16202c}table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{padding:.2rem .8rem;"
    "text-align:right;border-bottom:1px solid #d5dce4}th:first-child,td:first-child{text-align:left}"
    "svg{max-width:100%;height:auto}code{font-size:.85em}</style>"
)


def _section(report: Mapping[str, Any], lang: str, at: int) -> str:
    def word(name: str) -> str:
        return escape(_WORDS[name][at])

    span, against, draft = report["range"], report["against"], report["draft"]
    sides = [word(side) for side in SIDES]
    outcomes = sorted({name for side in SIDES for name in report["outcomes"][side]})
    return "".join((
        f'<section id="{lang}" lang="{lang}"><h1>{word("title")}</h1><p>{word("example")}</p>',
        f"<p>{word('range')}: {_text(span['from'])} – {_text(span['to'])}; ",
        f"{report['events']} {word('events')}<br>{word('then')}: {_text(against['scheme'])} ",
        f"<code>{_text(against['sha256'])}</code><br>{word('now')}: {_text(draft['scheme'])} ",
        f"<code>{_text(draft['sha256'])}</code></p>",
        f"<h2>{word('outcomes')}</h2>",
        _table(["", *sides], [[n, *(report["outcomes"][s].get(n, 0) for s in SIDES)] for n in outcomes]),
        f"<h2>{word('elsewhere')}</h2>",
        _counted(report["elsewhere"], word),
        f"<h2>{word('organisms')}</h2>{_loads(report, sides)}",
        _table(
            ["", word("gained"), word("lost"), *sides],
            [
                [one["organism"], one["gained"], one["lost"], *(sum(one[s].values()) for s in SIDES)]
                for one in report["organisms"]
            ],
        ),
        f"<h2>{word('deadlines')}</h2>",
        _table(
            ["", word("shorter"), word("longer"), word("days")],
            [[name, m["shorter"], m["longer"], m["days"]] for name, m in report["deadlines"].items()],
        ),
        f"<h2>{word('answers')}</h2>",
        _table(
            ["", *map(word, FATES)],
            [
                [f"{level} ({word(side)})", *(report["answers"][level][side][fate] for fate in FATES)]
                for level in LEVELS
                for side in SIDES
            ],
        ),
        f"<h2>{word('objectives')}</h2>",
        _table(
            ["", *sides],
            [
                [one["name"], *(f"{one[s]['value'] or '–'} % ({one[s]['state']})" for s in SIDES)]
                for one in report["objectives"]
            ],
        ),
        "</section>",
    ))  # fmt: skip


def _text(value: object) -> str:
    return "…" if value is None else escape(str(value))


def _counted(counts: Mapping[str, int], word: Any) -> str:  # noqa: ANN401  a function of the caller's
    if not counts:
        return f"<p>{word('nothing')}</p>"
    return _table(["", word("events")], [[name, count] for name, count in counts.items()])


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "<p>–</p>"
    top = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _loads(report: Mapping[str, Any], sides: Sequence[str]) -> str:
    """Return bars of the organisms whose load changes most, for both versions."""
    loads = [(one["organism"], *(sum(one[side].values()) for side in SIDES)) for one in report["organisms"]]
    shown = sorted(loads, key=lambda one: (-abs(one[2] - one[1]), -one[2], one[0]))[:_MOST]
    largest = max((max(one[1:]) for one in shown), default=0) or 1
    bars = []
    for line, (organism, *counts) in enumerate(shown):
        top = 30 + line * 34
        bars.append(f'<text x="0" y="{top + 18}" font-size="13">{escape(organism)}</text>')
        for at, (side, count) in enumerate(zip(SIDES, counts, strict=True)):
            width, y = 420 * count // largest, top + at * 14
            bars.append(f'<rect x="220" y="{y}" width="{width}" height="12" fill="{_COLOURS[side]}"/>')
            bars.append(f'<text x="{226 + width}" y="{y + 10}" font-size="11">{count}</text>')
    legend = "".join(
        f'<rect x="{220 + at * 140}" y="4" width="12" height="12" fill="{_COLOURS[side]}"/>'
        f'<text x="{238 + at * 140}" y="14" font-size="12">{sides[at]}</text>'
        for at, side in enumerate(SIDES)
    )
    height = 40 + 34 * len(shown)
    return f'<svg viewBox="0 0 720 {height}" width="720" role="img">{legend}{"".join(bars)}</svg>'
