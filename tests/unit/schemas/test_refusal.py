"""Violations: pointers that are safe to show, lists that fit into a record."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.refusal import MOST_VIOLATIONS, Violation, listed, pointer


def test_a_pointer_names_fields_and_positions() -> None:
    assert pointer("data", "worker", "attachments", "health") == "/data/worker/attachments/health"
    assert pointer("data", "themes", 1) == "/data/themes/1"
    assert pointer() == ""


@given(st.text().filter(lambda name: not name.isidentifier()))
def test_a_pointer_ends_before_a_name_that_is_no_field_name(name: str) -> None:
    """A key can be a person's name, a number, or a megabyte: it is not repeated."""
    segments = pointer("data", name, "inner").split("/")
    assert segments[:2] == ["", "data"]
    assert all(len(segment) <= 64 and (not segment or segment[0].isascii()) for segment in segments)
    if not name.isascii() or " " in name:
        assert segments == ["", "data"]


def test_a_huge_name_is_not_repeated() -> None:
    assert pointer("data", "x" * 65) == "/data"


def test_a_violation_is_listed_once() -> None:
    twice = Violation("/time", "expected a time")
    assert listed([twice, Violation("/id", "expected an id"), twice]) == (
        twice,
        Violation("/id", "expected an id"),
    )


def test_a_list_is_bounded_and_says_how_many_more() -> None:
    """A refusal has to fit into a record, whatever was sent."""
    many = [Violation(f"/data/field{number}", "unknown field") for number in range(MOST_VIOLATIONS + 7)]
    found = listed(many)
    assert found[:-1] == tuple(many[:MOST_VIOLATIONS])
    assert found[-1].message == "and 7 more violations"


def test_a_violation_is_an_object_in_json() -> None:
    """`{"path", "message"}`, as `l233 check --json` prints it."""
    adapter = TypeAdapter(Violation)
    violation = Violation("/time", "expected a time")
    assert adapter.dump_json(violation) == b'{"path":"/time","message":"expected a time"}'
    assert adapter.validate_json(adapter.dump_json(violation)) == violation


def test_data_and_attributes_are_told_apart() -> None:
    concerning = {path for path in ("/data", "/data/x", "/data_base64") if Violation(path, "").concerns_data}
    others = {
        path for path in ("", "/datacontenttype", "/dataclassification") if Violation(path, "").concerns_data
    }
    assert (concerning, others) == ({"/data", "/data/x", "/data_base64"}, set())
