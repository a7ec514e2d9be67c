"""The closed lists of the contracts, against the statute and what is known of the organisms."""

from schemas import codes


def test_the_organisms_are_those_of_the_statute() -> None:
    """101 CPAM, 21 URSSAF, 15 CARSAT, 4 CGSS, one CCSS, CNAV in Île-de-France; three national heads."""
    local = [codes.KIND_OF_ORGANISM[organism] for organism in codes.LOCAL_ORGANISMS]
    assert {kind: local.count(kind) for kind in sorted(set(local))} == {
        "CARSAT": 15,
        "CCSS": 1,
        "CGSS": 4,
        "CNAV": 1,
        "CPAM": 101,
        "URSSAF": 21,
    }
    assert codes.NATIONAL_HEADS == ("cnam", "cnav", "acoss")


def test_every_role_has_its_kinds() -> None:
    """A CGSS takes every role, the CCSS of Lozère two; no national head any."""
    in_all = set.intersection(*(set(codes.ORGANISMS_FOR[kind]) for kind in codes.KINDS))
    assert in_all == {"cgss:971", "cgss:972", "cgss:973", "cgss:974"}
    with_ccss = {kind for kind in codes.KINDS if "ccss:481" in codes.ORGANISMS_FOR[kind]}
    assert with_ccss == {"health", "collection"}
    assert "cnav:ile-de-france" in codes.ORGANISMS_FOR["retirement"]
    assert not {head for kind in codes.KINDS for head in codes.ORGANISMS_FOR[kind]} & set(
        codes.NATIONAL_HEADS
    )


def test_the_departements_are_all_known() -> None:
    """96 in mainland France, Corsica as 2A and 2B, and 971 to 978."""
    overseas = [code for code in codes.DEPARTEMENTS if len(code) == 3]
    assert overseas == [str(number) for number in range(971, 979)]
    assert {"2A", "2B"} <= set(codes.DEPARTEMENTS)
    assert "20" not in codes.DEPARTEMENTS
    assert len(codes.DEPARTEMENTS) == 96 + 8
