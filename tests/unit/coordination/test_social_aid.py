"""The way of a request for social aid: the organism's word, the CPSTI's decision, and nothing by itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise, permutations

import pytest

from coordination.social_aid import Aid, Made, Report, Ruling, file, made, report, rule, settle, withdraw
from schemas.emitted import SocialAidPaid, SocialAidReferred
from schemas.records import EventRef
from tests.unit.coordination.examples import SIREN, SUBJECT, TOULOUSE

ORGANISM = "urssaf:midi-pyrenees"
CASE = "0f3c9f0e-8a59-5b3f-9f4e-8f6d8f1f2a11"
Word = Callable[[Aid], Aid]


def said(name: str, day: int, id_: str) -> EventRef:
    """Return an event of March 2026."""
    time = f"2026-03-{day:02d}T09:30:00+01:00"
    return EventRef(id_, "urn:example:toulouse", f"fr.l233.{name}.v1", SUBJECT, time)


REQUEST = said("social-aid.requested", 2, "request-31555")
ASKED = Aid(REQUEST, CASE, "emergency", "800.00")


def reported(code: int = 0) -> Word:
    """Return the report of the organism's own system, on 4 March."""
    return lambda aid: report(aid, Report(said("acknowledgement.reported", 4, "report"), code))


def decided(*, granted: bool = True, amount: str | None = None) -> Word:
    """Return the CPSTI's decision, on 6 March."""
    return lambda aid: rule(aid, Ruling(said("social-aid.decided", 6, "decision"), granted, amount))


def settled(day: int = 9) -> Word:
    """Return the organism's word that the aid is paid."""
    return lambda aid: settle(aid, said("acknowledgement.settled", day, f"settled-{day}"))


def told(*words: Word, asked: Aid = ASKED) -> Sequence[Made]:
    """Return all that the organism tells while these words come, in this order."""
    ways = [asked]
    for word in words:
        ways.append(word(ways[-1]))
    return [one for before, after in pairwise(ways) for one in made(ORGANISM, before, after, REQUEST)]


def names(told_: Sequence[Made]) -> list[str]:
    """Return what kinds of thing were told."""
    return [type(one.data).__name__.removeprefix("SocialAid").lower() for one in told_]


def test_a_request_alone_makes_the_organism_tell_nothing() -> None:
    """Nothing of social aid happens by itself."""
    assert list(made(ORGANISM, None, ASKED, REQUEST)) == []


def test_an_aid_goes_from_the_request_to_its_payment() -> None:
    """Instructed and referred because of the report, paid because of the settlement."""
    way = told(reported(), decided(), settled())
    assert names(way) == ["instructed", "referred", "paid"]
    assert [one.cause.id for one in way] == ["report", "report", "settled-9"]


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_request_taken_into_account_is_referred(code: int) -> None:
    """With corrections to make or in part, the CPSTI sees it all the same."""
    assert names(told(reported(code))) == ["instructed", "referred"]


@pytest.mark.parametrize("end", [reported(3), withdraw])
def test_a_request_not_taken_into_account_ends(end: Word) -> None:
    """Refused or code 3: nothing follows, whatever is said later."""
    assert told(end, decided(), settled()) == []


def test_the_organism_never_decides() -> None:
    """Without the CPSTI's word nothing is paid, nor after a decision against the aid."""
    assert "paid" not in names(told(reported(), settled()))
    assert "paid" not in names(told(reported(), decided(granted=False, amount="500.00"), settled()))


@pytest.mark.parametrize(
    ("granted", "asked", "paid"), [("500.00", "800.00", "500.00"), (None, "800.00", "800.00")]
)
def test_what_is_paid_is_what_was_granted_else_what_was_asked(
    granted: str | None, asked: str, paid: str
) -> None:
    """The CPSTI's amount wins."""
    *_, last = told(reported(), decided(amount=granted), settled(), asked=replace(ASKED, amount=asked))
    assert last.data == SocialAidPaid(organism=ORGANISM, amount=paid)


def test_a_payment_of_an_amount_that_nobody_named_is_not_told() -> None:
    """It is told once the amount is known, by a correction of the decision."""
    asked = replace(ASKED, amount=None)
    assert "paid" not in names(told(reported(), decided(), settled(), asked=asked))
    way = told(reported(), decided(), settled(), decided(amount="300.00"), asked=asked)
    assert names(way) == ["instructed", "referred", "paid"]


@pytest.mark.parametrize("order", list(permutations([reported(), decided(), settled()])))
def test_whatever_the_order_of_arrival_the_same_is_told_for_the_same_causes(order: Sequence[Word]) -> None:
    """The words come by different ways: an overtaken one changes nothing, nor does one that comes twice."""
    expected = {("instructed", "report"), ("referred", "report"), ("paid", "settled-9")}
    once, twice = told(*order), told(*(word for word in order for _ in range(2)))
    for way in (once, twice):
        assert set(zip(names(way), [one.cause.id for one in way], strict=True)) == expected
        assert len(way) == len(expected)


@pytest.mark.parametrize("order", list(permutations([reported(), decided(), settled(5)])))
def test_what_was_settled_before_the_decision_is_no_payment(order: Sequence[Word]) -> None:
    """By the times told, not by the order of arrival; a settlement after the decision still pays."""
    assert "paid" not in names(told(*order))
    assert names(told(*order, settled(9)))[-1] == "paid"


def test_the_first_decision_stands() -> None:
    """A second one from elsewhere does not turn the first round."""
    other = Ruling(said("social-aid.decided", 7, "another"), granted=True, amount="9000.00")
    way = told(reported(), decided(granted=False), lambda aid: rule(aid, other), settled())
    assert "paid" not in names(way)


def test_a_file_that_is_corrected_before_the_decision_is_referred_again() -> None:
    """Under its number, because of the correction; after the decision it stays as it was judged."""

    def corrected(aid: Aid) -> Aid:
        return replace(aid, amount="900.00")

    *_, first, again = told(reported(), corrected)
    assert isinstance(first.data, SocialAidReferred)
    assert isinstance(again.data, SocialAidReferred)
    assert first.data.file.split()[0] == again.data.file.split()[0]
    assert "900.00" in again.data.file
    assert names(told(reported(), decided(), corrected)) == ["instructed", "referred"]


def test_nothing_in_the_file_identifies_the_worker() -> None:
    """No reference, SIREN, commune, case, id or source of the worker's, whole or in recognisable parts."""
    text = file(ASKED).lower()
    own = [REQUEST.id, REQUEST.source, REQUEST.time, SUBJECT, CASE, SIREN, *map(str, TOULOUSE.values())]
    for value in own:
        for part in (value, *value.replace("-", ":").split(":"), value[-12:]):
            assert len(part) <= 2 or part.lower() not in text
    number, kind, amount = text.split()
    assert (kind, amount) == ("emergency", "800.00")
    assert len(number.replace("-", "")) == len("0123456789abcdef" * 2)


def test_the_number_of_a_file_can_not_be_found_by_who_does_not_hold_case_and_worker() -> None:
    """Each of the worker's reference, the case and the request changes it: to know one of them is no help."""
    number = file(ASKED).split()[0]
    others = [
        replace(ASKED, case="another"),
        replace(ASKED, request=replace(REQUEST, subject="worker:" + "0" * 32)),
        replace(ASKED, request=replace(REQUEST, id="another")),
    ]
    assert len({number, *(file(other).split()[0] for other in others)}) == 1 + len(others)
