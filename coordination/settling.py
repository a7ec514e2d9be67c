"""Decides when an event is settled: after the last report, and by whom that is said.

The lead settles once everybody who owes a report has given it, refused, or answered by silence. A request for
social aid is settled by its payment, which its organism says (CSS art. L612-4, L). Own worked example.
"""

from collections.abc import Iterator

from coordination import ids
from coordination.case_facts import Asked, Said
from coordination.case_parts import Part
from coordination.cases import Case
from coordination.instants import instant

SETTLED_OUTSIDE = frozenset({"social-aid.requested"})


def settlements(case: Case) -> Iterator[Said]:
    """Return what is settled now and was not said to be: one acknowledgement per decision, at most."""
    for event in case.events:
        if event.asks and event.name not in SETTLED_OUTSIDE:
            found = _settlement(case, event)
            if found is not None:
                yield found


def _settlement(case: Case, event: Asked) -> Said | None:
    owing: list[Part] = []
    done: list[int] = []
    for part in case.parts:
        if part.decision == event.id and part.ask.acknowledge == "reported":
            if part.done_ms is None:
                return None
            owing.append(part)
            done.append(part.done_ms)
    levels = {said.level for part in owing for said in part.given}
    if "reported" not in levels or "settled" in levels or any(part.ended == "annulled" for part in owing):
        return None
    lead = next((part.ask.organism for part in owing if part.ask.role == "lead"), None)
    if lead is None:
        return None
    id_ = ids.emitted_id(event.identity(case.worker), event.scheme, event.name, lead, "settled")
    return Said(id_, instant(max(done)), "settled", lead, event.event, None, event.id)
