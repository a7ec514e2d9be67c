"""What the three national heads have in common: escalations reach them, and they remind who is late.

A head never leads a worker's case (CSS art. L233-1, L). The reminder is our own worked example.
"""

from agents.emission import MANDATE_HEADER
from agents.organism import Organism
from agents.requests import NOTHING, Acts, Request
from coordination.escalation import reminder
from schemas.emitted import EscalationRaised
from schemas.envelope import pack_binary
from schemas.records import MANDATE
from schemas.topics import inbox
from streaming.records import Output, State


class NationalHead(Organism):
    """Establishes the scheme; is informed of mediations, and told of what stays undone."""

    def act(self, request: Request, state: State) -> Acts:
        """Remind the organism that an escalation is about."""
        if request.name != "escalation.raised":
            return NOTHING
        late = EscalationRaised.model_validate_json(request.payload).organism
        if late == request.task.organism:
            return NOTHING  # nobody reminds himself: he has just been told
        asked = reminder(request.mandate, late, request.at, self.world.directory)
        event = request.event
        headers, value = pack_binary(
            {
                "id": event.id,
                "source": event.source,
                "type": event.type,
                "subject": event.subject,
                "time": event.time,
                "correlationid": asked.case,
            },
            request.payload,
        )
        agent = self.world.directory.organisms[late].agent
        told = [*headers, (MANDATE_HEADER, MANDATE.dump_json(asked))]
        return Acts(outputs=[Output(inbox(agent), event.subject.encode(), value, told)])
