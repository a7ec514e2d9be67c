"""How a worker tells that it is well: a file, written anew while its lanes work and its fetch loops turn.

Health is progress, not an open port: a worker that hangs stops writing, and the file grows old.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from streaming.lanes import Lanes

EVERY_SECONDS = 1.0
TURN_SECONDS = 30.0
"""A fetch loop comes round at least every second or two; one that has not for so long hangs."""


class _HasLanes(Protocol):
    @property
    def lanes(self) -> Lanes: ...


async def tell(apps: Sequence[_HasLanes], file: Path, now_ms: Callable[[], int]) -> None:
    """Write `{"at": <ms>, "lanes": {<role>: {<number>: <working>}}}` again and again while all turns.

    Where lanes are held, `"held": {<role>: {<number>: <why>}}` lies beside it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    while True:
        now = now_ms()
        if all(now - app.lanes.last_turn_ms < TURN_SECONDS * 1000 for app in apps):
            found = {app.lanes.role.name: app.lanes.working() for app in apps}
            beside = file.with_suffix(".new")
            held = {app.lanes.role.name: why for app in apps if (why := app.lanes.held())}
            told = {"at": now, "lanes": found, **({"held": held} if held else {})}
            beside.write_text(json.dumps(told), encoding="utf-8")
            beside.replace(file)
        await asyncio.sleep(EVERY_SECONDS)


def held(file: Path) -> Mapping[str, Mapping[str, str]]:
    """Return, per role and partition number of the worker that writes `file`, why lanes of it wait."""
    try:
        found: Mapping[str, Mapping[str, str]] = json.loads(file.read_text(encoding="utf-8")).get("held", {})
    except FileNotFoundError:
        return {}
    return found


def working(file: Path) -> Mapping[str, bool]:
    """Return, per role of the worker that writes `file`, whether it has lanes and all of them work."""
    try:
        lanes = json.loads(file.read_text(encoding="utf-8"))["lanes"]
    except FileNotFoundError:
        return {}
    return {role: bool(numbers) and all(numbers.values()) for role, numbers in lanes.items()}
