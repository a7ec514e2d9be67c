"""Which sources may send which types."""

import pytest

from coordination.allowed_sources import gate

NARROWED = {
    "fr.l233.income.*": ["urn:tax", "urn:tax:*"],
    "fr.l233.radiation.*": [],
    "fr.l233.*": ["urn:*"],
}


@pytest.mark.parametrize(
    ("type_", "source", "allowed"),
    [
        ("fr.l233.income.declared.v1", "urn:tax", True),
        ("fr.l233.income.declared.v1", "urn:tax:lyon", True),
        ("fr.l233.income.declared.v1", "urn:other", False),
        ("fr.l233.radiation.decided.v1", "urn:tax", False),
        ("fr.l233.contribution.paid.v1", "urn:other", True),
        ("fr.l233.contribution.paid.v1", "https://other", False),
        ("org.other", "urn:tax", False),
    ],
)
def test_the_first_pattern_that_fits_the_type_decides(type_: str, source: str, allowed: bool) -> None:
    assert gate(NARROWED)(type_, source) is allowed


def test_without_a_list_anybody_may_send_anything() -> None:
    assert gate({})("fr.l233.income.declared.v1", "urn:anybody")
