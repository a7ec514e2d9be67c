"""What the seven organisms have in common: an inbox, a check of competence, an answer, social aid.

An organism's own module says what it is and, activity by activity, what it does.
"""

import structlog

from agents import social_aid
from agents.emission import acknowledgement, outcome
from agents.requests import NOTHING, Acts, NoMandateError, Request, read, together
from agents.world import World
from coordination import mediation
from coordination.acknowledgement import Acknowledgement, answer, reported
from coordination.reporting import reports_by_itself
from streaming.context import named
from streaming.parking import Retry
from streaming.records import Output, Record, Result, State

__all__ = ["NOTHING", "Acts", "NoMandateError", "Organism", "Request", "read", "together"]

_log = structlog.get_logger(__name__)


class Organism:
    """The handler of an organism's inbox. Subclasses name the agent and the article, and say what it does."""

    agent: str
    article: str

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, record: Record, state: State) -> Result:
        """Receive a request (or refuse it with its ground), act on it, and report where nobody is needed."""
        request = read(record)
        self._await_system(request, record.timestamp)
        if request.is_told:
            return self.told(self._acts(request, state))
        task = request.task
        given = answer(
            task,
            request.case,
            request.event,
            self.agent,
            self.world.directory,
            at=request.at,
            objection=mediation.objection(request.name, task.role, request.payload),
        )
        if given.level == "refused":
            _log.warning("organism_refused", organism=given.organism, **named(record))
            return Result([acknowledgement(self.agent, given)])
        acts = self._acts(request, state)
        report: tuple[Acknowledgement, ...] = ()
        if reports_by_itself(request.about, task.role):
            report = (reported(task, request.case, request.event, request.at, acts.proofs),)
        return Result(self._records((given,), acts, report), acts.writes)

    def act(self, request: Request, state: State) -> Acts:
        """Return what the organism does on a request that it has received, beside social aid."""
        return NOTHING

    def told(self, acts: Acts) -> Result:
        """Return what acts that nobody waits to hear acknowledged cause, such as those of a timer."""
        return Result(self._records((), acts, ()), acts.writes)

    def _await_system(self, request: Request, now_ms: int) -> None:
        """Let a request wait that only the organism's own system can treat, while that is out of order.

        Raises `Retry`: the worker's later requests wait behind it.
        """
        task, outages = request.task, self.world.outages
        if task.acknowledge != "reported" or not outages.ongoing(task.organism, now_ms):
            return
        if not request.is_told and not reports_by_itself(request.about, task.role):
            wait = outages.wait_ms(task.organism, now_ms)
            raise Retry(f"the system of {task.organism} is out of order", wait)

    def _acts(self, request: Request, state: State) -> Acts:
        aid, acts = social_aid.act(request, state), self.act(request, state)
        return acts if aid is NOTHING else together(aid, acts)

    def _records(
        self, first: tuple[Acknowledgement, ...], acts: Acts, last: tuple[Acknowledgement, ...]
    ) -> list[Output]:
        """Return all that one record causes, in the order in which others are to read it."""
        agent = self.agent
        records = [acknowledgement(agent, said) for said in first]
        records += [outcome(agent, made) for made in acts.outcomes]
        records += [acknowledgement(agent, said) for said in (*acts.acknowledgements, *last)]
        records += acts.outputs
        return records
