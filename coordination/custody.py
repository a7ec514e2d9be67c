"""Decides which agent holds a worker's account in a mission, and which organism speaks for him on a day.

A worker who moves is served by another organism from the effective date on. When another agent serves
that organism (overseas, the CGSS), the one he leaves hands the account over. Own worked example: the statute
only asks that the activities be articulated (CSS art. L233-1, 1°).
"""

import json
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """A move as a mission sees it, in the order of the dates from which they count (ISO), then of the events.

    `left` and `joined` are the organisms; "" when none of the mission could be found there.
    """

    effective: str
    at: int
    event: str
    left: str
    joined: str


@dataclass(frozen=True, slots=True)
class Custody:
    """The moves of a worker that this agent heard of, in order; how many accounts are on their way here.

    `waiting` is what arrived meanwhile, in order, as the agent wrote it: it is worked once they are here.
    """

    moves: tuple[Move, ...] = ()
    awaited: int = 0
    waiting: tuple[str, ...] = ()

    def after(self, move: Move) -> "Custody":
        """Return the custody once a move is known; itself when it knew it."""
        if move in self.moves:
            return self
        return replace(self, moves=tuple(sorted((*self.moves, move))))

    def speaker(self, day: str, otherwise: str) -> str:
        """Return the organism that speaks for the worker on a day; `otherwise` when he never moved."""
        speaking = self.moves[0].left if self.moves else ""
        for move in self.moves:
            if move.effective <= day:
                speaking = move.joined or move.left
        return speaking or otherwise

    def holder(self) -> str:
        """Return the organism whose agent holds the account: of the last move; "" when he never moved."""
        if not self.moves:
            return ""
        return self.moves[-1].joined or self.moves[-1].left


AT_HOME: Final = Custody()
"""A worker who never moved."""


def encode(custody: Custody) -> bytes:
    """Return the compact JSON of a custody."""
    moves = [[move.effective, move.at, move.event, move.left, move.joined] for move in custody.moves]
    return json.dumps([custody.awaited, moves, custody.waiting], separators=(",", ":")).encode()


def decode(stored: bytes) -> Custody:
    """Return the custody that `encode` wrote."""
    awaited, moves, waiting = json.loads(stored)
    return Custody(tuple(Move(*move) for move in moves), awaited, tuple(waiting))
