"""Makes up what happens to a worker: the data of each event type as JSON, and which role leads it.

The lead is that of the example scheme (`docs/scheme.md`); `None` where an organism named in the event leads.
"""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Final, NamedTuple

from l233.day.calendar import Today
from l233.day.territory import TERRITORIES
from l233.day.workers import Place, Worker, siret
from schemas.codes import Kind


class Happening(NamedTuple):
    """The JSON members of an event's data, `worker` apart, and the role that leads."""

    members: str
    lead: Kind | None


Maker = Callable[[Random, Worker, Today], Happening]

_APE: Final = ("4321A", "4332A", "4399C", "4932Z", "5610A", "6201Z", "6820A", "7022Z", "8690D", "9602A")
_GROUNDS: Final = ("no_turnover", "no_declaration", "request")


def money(random: Random, least: int, most: int) -> str:
    """Draw an amount between two whole numbers of euros."""
    euros = least + int(random.random() * (most - least))
    return f"{euros}.{int(random.random() * 100):02d}"


def _period(worker: Worker, today: Today) -> str:
    # Told by the SIREN, so that a worker keeps his rhythm: a third of the micro-entrepreneurs declares
    # monthly, four fifths of the others are called monthly (the shares of YEARLY_THOUSANDS).
    monthly = worker.siren[7] in "012" if worker.micro else worker.siren[7] not in "01"
    return today.last_month if monthly else today.last_quarter


def registered(random: Random, worker: Worker, today: Today) -> Happening:
    """Make up a registration, taken over late when the activity began long ago."""
    start = today.date(-1 - int(random.random() * 900))
    members = f'"start":"{start}","legal_form":"1000","micro":{"true" if worker.micro else "false"}'
    if random.random() < 0.9:
        members += f',"ape":"{random.choice(_APE)}","siret":"{siret(worker)}"'
    return Happening(members, "collection")


def moved(worker: Worker, previous: Place, today: Today) -> Happening:
    """Make up a move, effective today; `worker` is how he is afterwards."""
    return Happening(f'"previous":{{{previous.json}}},"effective":"{today.iso}"', "health")


def _modified(random: Random, _worker: Worker, today: Today) -> Happening:
    changed = random.sample(
        ("address", "activity", "spouse_status", "legal_form", "name"), random.choice((1, 1, 2))
    )
    listed = ",".join(f'"{what}"' for what in changed)
    return Happening(
        f'"changed":[{listed}],"effective":"{today.date(-int(random.random() * 30))}"', "collection"
    )


def _ceased(random: Random, _worker: Worker, today: Today) -> Happening:
    return Happening(f'"end":"{today.date(-int(random.random() * 60))}"', "collection")


def _radiation_envisaged(random: Random, _worker: Worker, today: Today) -> Happening:
    return Happening(f'"ground":"{random.choice(_GROUNDS)}","notified":"{today.iso}"', "collection")


def _radiation_decided(random: Random, _worker: Worker, today: Today) -> Happening:
    return Happening(f'"ground":"{random.choice(_GROUNDS)}","effective":"{today.iso}"', "collection")


def _income_declared(random: Random, _worker: Worker, today: Today) -> Happening:
    source = "tax_authority" if random.random() < 0.9 else "worker"
    return Happening(
        f'"year":{today.year - 1},"amount":"{money(random, 2_000, 90_000)}","source":"{source}"', "collection"
    )


def _turnover_declared(random: Random, worker: Worker, today: Today) -> Happening:
    amount = "0.00" if random.random() < 0.317 else money(random, 50, 9_000)
    return Happening(f'"period":"{_period(worker, today)}","amount":"{amount}"', "collection")


def _called(random: Random, worker: Worker, today: Today) -> tuple[str, str, int]:
    """Period, total due and contributory income of a contribution: about 45 % of the income is due."""
    base = 400 + int(random.random() * 9_000)
    return _period(worker, today), f"{base * 45 // 100}.{int(random.random() * 100):02d}", base


def _contribution_called(random: Random, worker: Worker, today: Today) -> Happening:
    period, due, base = _called(random, worker, today)
    return Happening(f'"period":"{period}","due":"{due}","base":"{base}.00"', "collection")


def _contribution_paid(random: Random, worker: Worker, today: Today) -> Happening:
    period, due, base = _called(random, worker, today)
    paid = due if random.random() < 0.9 else money(random, 20, 180)
    return Happening(f'"period":"{period}","paid":"{paid}","due":"{due}","base":"{base}.00"', "collection")


def _contribution_unpaid(random: Random, worker: Worker, today: Today) -> Happening:
    period, due, _ = _called(random, worker, today)
    return Happening(
        f'"period":"{period}","due":"{due}","missed":{random.choice((1, 1, 1, 2, 3))}', "collection"
    )


def _delay_granted(random: Random, worker: Worker, today: Today) -> Happening:
    until = today.date(30 + int(random.random() * 300))
    return Happening(f'"period":"{_period(worker, today)}","until":"{until}"', "collection")


def _delay_broken(_random: Random, worker: Worker, today: Today) -> Happening:
    return Happening(f'"period":"{_period(worker, today)}"', "collection")


def _sick_leave(random: Random, _worker: Worker, today: Today) -> Happening:
    starts = -int(random.random() * 4)
    ends = starts + int(random.expovariate(1 / 25)) % 365
    return Happening(f'"starts":"{today.date(starts)}","ends":"{today.date(ends)}"', "health")


