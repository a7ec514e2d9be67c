"""Intake and the organisms without a broker: events go in, each inbox is worked when the test says so."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from random import Random
from typing import Final

from agents.intake import IntakeAgent
from agents.missions import handover
from agents.organism import Organism
from agents.roles import ORGANISMS, load_world
from agents.world import World
from schemas.envelope import unpack
from streaming.parking import Waiting
from streaming.records import Output, Result
from streaming.timers import PREFIX, Timer
from streaming.topics import Registry
from tests.unit.agents.records import WORKER, Kept, Memory, arrived, event

Said = Mapping[str, object]

TOULOUSE: Final = {"siren": "732829320", "residence": "31555", "establishment": "31555"}
RENNES: Final = {"siren": "732829320", "residence": "35238", "establishment": "35238"}
CAYENNE: Final = {"siren": "732829320", "residence": "97302", "establishment": "97302"}


class Town:
    """Everybody whom an event reaches, each with a memory and an inbox of his own."""

    def __init__(self, world: World | None = None) -> None:
        self.world = load_world(Registry.load()) if world is None else world
        self.intake = IntakeAgent(self.world)
        self.organisms: dict[str, Organism] = {made.agent: made(self.world) for made in ORGANISMS}
        self.memories = {name: Memory() for name in ("intake", *self.organisms)}
        self.inboxes: dict[str, deque[Kept]] = {name: deque() for name in self.organisms}
        self._waiting = {name: Waiting(handover.brings_account) for name in self.organisms}
        self.published: dict[str, str] = {}
        """The name of every event, by its id."""
        self.said: list[tuple[str, str, Said]] = []
        """What was emitted: time, name, and data with `case`, `cause` and `id` added."""
        self._count = 0

    def publish(
        self,
        name: str,
        time: str,
        data: Said,
        *,
        case: str | None = None,
        id_: str = "",
        worker: str = WORKER,
    ) -> str:
        """Let an event happen and be routed; return its case. Nobody works his inbox yet."""
        self._count += 1
        id_ = id_ or f"e{self._count}"
        self.published[id_] = name
        kept = event(name, dict(data), id_=id_, case=case, worker=worker)
        headers = [(key, time.encode() if key == "ce_time" else value) for key, value in kept.headers]
        made = replace(kept, headers=tuple(headers), timestamp=milliseconds(time), offset=self._count)
        result = self.intake(made, self.memories["intake"])
        self._take("intake", result, made.timestamp)
        decisions = [output for output in result.outputs if output.topic == "l233.decisions"]
        assert decisions, [output.value for output in result.outputs]
        return str(unpack(decisions[0].value, decisions[0].headers).attributes["correlationid"])

    def happen(self, name: str, time: str, data: Said, *, case: str | None = None, id_: str = "") -> str:
        """Let an event happen after the timers before it, and let everybody work what he got."""
        self.wait_until(time)
        case = self.publish(name, time, data, case=case, id_=id_)
        self.work()
        return case

    def work(self, *agents: str) -> None:
        """Let these agents (or all) work their inboxes until nothing is left."""
        names = agents or tuple(self.organisms)
        while any(self.inboxes[name] for name in names):
            for name in names:
                if self.inboxes[name]:
                    self.work_one(name)

    def work_one(self, agent: str) -> None:
        """Let an agent work the first record of its inbox."""
        kept = self.inboxes[agent].popleft()
        memory = self.memories[agent]
        work = partial(self.organisms[agent], state=memory)
        for result in self._waiting[agent].worked(kept, memory, kept.timestamp, work):
            self._take(agent, result, kept.timestamp)

    def work_in_any_order(self, random: Random) -> None:
        """Let everybody work until nothing is left, whose turn it is by chance."""
        while waiting := [agent for agent, inbox in self.inboxes.items() if inbox]:
            self.work_one(random.choice(waiting))

    def wait_until(self, time: str) -> None:
        """Fire the timers due by then, in order."""
        while found := self._timer(milliseconds(time)):
            name, timer = found
            organism, memory = self.organisms[name], self.memories[name]
            del memory.kept[timer.key]
            result = organism.due(timer, memory)  # type: ignore[attr-defined]  # who sets timers has it
            self._take(name, result, timer.at_ms)
            self.work()

    def told(self, *names: str) -> list[Said]:
        """Return the data of what was emitted under these names, in order, as it was said."""
        return [
            {key: value for key, value in data.items() if key not in ("case", "cause", "id")}
            for _, name, data in self.said
            if name in names
        ]

    def _timer(self, now_ms: int) -> tuple[str, Timer] | None:
        due = [
            (timer.at_ms, name, timer)
            for name in self.organisms
            for key, value in self.memories[name].scan(PREFIX)
            if (timer := Timer.read(key, value)).at_ms <= now_ms
        ]
        return min(due)[1:] if due else None

    def _take(self, name: str, result: Result, at_ms: int) -> None:
        for key, value in result.writes.items():
            if value is None:
                self.memories[name].kept.pop(key, None)
            else:
                self.memories[name].kept[key] = value
        for output in result.outputs:
            agent = output.topic.removeprefix("l233.inbox.")
            if agent in self.inboxes:
                self.inboxes[agent].append(replace(arrived(output), timestamp=at_ms))
            elif output.topic in ("l233.outcomes", "l233.acknowledgements"):
                self._note(output)

    def _note(self, output: Output) -> None:
        said = unpack(output.value, output.headers).attributes
        name = str(said["type"]).removeprefix("fr.l233.").removesuffix(".v1")
        added = {"case": said["correlationid"], "cause": said["causationid"], "id": said["id"]}
        data = {**json.loads(output.value or b""), **added}
        self.said.append((str(said["time"]), name, data))


def milliseconds(time: str) -> int:
    """Return an RFC 3339 time in milliseconds since the epoch."""
    return int(datetime.fromisoformat(time).timestamp() * 1000)
