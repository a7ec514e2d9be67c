"""`docs/contracts.md` tells what the contracts are now."""

import json
import re

from schemas.inputs import INPUTS
from schemas.refusal import REASONS, Refusal
from schemas.validation import validate
from tests.contract.project import ROOT
from tests.unit.schemas.event_parts import DATA, binary

PAGE = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")


def test_every_type_is_told_with_its_fields() -> None:
    """A field stands in the row of its type, with `?` behind it when it may be left out."""
    for name, model in INPUTS.items():
        (row,) = [line for line in PAGE.splitlines() if line.startswith("|") and f"`{name}`" in line]
        for field, info in model.model_fields.items():
            if field != "worker" or info.is_required():
                assert re.search(rf"`{field}`(\?)?", row), (name, field)
                assert (f"`{field}`?" in row) != info.is_required(), (name, field)


def test_the_reasons_stand_in_their_order() -> None:
    told = " ".join(PAGE.split("## Refusals")[1].split())
    assert ", ".join(f"`{reason}`" for reason in REASONS) in told


def test_the_refusal_shown_is_the_one_given() -> None:
    """The same words and paths as a producer gets."""
    shown = json.loads(PAGE.split("```json\n")[1].split("```")[0])
    refusal = validate(binary({**DATA, "paid": 206}, time="2026-03-02T09:30:00"))
    assert isinstance(refusal, Refusal)
    assert shown == {"reason": refusal.reason, "errors": [error._asdict() for error in refusal.errors]}