def _maternity(random: Random, _worker: Worker, today: Today) -> Happening:
    starts = 10 + int(random.random() * 60)
    return Happening(f'"starts":"{today.date(starts)}","ends":"{today.date(starts + 112)}"', "health")


def _retirement_requested(random: Random, _worker: Worker, today: Today) -> Happening:
    starts = today.date(60 + int(random.random() * 200))[:8] + "01"
    complete = "true" if random.random() < 0.6 else "false"
    return Happening(f'"starts":"{starts}","complete":{complete}', "retirement")


def _career_disputed(random: Random, _worker: Worker, today: Today) -> Happening:
    year = today.year - 1 - int(random.random() * 30)
    return Happening(f'"year":{year},"claimed":{int(random.random() * 5)}', "retirement")


def named(random: Random, worker: Worker, kind: Kind) -> str:
    """Name the worker's own organism of a role; now and then one of another place."""
    own = worker.place.organisms(kind)
    if own and random.random() < 0.9:
        return random.choice(own)
    anywhere = random.choice(_SERVED).organisms[kind]
    return random.choice(anywhere)


_SERVED: Final = tuple(t for t in TERRITORIES.values() if t.organisms["health"])


def _social_aid(random: Random, worker: Worker, _today: Today) -> Happening:
    kind = random.choice(("contributor_in_difficulty", "emergency", "exceptional", "retirement_support"))
    by = named(random, worker, "retirement" if kind == "retirement_support" else "collection")
    amount = f',"amount":"{money(random, 200, 5_000)}"' if random.random() < 0.6 else ""
    return Happening(f'"kind":"{kind}","received_by":"{by}"{amount}', None)


def _difficulty(random: Random, worker: Worker, _today: Today) -> Happening:
    by = named(random, worker, random.choice(("health", "collection", "collection", "retirement")))
    themes = random.sample(
        ("health", "contributions", "retirement", "family", "housing"), random.choice((1, 2, 3))
    )
    listed = ",".join(f'"{theme}"' for theme in themes)
    return Happening(f'"detected_by":"{by}","themes":[{listed}]', None)


_SUBJECTS: Final = ("contributions",) * 6 + ("health",) * 3 + ("retirement",) * 2 + ("social_action", "other")
_KIND_OF_SUBJECT: Final[Mapping[str, Kind]] = {
    "contributions": "collection",
    "health": "health",
    "retirement": "retirement",
}
_CHANNELS: Final = ("phone",) * 8 + ("online",) * 6 + ("email",) * 3 + ("counter",) * 2 + ("post",)


def _asked(random: Random, worker: Worker) -> tuple[str, str, Kind | None]:
    """Subject, who receives it (two in ten times not the competent organism) and the lead."""
    subject = random.choice(_SUBJECTS)
    kind = _KIND_OF_SUBJECT.get(subject)
    by = named(random, worker, kind if kind is not None and random.random() < 0.9 else "collection")
    return subject, by, kind


def _contact(random: Random, worker: Worker, _today: Today) -> Happening:
    subject, by, lead = _asked(random, worker)
    channel = random.choice(_CHANNELS)
    return Happening(f'"channel":"{channel}","subject":"{subject}","received_by":"{by}"', lead)


def _appointment(random: Random, worker: Worker, _today: Today) -> Happening:
    subject, by, lead = _asked(random, worker)
    return Happening(f'"place":"Accueil commun","subject":"{subject}","received_by":"{by}"', lead)


# Of the mediations 78 % concern contributions, 7 % health, 8 % retirement (CPSTI, 2023).
_DISPUTED: Final[tuple[Kind, ...]] = ("collection",) * 16 + ("health",) * 2 + ("retirement",) * 2


def _complaint(random: Random, worker: Worker, _today: Today) -> Happening:
    kind = random.choice(_DISPUTED)
    subject = "contributions" if kind == "collection" else kind
    return Happening(f'"against":"{named(random, worker, kind)}","subject":"{subject}"', None)


def _mediation(random: Random, worker: Worker, _today: Today) -> Happening:
    # 43 % of the requests became a mediation in 2024; most others lacked the prior approach (CPSTI).
    prior = "true" if random.random() < 0.6 else "false"
    return Happening(
        f'"against":"{named(random, worker, random.choice(_DISPUTED))}","prior_approach":{prior}', None
    )


MAKERS: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "activity.registered": registered,
        "activity.modified": _modified,
        "activity.ceased": _ceased,
        "radiation.envisaged": _radiation_envisaged,
        "radiation.decided": _radiation_decided,
        "income.declared": _income_declared,
        "turnover.declared": _turnover_declared,
        "contribution.called": _contribution_called,
        "contribution.paid": _contribution_paid,
        "contribution.unpaid": _contribution_unpaid,
        "payment-delay.granted": _delay_granted,
        "payment-delay.broken": _delay_broken,
        "sick-leave.received": _sick_leave,
        "maternity.declared": _maternity,
        "retirement.requested": _retirement_requested,
        "career.disputed": _career_disputed,
        "social-aid.requested": _social_aid,
        "difficulty.detected": _difficulty,
        "contact.received": _contact,
        "appointment.requested": _appointment,
        "complaint.lodged": _complaint,
        "mediation.opened": _mediation,
    }
)
"""Event name -> what makes it up; `territory.changed` needs two places and is made by `moved`."""

OF_MICRO_ONLY: Final = frozenset({"turnover.declared", "radiation.envisaged", "radiation.decided"})
OF_OTHERS_ONLY: Final = frozenset({"income.declared", "contribution.called", "contribution.unpaid"})
