"""Two events with the same key are the same when they say the same, however they are written."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.content import DIGEST_BYTES, content_digest
from schemas.envelope import pack_structured, unpack_structured
from tests.unit.schemas.event_parts import ATTRIBUTES, DATA, accepted, binary, raw

DIGEST = content_digest(accepted(binary(correlationid="c", causationid="b")))


def test_a_digest_has_a_fixed_size() -> None:
    assert len(DIGEST) == DIGEST_BYTES == 16


@given(st.permutations(sorted(DATA)), st.sampled_from([None, 2]), st.booleans())
def test_the_way_of_writing_makes_no_difference(order: list[str], indent: int | None, escape: bool) -> None:
    """Order of keys, white space, escapes, content mode, the offset that the time is told in."""
    text = json.dumps({key: DATA[key] for key in order}, indent=indent)
    if escape:
        text = text.replace("2026-03", "2026\\u002d03")
    attributes = {"correlationid": "c", "causationid": "b", "time": "2026-03-02T08:30:00.000Z"}
    assert content_digest(accepted(raw(text.encode(), **attributes))) == DIGEST
    line = pack_structured({**ATTRIBUTES, **attributes}, text.encode())
    assert content_digest(accepted(unpack_structured(line))) == DIGEST


@pytest.mark.parametrize(
    "attributes",
    [{"id": "a2"}, {"source": "urn:other"}, {"recordedtime": "2026-03-02T09:31:00Z"}, {"traceparent": "t"}],
)
def test_what_belongs_to_the_transport_makes_no_difference(attributes: Mapping[str, str]) -> None:
    """Key and tracing are not what an event says."""
    assert (
        content_digest(accepted(binary(**{"correlationid": "c", "causationid": "b", **attributes}))) == DIGEST
    )


@pytest.mark.parametrize(
    "attributes",
    [
        {"time": "2026-03-02T09:30:01+01:00"},
        {"time": "2026-03-02T09:30:00.000001+01:00"},
        {"time": "2026-03-02T09:30:00Z"},
        {"correlationid": "d"},
        {"causationid": "d"},
        {"correlationid": "b", "causationid": "c"},
        {"type": "fr.l233.contribution.unpaid.v1"},
    ],
)
def test_another_time_case_or_cause_is_another_content(attributes: Mapping[str, str]) -> None:
    unpaid = {"period": "2026-03", "due": "412.00", "missed": 1}
    data = unpaid if "type" in attributes else DATA
    assert (
        content_digest(accepted(binary(data, **{"correlationid": "c", "causationid": "b", **attributes})))
        != DIGEST
    )


def test_types_of_the_same_data_differ() -> None:
    """A sick leave is no maternity, though both have the same fields."""
    days = {"starts": "2026-03-02", "ends": "2026-03-09"}
    digests = {
        content_digest(accepted(binary(days, type=f"fr.l233.{name}.v1")))
        for name in ("sick-leave.received", "maternity.declared")
    }
    assert len(digests) == 2


@pytest.mark.parametrize("field", DATA)
def test_another_value_is_another_content(field: str) -> None:
    other = {**DATA, field: "2026-04" if field == "period" else "1.00"}
    assert content_digest(accepted(binary(other, correlationid="c", causationid="b"))) != DIGEST
