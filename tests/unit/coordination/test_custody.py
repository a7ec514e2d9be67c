"""Who holds a worker's account, and who speaks for him on a day."""

from itertools import permutations

from coordination.custody import AT_HOME, Custody, Move, decode, encode

TO_CAYENNE = Move("2026-03-10", 5, "a", "carsat:31", "cgss:973")
TO_RENNES = Move("2026-06-01", 1, "b", "cgss:973", "carsat:35")
ABROAD = Move("2026-09-01", 1, "c", "carsat:35", "")


def after(*moves: Move) -> Custody:
    custody = AT_HOME
    for move in moves:
        custody = custody.after(move)
    return custody


def test_who_never_moved_is_spoken_for_by_whoever_is_asked() -> None:
    assert AT_HOME.speaker("2026-03-10", "carsat:31") == "carsat:31"
    assert AT_HOME.holder() == ""


def test_an_organism_speaks_from_the_day_the_move_counts() -> None:
    custody = after(TO_CAYENNE, TO_RENNES)
    days = ("2026-03-09", "2026-03-10", "2026-05-31", "2026-06-01")
    assert [custody.speaker(day, "x") for day in days] == ["carsat:31", "cgss:973", "cgss:973", "carsat:35"]


def test_the_account_is_where_the_last_move_leads_whatever_came_first() -> None:
    assert {after(*moves) for moves in permutations((TO_CAYENNE, TO_RENNES))} == {
        after(TO_CAYENNE, TO_RENNES)
    }
    assert after(TO_RENNES, TO_CAYENNE).holder() == "carsat:35"


def test_a_move_to_where_nobody_is_leaves_the_account_where_it_was() -> None:
    custody = after(TO_CAYENNE, TO_RENNES, ABROAD)
    assert custody.holder() == custody.speaker("2026-10-01", "x") == "carsat:35"


def test_a_move_that_is_known_changes_nothing() -> None:
    custody = after(TO_CAYENNE)
    assert custody.after(TO_CAYENNE) is custody


def test_a_move_is_accepted_once_with_its_own_account() -> None:
    custody = AT_HOME.with_account("a").with_account("b")
    assert custody.accepted("c") is None
    accepted = custody.accepted("a")
    assert accepted == AT_HOME.with_account("b")
    assert accepted.accepted("a") is None


def test_what_is_stored_reads_back_the_same() -> None:
    custody = Custody((TO_CAYENNE, ABROAD), arrived=("é", "b"))
    assert decode(encode(custody)) == custody
