"""Health: what counts for the daily allowances of a worker, told whenever it changes (CSS art. D622-7, L)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from agents.missions import mission
from agents.missions.causes import Cause
from agents.missions.files import File, opened, writes
from agents.missions.handover import elsewhere
from agents.missions.mission import Followed
from agents.requests import NOTHING, Acts, Request
from agents.world import World
from coordination import entitlement
from coordination.contributions import changed
from coordination.entitlement import UNTOLD, Change, Standing, after_delays, after_event, delay_ends
from coordination.instants import recorded
from coordination.outcomes import Outcome
from schemas.codes import Kind
from schemas.emitted import EntitlementUpdated
from schemas.events import type_of
from schemas.records import EventRef
from streaming.records import State
from streaming.timers import Timer, timer_key

_TIMER: Final = b"delay-end\0"


class Health:
    """Keeps what is paid and due, and the delays granted and broken, for the daily allowances."""

    kind: Kind = "health"
    takes = frozenset(
        {"contribution.paid", "contribution.unpaid", "payment-delay.granted", "payment-delay.broken"}
    )
    asked = frozenset[str]()

    def follow(self, before: File, after: File, cause: Cause, world: World) -> Followed:
        """Tell what the end of delays changed until the event's day, then what the event changes on it."""
        day = cause.day(world.directory.organisms[cause.organism].zone)
        ended, standing = after_delays(before.account, _standing(before), day)
        change, standing = after_event(after.account, standing, day)
        told = [_ended(change, after, cause.organism, cause.at) for change in ended]
        if change is not None:
            periods = ", ".join(changed(before.account, after.account))
            because = f"{cause.name} of {periods}" if periods else cause.name
            told.append(cause.outcome(_said(change, cause.organism, because)))
        return Followed(entitlement.encode(standing), tuple(told))

    def timers(self, before: File, after: File, cause: Cause, world: World) -> Mapping[bytes, bytes | None]:
        """Set a timer at midnight after the last day of each delay that is new."""
        set_already = {on for on, _ in delay_ends(before.account)}
        found: dict[bytes, bytes | None] = {}
        for on, _ in delay_ends(after.account):
            if on not in set_already:
                organism = after.custody.speaker(on, cause.organism)
                midnight = _midnight(on, organism, world)
                value = f"{after.worker}\0{on}\0{organism}\0{cause.agent}".encode()
                found[timer_key(midnight, _TIMER + after.worker.encode())] = value
        return found

    def answer(self, request: Request, file: File) -> tuple[str, ...]:
        """Health is never asked for proofs: it asks."""
        return ()


HEALTH: Final = Health()


def act_health(request: Request, state: State, world: World) -> Acts:
    """Return what a health organism does: `entitlement.updated` whenever ratio or full changes."""
    return mission.act(HEALTH, request, state, world)


def delay_ended(timer: Timer, state: State, world: World) -> Acts:
    """Return what the end of a payment delay changes on the day after its last.

    Nothing, when the account has gone to another agent: it has a timer of its own.
    """
    worker, on, organism, agent = timer.value.decode().split("\0")
    before = opened("health", worker, state)
    if elsewhere(before, agent, world) is not None:
        return NOTHING
    changes, standing = after_delays(before.account, _standing(before), on)
    outcomes = [_ended(change, before, organism, recorded(timer.at_ms)) for change in changes]
    after = File("health", worker, before.account, entitlement.encode(standing), before.custody)
    return Acts(outcomes, writes=writes(before, after))


def _standing(file: File) -> Standing:
    return UNTOLD if file.told is None else entitlement.decode(file.told)


def _midnight(on: str, organism: str, world: World) -> int:
    """Return when a day begins for an organism, in milliseconds."""
    day = date.fromisoformat(on)
    zone = world.directory.organisms[organism].zone
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000


def _ended(change: Change, file: File, otherwise: str, at: str) -> Outcome:
    """Return what the end of a delay tells, as caused by the event that granted it, in that event's case."""
    delay = change.ended
    if delay is None:
        raise TypeError("a change by the end of a delay names the delay")
    time = recorded(delay.at // 1000)
    granted = EventRef(delay.id, delay.source, type_of("payment-delay.granted"), file.worker, time)
    organism = file.custody.speaker(change.on, otherwise)
    cause = Cause(granted, "payment-delay.granted", organism, delay.scheme, delay.case, at, {}, agent="")
    because = f"the payment delay of {delay.about} ended on {delay.until}"
    return cause.outcome(_said(change, organism, because), step=f"ended/{change.on}")


def _said(change: Change, organism: str, because: str) -> EntitlementUpdated:
    return EntitlementUpdated.model_validate(
        {
            "organism": organism,
            "on": change.on,
            "ratio": change.now.ratio,
            "full": change.now.full,
            "because": because,
        }
    )
