"""The records of a file: what one carries taken apart is what comes of taking it apart."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.verdicts import InputRecord
from l233.event_file import Line
from l233.rehearsal_input import in_order
from schemas.envelope import unpack
from schemas.strict_json import write
from tests.unit.coordination.examples import OWN_DATA, structured
from tests.unit.schemas.test_strict_json import DOCUMENTS

USUAL = structured("sick-leave.received", OWN_DATA["sick-leave.received"])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "other"]),
    st.text(max_size=4)
    | st.sampled_from(["1.0", "application/json", "application/cloudevents+json", "\ud800"])
    | st.integers()
    | st.booleans()
    | st.none(),
)


def record(line: bytes) -> InputRecord:
    """Return the record of a line."""
    (one,) = in_order([Line(1, line)], 4)
    assert isinstance(one.record, InputRecord)
    return one.record


def holds(line: bytes) -> None:
    """Compare what a record carries with what it is taken apart to, the order of the attributes too."""
    made = record(line)
    if made.envelope is None:
        return
    unpacked = unpack(made.value, made.headers)
    assert made.envelope == unpacked
    assert list(made.envelope.attributes) == list(unpacked.attributes)


@given(ATTRIBUTES, DOCUMENTS)
def test_what_is_known_of_a_record_is_what_it_is_taken_apart_to(
    attributes: dict[str, object], data: object
) -> None:
    holds(write({**json.loads(USUAL), **attributes, "data": data}))


@pytest.mark.parametrize(
    "member",
    [
        b'"datacontenttype":"application/cloudevents+json","data":1',
        b'"datacontenttype":"application/json","data":{}',
        b'"other":4000000000,"data":{}',
        b'"other":true,"data":{}',
        b'"data":{"number":1e999}',
        b'"data_base64":"e30="',
    ],
)
def test_nothing_else_is_known_of_a_record_that_is_unlike_the_usual(member: bytes) -> None:
    attributes = {name: value for name, value in json.loads(USUAL).items() if name != "data"}
    holds(write(attributes)[:-1] + b"," + member + b"}")
    holds(write({**attributes, "specversion": None})[:-1] + b"," + member + b"}")


def test_a_usual_event_is_taken_apart_once() -> None:
    assert record(USUAL).envelope is not None
