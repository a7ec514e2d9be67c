"""Makes up self-employed workers, and remembers those that are registered.

Nobody is real: SIRENs are drawn from numbers that begin with 0, of which few were ever given.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from stdnum import luhn

from l233.day.population import MICRO_SHARE
from l233.day.territory import OUTSIDE, Obstacle, Territory, draw
from l233.subject import DEVELOPMENT_KEY, worker_reference
from schemas.codes import Kind

SubjectOf = Callable[[str], str]
"""SIREN -> worker reference."""


def invented_subject(siren: str) -> str:
    """Return the worker reference under the development key: for invented workers only."""
    return worker_reference(siren, DEVELOPMENT_KEY)


_ELSEWHERE = 0.06
"""Share of workers whose establishment is in another département (assumed)."""
_LIVES_OUTSIDE = 0.004
"""Share of workers who live where L233-1 does not apply and work where it does (assumed)."""
_ATTACHED = 0.97
"""Share of workers in a département with several CPAM whose attachment is known (assumed)."""
_ATTACHED_ELSEWHERE = 0.1
"""The same where the territory alone would do (assumed)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker lives and works, as JSON for the blocks `worker` and `previous`."""

    home: Territory
    work: Territory
    json: str
    """The fields of the block, without braces and SIREN."""
    attached: str | None
    """The CPAM that is given as attachment."""

    def obstacle(self, kind: Kind) -> Obstacle | None:
        """Why nobody takes the role `kind` for a worker at this place."""
        if kind == "health" and self.attached is not None:
            return None
        return (self.work if kind == "collection" else self.home).obstacle(kind)

    def organisms(self, kind: Kind) -> tuple[str, ...]:
        """Return the organisms that may take the role `kind`: one, several or none."""
        if kind == "health" and self.attached is not None:
            return (self.attached,)
        return (self.work if kind == "collection" else self.home).organisms[kind]


@dataclass(frozen=True, slots=True)
class Worker:
    """An invented worker."""

    siren: str
    subject: str
    micro: bool
    place: Place

    @property
    def block(self) -> str:
        """The JSON member `"worker": {…}`."""
        return f'"worker":{{"siren":"{self.siren}",{self.place.json}}}'

    def at(self, place: Place) -> "Worker":
        """Return the same worker after a move."""
        return replace(self, place=place)


def place(random: Random, *, home: Territory, work: Territory, attached: str | None) -> Place:
    """Return a place in the given départements."""
    residence = home.commune(random)
    establishment = residence if home is work else work.commune(random)
    json = f'"residence":"{residence}","establishment":"{establishment}"'
    if attached is not None:
        json += f',"attachments":{{"health":"{attached}"}}'
    return Place(home, work, json, attached)


def usual_place(random: Random) -> Place:
    """Draw a place as most workers have it: working at home, within the scheme, attached where needed."""
    work = home = draw(random)
    chance = random.random()
    if chance < _LIVES_OUTSIDE:
        home = random.choice(OUTSIDE)
    elif chance < _ELSEWHERE:
        work = draw(random)
    candidates = home.organisms["health"]
    share = _ATTACHED if len(candidates) > 1 else _ATTACHED_ELSEWHERE
    attached = random.choice(candidates) if candidates and random.random() < share else None
    return place(random, home=home, work=work, attached=attached)


_STEP: Final = 7_919_317
"""Odd and no multiple of five: multiples of it run through all numbers below ten million."""
_MOST: Final = 10_000_000


class Births:
    """Gives new workers, no two with the same SIREN among the first ten million."""

    def __init__(self, random: Random, subject_of: SubjectOf) -> None:
        self._random = random
        self._subject_of = subject_of
        self._number = random.randrange(_MOST)

    def worker(self, where: Place | None = None) -> Worker:
        """Make up a worker, at a usual place unless told where."""
        self._number = (self._number + _STEP) % _MOST
        body = f"0{self._number:07d}"
        siren = body + luhn.calc_check_digit(body)
        micro = self._random.random() < MICRO_SHARE
        return Worker(siren, self._subject_of(siren), micro, where or usual_place(self._random))


def siret(worker: Worker) -> str:
    """Return the number of the worker's first establishment."""
    body = f"{worker.siren}0001"
    return body + str(luhn.calc_check_digit(body))


class Registered:
    """The workers whose registration was sent, and who are still active."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []
        self._index: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def add(self, worker: Worker) -> None:
        """Remember a newly registered worker."""
        self._index[worker.subject] = len(self._workers)
        self._workers.append(worker)

    def get(self, subject: str) -> Worker | None:
        """Return an active worker as he is now."""
        index = self._index.get(subject)
        return None if index is None else self._workers[index]

    def draw(self, random: Random, *, micro: bool | None) -> Worker:
        """Draw an active worker; of the given kind if one is found in a few tries."""
        workers = self._workers
        worker = workers[int(random.random() * len(workers))]
        for _ in range(4):
            if micro is None or worker.micro is micro:
                break
            worker = workers[int(random.random() * len(workers))]
        return worker

    def move(self, worker: Worker) -> None:
        """Replace a worker by how he is after a move."""
        self._workers[self._index[worker.subject]] = worker

    def remove(self, worker: Worker) -> None:
        """Forget a worker who ceased; the last one takes his number."""
        index = self._index.pop(worker.subject)
        last = self._workers.pop()
        if last.subject != worker.subject:
            self._workers[index] = last
            self._index[last.subject] = index
