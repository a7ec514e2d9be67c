"""The role `cases` without Kafka: told by intake, its timers fired in order by a clock that a test moves."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime

from agents.cases import Cases
from agents.intake import IntakeAgent
from agents.roles import load_world
from schemas.records import CASE, CaseState
from streaming.records import Output, Result
from streaming.timers import PREFIX, Timer
from streaming.topics import Registry
from tests.unit.agents.records import WORKER, Kept, Memory, arrived, header

READ_BY_CASES = ("l233.decisions", "l233.acknowledgements", "l233.outcomes")


def milliseconds(instant: str) -> int:
    """Return the milliseconds since the epoch of an RFC 3339 instant."""
    return int(datetime.fromisoformat(instant).timestamp() * 1000)


@dataclass
class Clockwork:
    """One lane of `cases`, all that it emitted, and all that intake wrote before."""

    cases: Cases = field(default_factory=lambda: Cases(load_world(Registry.load())))
    memory: Memory = field(default_factory=Memory)
    emitted: list[Output] = field(default_factory=list)
    latest: dict[bytes, CaseState] = field(default_factory=dict)
    intake: Memory = field(default_factory=Memory)
    routed: list[Output] = field(default_factory=list)
    fired: int = 0

    def happens(self, event: Kept, at: str | None = None) -> list[Output]:
        """Let intake route an event that arrives at its own time, or at `at`; return what intake wrote."""
        instant = dict(event.headers)["ce_time"].decode() if at is None else at
        stamped = replace(event, timestamp=milliseconds(instant))
        result = IntakeAgent(load_world(Registry.load()))(stamped, self.intake)
        self.intake.kept.update({key: value for key, value in result.writes.items() if value is not None})
        self.routed.extend(result.outputs)
        for output in result.outputs:
            self.hear(output, instant)
        return list(result.outputs)

    def hear(self, output: Output, at: str) -> None:
        """Take a record, if it is for `cases`."""
        if output.topic in READ_BY_CASES:
            record = replace(arrived(output), timestamp=milliseconds(at))
            self._take(self.cases(record, self.memory))

    def answers(
        self,
        level: str,
        organism: str,
        role: str,
        at: str,
        *,
        event: str | None = "e1",
        source: str = "urn:l233:test",
        case: str | None = None,
        **data: object,
    ) -> None:
        """Let an organism acknowledge an event, at once."""
        named = {
            "id": f"{organism}/{level}/{at}",
            "source": source,
            "type": f"fr.l233.acknowledgement.{level}.v1",
            "subject": WORKER,
            "time": at,
            "correlationid": self.case.case if case is None else case,
            "causationid": event,
        }
        headers = [(f"ce_{name}", value.encode()) for name, value in named.items() if value is not None]
        payload = json.dumps({"organism": organism, "role": role, **data}).encode()
        self.hear(Output("l233.acknowledgements", WORKER.encode(), payload, headers), at)

    def until(self, instant: str) -> None:
        """Fire the timers due by an instant, in order."""
        while (timer := self._first()) is not None and timer.at_ms <= milliseconds(instant):
            result = self.cases.due(timer, self.memory)
            del self.memory.kept[timer.key]
            self._take(result)
            self.fired += 1

    def _first(self) -> Timer | None:
        keys = [key for key in self.memory.kept if key.startswith(PREFIX)]
        return Timer.read(min(keys), self.memory.kept[min(keys)]) if keys else None

    def _take(self, result: Result) -> None:
        for key, value in result.writes.items():
            if value is None:
                self.memory.kept.pop(key, None)
            else:
                self.memory.kept[key] = value
        self.emitted.extend(result.outputs)
        self.latest |= {out.key or b"": CASE.validate_json(out.value or b"") for out in result.latest}

    def said(self, *topics: str) -> list[tuple[str, str, dict[str, object]]]:
        """Return what was emitted, as (time, name, data); of every topic unless some are named."""
        return [
            (
                (header(out, "ce_time") or b"").decode(),
                (header(out, "ce_type") or b"").decode().removeprefix("fr.l233.").removesuffix(".v1"),
                json.loads(out.value or b""),
            )
            for out in self.emitted
            if not topics or out.topic in topics
        ]

    @property
    def case(self) -> CaseState:
        """The one case there is."""
        (only,) = self.latest.values()
        return only
