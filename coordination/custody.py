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
    """The moves of a worker that this agent took in, in order.

    `arrived` names the moves (the ids of their events) whose account is here already, before the agent
    could take them in.
    """

    moves: tuple[Move, ...] = ()
    arrived: tuple[str, ...] = ()

    def after(self, move: Move) -> "Custody":
        """Return the custody once a move is known; itself when it knew it."""
        if move in self.moves:
            return self
        return replace(self, moves=tuple(sorted((*self.moves, move))))

    def with_account(self, event: str) -> "Custody":
        """Return the custody once the account of a move is here."""
        return replace(self, arrived=(*self.arrived, event))

    def accepted(self, event: str) -> "Custody | None":
        """Return the custody once a move is accepted with its account; None while that is not here."""
        if event not in self.arrived:
            return None
        return replace(self, arrived=tuple(other for other in self.arrived if other != event))

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
    return json.dumps([moves, custody.arrived], separators=(",", ":")).encode()


def decode(stored: bytes) -> Custody:
    """Return the custody that `encode` wrote."""
    moves, arrived = json.loads(stored)
    return Custody(tuple(Move(*move) for move in moves), tuple(arrived))
