"""Social aid, for every organism where it is asked: instruct, refer, pay; the CPSTI decides.

Source: CSS art. L612-4 (L). What moves a file is the word of the organism's own system.
"""

import json
from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter

from agents.requests import NOTHING, Acts, Request
from coordination import social_aid
from coordination.outcomes import outcome
from coordination.social_aid import Aid, Report, Ruling
from schemas.emitted import AcknowledgementReported
from schemas.events import SocialAidRequested
from schemas.follow_ups import CaseAnnulled, CaseUpdated, Correction, SocialAidDecided
from schemas.records import EventRef
from streaming.records import State

_AIDS: Final = TypeAdapter(tuple[Aid, ...])
"""The aids asked of one organism in one case: mostly one."""
_WORDS: Final = frozenset(
    {
        "social-aid.requested",
        "acknowledgement.reported",
        "acknowledgement.refused",
        "acknowledgement.settled",
        "social-aid.decided",
        "case.updated",
        "case.annulled",
    }
)


def act(request: Request, state: State) -> Acts:
    """Return what an organism tells of the aids of a case because of a word that reached it."""
    if request.name not in _WORDS:
        return NOTHING
    task, case = request.task, request.case
    key = aids_key(request.event.subject, case, task.organism)
    stored = state.get(key)
    before = () if stored is None else _AIDS.validate_json(stored)
    after = _told(before, request)
    if after == before:
        return NOTHING
    known = (*before, *[None] * (len(after) - len(before)))
    outcomes = [
        outcome(made.cause, task.scheme, case, made.data, at=request.at, organism=task.organism)
        for old, new in zip(known, after, strict=True)
        for made in social_aid.made(task.organism, old, new, request.event)
    ]
    return Acts(outcomes, writes={key: _AIDS.dump_json(after)})


def aids_key(worker: str, case: str, organism: str) -> bytes:
    """Return the key under which the aids of a case are kept."""
    return f"{worker}/social-aid/{organism}/{case}".encode()


def _told(aids: tuple[Aid, ...], request: Request) -> tuple[Aid, ...]:
    """Return the aids of a case once a word is known."""
    match request.name:
        case "social-aid.requested":
            asked = SocialAidRequested.model_validate_json(request.payload)
            return (*aids, Aid(request.event, request.case, asked.kind, asked.amount))
        case "case.updated":
            updated = CaseUpdated.model_validate_json(request.payload)
            return tuple(_corrected(aid, updated) for aid in aids)
        case "case.annulled":
            annulled = CaseAnnulled.model_validate_json(request.payload)
            return tuple(_annulled(aid, annulled) for aid in aids)
    for place, aid in enumerate(aids):
        heard = _heard(aid, request)
        if _is_about(aid, request) and heard != aid:
            return (*aids[:place], heard, *aids[place + 1 :])
    return aids


def _heard(aid: Aid, request: Request) -> Aid:
    """Return an aid once its organism or the CPSTI has spoken."""
    match request.name:
        case "acknowledgement.reported":
            code = AcknowledgementReported.model_validate_json(request.payload).code
            return social_aid.report(aid, Report(request.event, code))
        case "acknowledgement.settled":
            return social_aid.settle(aid, request.event)
        case "acknowledgement.refused":
            return social_aid.withdraw(aid)
        case _:
            said = SocialAidDecided.model_validate_json(request.payload)
            return social_aid.rule(aid, Ruling(request.event, said.granted, said.amount))


def _is_about(aid: Aid, request: Request) -> bool:
    """Return whether a word is about this aid; one that names no event is about the first that needs it."""
    if request.causation is None:
        return request.task.activity == "social-action"
    return request.causation in {aid.request.id, None if aid.ruling is None else aid.ruling.event.id}


def _corrected(aid: Aid, correction: CaseUpdated) -> Aid:
    """Return an aid whose request, or whose decision, said something else than was meant."""
    data = json.dumps(correction.data)
    if _means(correction, aid.request):
        meant = SocialAidRequested.model_validate_json(data)
        return replace(aid, kind=meant.kind, amount=meant.amount)
    if aid.ruling is not None and _means(correction, aid.ruling.event):
        said = SocialAidDecided.model_validate_json(data)
        return social_aid.rule(aid, Ruling(aid.ruling.event, said.granted, said.amount))
    return aid


def _annulled(aid: Aid, annulled: CaseAnnulled) -> Aid:
    """Return an aid that should not have been asked, or of which the decision does not hold."""
    if _means(annulled, aid.request):
        return social_aid.withdraw(aid)
    if aid.ruling is not None and _means(annulled, aid.ruling.event):
        return replace(aid, ruling=None)
    return aid


def _means(correction: Correction, event: EventRef) -> bool:
    return (correction.event, correction.source) == (event.id, event.source)
