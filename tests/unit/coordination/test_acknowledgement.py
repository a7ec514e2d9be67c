"""What an organism answers by itself, and that it reads back."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from coordination.acknowledgement import (
    AcknowledgementError,
    MandateError,
    answer,
    mandate_json,
    mandate_of,
    read,
)
from coordination.routing import route
from coordination.situation import situation_of
from schemas.codes import Kind
from schemas.records import MANDATE, CorrectedEvent, Decision, Mandate
from schemas.types import Role
from tests.unit.coordination.examples import SIREN, directory, event, shipped, worker

NOW = "2026-03-02T10:00:00.000Z"


def decision(name: str, commune: str) -> Decision:
    happened = event(name, at=worker(commune))
    assert happened.data.worker is not None
    found = route(happened, shipped(), directory(), situation_of(happened.data.worker, SIREN))
    assert isinstance(found, Decision)
    return found


def mandates(decided: Decision) -> list[Mandate]:
    return [mandate_of(decided, to) for to in decided.recipients]


@pytest.mark.parametrize("commune", ["31555", "75101", "97105", "48095", "67482", "2A004"])
@pytest.mark.parametrize("name", ["activity.registered", "income.declared", "mediation.opened"])
def test_every_recipient_receives_through_the_agent_that_serves_it(name: str, commune: str) -> None:
    decided = decision(name, commune)
    for mandate in mandates(decided):
        agent = directory().organisms[mandate.organism].agent
        given = answer(mandate, mandate.case, decided.event, agent, directory(), at=NOW)
        assert (given.level, given.organism, given.data.role) == ("received", mandate.organism, mandate.role)
        assert (given.case, given.subject) == (decided.case, decided.event.subject)
        assert (given.causation, given.at) == (decided.event.id, NOW)


@pytest.mark.parametrize("case", ["c-1", "", 'with "quotes"', "back\\slash", "é€𝄞", "\u007f"])
@pytest.mark.parametrize("corrects", [None, CorrectedEvent("e", "urn:x", "fr.l233.sick-leave.started.v1")])
def test_a_mandate_is_written_as_it_is_read(case: str, corrects: CorrectedEvent | None) -> None:
    """The second from what was written of the first: only the case differs, and it may be any text."""
    competent: dict[Kind, str] = {"health": "cpam:311", "collection": "urssaf:midi-pyrenees"}
    for name in (case, f"another {case}"):
        decided = replace(decision("contribution.paid", "31555"), case=name, corrects=corrects)
        for to in decided.recipients:
            written = mandate_json(decided, to, tuple(competent.items()))
            assert MANDATE.validate_json(written) == mandate_of(decided, to, competent)


@pytest.mark.parametrize(
    ("organism", "role", "agent", "ground"),
    [
        ("ccss:481", "lead", "cpam", "not_served_here"),
        ("cnav:ile-de-france", "lead", "cnav", "not_served_here"),
        ("cnav", "lead", "cnav", "not_competent"),
        ("cnav", "informed", "cnav", None),
        ("acoss", "support", "acoss", None),
        ("cnav:ile-de-france", "lead", "carsat", None),
    ],
)
def test_what_is_not_its_own_is_refused_with_the_ground(
    organism: str, role: Role, agent: str, ground: str | None
) -> None:
    decided = decision("activity.registered", "31555")
    asked = mandates(decided)[0]
    mandate = replace(asked, organism=organism, role=role)
    given = answer(mandate, mandate.case, decided.event, agent, directory(), at=NOW)
    assert given.level == ("received" if ground is None else "refused")
    assert json.loads(given.payload).get("reason") == ground


def test_a_mandate_for_an_organism_of_another_directory_is_told() -> None:
    decided = decision("activity.registered", "31555")
    mandate = replace(mandates(decided)[0], organism="cpam:999")
    with pytest.raises(MandateError, match="cpam:999 is not in the directory"):
        answer(mandate, mandate.case, decided.event, "cpam", directory(), at=NOW)


def test_answering_again_gives_the_same_bytes() -> None:
    decided = decision("activity.registered", "31555")
    mandate = mandates(decided)[0]
    first, second = (
        answer(mandate, mandate.case, decided.event, "urssaf", directory(), at=NOW) for _ in range(2)
    )
    assert (first, first.payload) == (second, second.payload)


def test_an_acknowledgement_reads_back_from_its_record() -> None:
    decided = decision("activity.registered", "31555")
    given = answer(mandates(decided)[0], decided.case, decided.event, "urssaf", directory(), at=NOW)
    attributes = {
        "id": given.id,
        "type": given.type,
        "subject": given.subject,
        "correlationid": given.case,
        "time": given.at,
        "causationid": decided.event.id,
    }
    assert read(attributes, given.payload) == given


def test_what_is_no_acknowledgement_is_told() -> None:
    with pytest.raises(AcknowledgementError, match="another type"):
        read({"type": "fr.l233.contribution.paid.v1"}, b"{}")
    with pytest.raises(AcknowledgementError, match="without id, subject, correlationid, time"):
        read({"type": "fr.l233.acknowledgement.received.v1"}, b'{"organism": "cpam:311", "role": "lead"}')
    whole = {"id": "1", "subject": "s", "correlationid": "c", "time": NOW}
    wrong = b'{"organism": "cpam:311", "role": "lead", "code": 4}'
    with pytest.raises(ValidationError):
        read({**whole, "type": "fr.l233.acknowledgement.reported.v1"}, wrong)
