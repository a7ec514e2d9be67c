"""Decides whether the further clocks of a scheme of the right form make sense."""

from collections.abc import Iterator, Mapping

from coordination.clocks import LEVELS, ClockError, Lodged
from coordination.scheme_form import ClockForm
from schemas.emitted import EMITTED
from schemas.inputs import INPUTS

Mistake = tuple[tuple[str | int, ...], str]
"""A path in the file, and what is wrong there."""


def mistakes_of_clocks(clocks: Mapping[str, ClockForm]) -> Iterator[Mistake]:
    """Find every mistake: where it stands, and what to do."""
    for name, clock in clocks.items():
        yield from _mistakes_of(name, clock)


def _mistakes_of(name: str, clock: ClockForm) -> Iterator[Mistake]:
    at = ("clocks", name)
    if name.rpartition("-")[2] not in LEVELS:
        yield at, f"says not what it waits for: let its name end in -{', -'.join(LEVELS)}"
    contract = INPUTS.get(clock.from_) or EMITTED.get(clock.from_)
    if contract is None:
        yield (*at, "from"), f"{clock.from_} is no event type: correct the name"
        return
    for field in clock.when:
        if field not in contract.model_fields:
            yield (*at, "when"), f"the event has no field {field}: correct the name"
    if clock.counted_from is not None and clock.counted_from not in contract.model_fields:
        yield (*at, "counted_from"), f"the event has no field {clock.counted_from}: correct the name"
    if clock.provided is None:
        return
    try:
        field = Lodged.parse(clock.provided).field
    except ClockError as error:
        yield (*at, "provided"), str(error)
    else:
        if field not in contract.model_fields:
            yield (*at, "provided"), f"the event has no field {field}: correct the name"
