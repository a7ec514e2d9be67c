"""Plants what goes wrong in real life: broken contracts, personal data, unknown types, wrong keys.

No social security number stands here: the one that is planted is put together at run time from invented
digits, beginning with one that is given to nobody.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final
from zlib import crc32

from stdnum.fr import nir

from coordination.partitioning import partition_of
from l233.day.events import Said, binary, packed, structured
from l233.day.records import GeneratedRecord

# --- contracts -----------------------------------------------------------------------------------

_CONTRACT: Final = "contract"


def _with_field(event: Said) -> GeneratedRecord:
    return binary(replace(event, payload=event.payload[:-1] + b',"comment":"urgent"}'), _CONTRACT)


def _without_data_fields(event: Said) -> GeneratedRecord:
    return structured(replace(event, payload=b"{}"), _CONTRACT)


def _cut_off(event: Said) -> GeneratedRecord:
    return binary(replace(event, payload=event.payload[: len(event.payload) // 2]), _CONTRACT)


def _not_utf8(event: Said) -> GeneratedRecord:
    return binary(replace(event, payload=event.payload[:-1] + b',"comment":"re\xe7u"}'), _CONTRACT)


def _null_field(event: Said) -> GeneratedRecord:
    return structured(replace(event, payload=b'{"worker":null,' + event.payload[1:]), _CONTRACT)


def _time_without_offset(event: Said) -> GeneratedRecord:
    time = str(event.attributes["time"])[:19]
    return binary(replace(event, attributes={**event.attributes, "time": time}), _CONTRACT)


def _without_source(event: Said) -> GeneratedRecord:
    attributes = {name: value for name, value in event.attributes.items() if name != "source"}
    return structured(replace(event, attributes=attributes), _CONTRACT)


def _subject_is_no_reference(event: Said) -> GeneratedRecord:
    attributes = {**event.attributes, "subject": event.attributes["id"]}
    return binary(replace(event, attributes=attributes), _CONTRACT)


def _postal_code_for_commune(event: Said) -> GeneratedRecord:
    block = f'{{"worker":{{"siren":"{event.worker.siren}","residence":"99000","establishment":"2000"}},'
    return structured(replace(event, payload=block.encode() + event.payload[1:]), _CONTRACT)


def _wrong_check_digit(event: Said) -> GeneratedRecord:
    siren = event.worker.siren
    siren = siren[:-1] + str((int(siren[-1]) + 1) % 10)
    block = f'{{"worker":{{"siren":"{siren}",{event.worker.place.json}}},'
    return binary(replace(event, payload=block.encode() + event.payload[1:]), _CONTRACT)


def _no_event(event: Said) -> GeneratedRecord:
    return replace(binary(event, _CONTRACT), headers=())


def _no_value(event: Said) -> GeneratedRecord:
    return replace(binary(event, _CONTRACT), value=None)


BREAKERS: Final[tuple[Callable[[Said], GeneratedRecord], ...]] = (
    _with_field,
    _without_data_fields,
    _cut_off,
    _not_utf8,
    _null_field,
    _time_without_offset,
    _without_source,
    _subject_is_no_reference,
    _postal_code_for_commune,
    _wrong_check_digit,
    _no_event,
    _no_value,
)
"""Ways to break a valid event without a worker block."""


# --- other refusals ------------------------------------------------------------------------------

_UNKNOWN_TYPES: Final = (
    "fr.l233.activity.paused.v1",
    "fr.l233.contribution.refunded.v1",
    "fr.l233.contribution.paid.v2",
    "fr.l233.sick-leave.received.v0",
    "fr.l233.Contribution.Paid.v1",
)


def unknown_type(random: Random, event: Said) -> GeneratedRecord:
    """Give an event a name or a major version that nobody knows."""
    attributes = {**event.attributes, "type": random.choice(_UNKNOWN_TYPES)}
    return packed(random, replace(event, attributes=attributes), "unknown_type")


def invented_number(random: Random) -> str:
    """Make up a number with the key of a NIR, and nobody's: none begins with 9."""
    digits = f"9{random.randrange(10**12):012d}"
    return f"{digits}{nir.calc_check_digits(digits)}"


def personal_data(random: Random, event: Said) -> GeneratedRecord:
    """Slip a NIR into a free text of the event."""
    number = invented_number(random)
    if random.random() < 0.5:
        number = " ".join(
            (number[0], number[1:3], number[3:5], number[5:7], number[7:10], number[10:13], number[13:])
        )
    note = f',"place":"Accueil commun, dossier {number}"}}'.encode()
    return packed(random, replace(event, payload=event.payload[:-1] + note), "personal_data")


# --- wrong keys and partitions -------------------------------------------------------------------


def librdkafka_partition(key: bytes, partitions: int) -> int:
    """Return the partition that librdkafka's default partitioner (consistent_random) gives a key: CRC-32."""
    return crc32(key) % partitions


def wrongly_laid(random: Random, record: GeneratedRecord, partitions: int) -> GeneratedRecord:
    """Lay a record as producers do who don't know the rule: by CRC-32, without key, under their own."""
    key = record.key or b""
    laid = replace(record, expected="rekeyed")
    by_librdkafka = librdkafka_partition(key, partitions)
    if by_librdkafka != partition_of(key, partitions):
        return replace(laid, partition=by_librdkafka)
    if random.random() < 0.5:
        return replace(laid, key=None, partition=random.randrange(partitions))
    return replace(laid, key=f"dossier-{random.randrange(10**6):06d}".encode())
