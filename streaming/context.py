"""How a record is named in a log: by its place, and by the ids it carries where they can't be personal."""

import re

from streaming.records import Record

_HARMLESS = re.compile(rb"(?!.*\d{13})[A-Za-z0-9._:/-]{1,128}\Z")
"""What an id usually looks like. One with thirteen digits in a row is not repeated: it could be a NIR."""


def named(record: Record) -> dict[str, str]:
    """Return what a log line says of a record: `record`, `event_id` and `case_id` where they may be said."""
    headers = dict(record.headers)
    said = {"record": f"{record.topic}/{record.partition}/{record.offset}"}
    for name, header in (("event_id", "ce_id"), ("case_id", "ce_correlationid")):
        value = headers.get(header)
        if value is not None and _HARMLESS.match(value):
            said[name] = value.decode()
    return said
