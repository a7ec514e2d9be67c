"""Decides whether a scheme leaves anybody without a lead: every event type, in every territory.

Where L233-1 does not reach (975, 976, 977: no organism for any mission) nobody needs to lead; where several
organisms share a territory, the worker's attachment decides among them.
"""

from collections.abc import Iterator
from typing import Final, assert_never

from coordination.directory import Competence, Directory
from coordination.expressions import AsCorrected, Fixed, HeadsOf, Named, Own, Previous, Simple, alternatives
from coordination.scheme_form import SchemeForm
from coordination.scheme_lint import Mistake
from schemas.codes import KINDS, Kind
from schemas.follow_ups import ACKNOWLEDGEMENTS
from schemas.inputs import INPUTS

_ROUTED: Final = tuple(name for name in INPUTS if name not in ACKNOWLEDGEMENTS)
"""What a scheme has rules for: an acknowledgement answers, it asks nobody."""


def without_lead(model: SchemeForm, directory: Directory) -> Iterator[Mistake]:
    """Find every event type that nobody leads somewhere: where it stands in the file, and what to do."""
    for name in _ROUTED:
        rule = model.rules.get(name)
        if rule is None:
            yield ("rules",), f"{name} has no rule, so nobody leads it: add one"
            continue
        for kind in dict.fromkeys(kind for one in alternatives(rule.lead) for kind in _missions(one)):
            for why, places in _gaps(kind, model, directory).items():
                yield ("rules", name, "lead"), f"nobody leads in {', '.join(places)}: {why}"


def _missions(expression: Simple) -> tuple[Kind, ...]:
    """Return the mission whose organism an expression is, if the territory decides it."""
    match expression:
        case Own(kind) | Previous(kind):
            return (kind,)
        case AsCorrected() | Named() | HeadsOf() | Fixed():
            return ()
        case _:
            assert_never(expression)


def _gaps(kind: Kind, model: SchemeForm, directory: Directory) -> dict[str, list[str]]:
    """Return why nobody has a mission -> the départements where nobody has."""
    mission = model.missions.get(kind)
    if mission is None:
        return {f"missions does not say who exercises {kind}: add it there": ["every territory"]}
    found: dict[str, list[str]] = {}
    for departement in directory.departements:
        commune = f"{departement}000"[:5]
        there = {each: directory.competent(each, commune, commune, {}) for each in KINDS}
        match there[kind]:
            case "ambiguous_territory":
                continue
            case "outside_scheme":
                if set(there.values()) != {"outside_scheme"}:
                    why = f"territories.csv names no organism for {kind}: fill it in"
                    found.setdefault(why, []).append(departement)
            case Competence(organism) if organism.kind not in mission.organisms:
                why = (
                    f"{organism.id} is there for {kind}, and missions > {kind} > organisms does not name "
                    f"{organism.kind}: add it there"
                )
                found.setdefault(why, []).append(departement)
            case Competence():
                continue
    return found
