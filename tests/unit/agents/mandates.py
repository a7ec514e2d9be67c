"""Records of inboxes that no intake has to write first: an event, and what is asked of one organism."""

from collections.abc import Mapping
from dataclasses import replace

from agents.emission import MANDATE_HEADER
from schemas.events import type_of
from schemas.records import MANDATE, Acknowledge, CorrectedEvent, Mandate
from schemas.types import Role
from tests.unit.agents.records import Kept, event

CASE = "0f3c9f0e-8a59-5b3f-9f4e-8f6d8f1f2a11"
ASKED = Mandate(
    case=CASE,
    organism="",
    role="lead",
    activity="social-action",
    acknowledge="reported",
    by="2026-03-16T23:59:59+01:00",
    basis="worked example",
    status="example",
    scheme="2026-01",
)


def asked(
    name: str,
    data: Mapping[str, object],
    organism: str,
    *,
    role: Role = "lead",
    id_: str = "e1",
    time: str = "2026-03-02T10:00:00+01:00",
    about: str | None = None,
    activity: str = "social-action",
    acknowledge: Acknowledge = "reported",
    corrects: str | None = None,
) -> Kept:
    """Return a record of the inbox of the agent that serves an organism.

    `about` is its causation, `corrects` the name of the event that a correction is about.
    """
    record = event(name, dict(data), id_=id_, case=CASE)
    headers = [(key, time.encode() if key == "ce_time" else value) for key, value in record.headers]
    if about is not None:
        headers.append(("ce_causationid", about.encode()))
    meant = None if corrects is None else CorrectedEvent("e0", "urn:test:producer", type_of(corrects))
    mandate = replace(
        ASKED, organism=organism, role=role, activity=activity, acknowledge=acknowledge, corrects=meant
    )
    return replace(record, topic="", headers=(*headers, (MANDATE_HEADER, MANDATE.dump_json(mandate))))
