"""`l233 quality` on the whole system: months passing, late events, and a second computation that agrees."""

import asyncio
import csv
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bench.faults.audit import AUDITED
from bench.faults.quiet import settled
from l233.day import generate
from l233.local_kafka import temporary
from l233.quality import objectives
from l233.running import passing
from l233.settings import Settings
from streaming.clock import FileClock, set_clock
from streaming.topics import Registry
from tests.broker.quality_oracle import Found, Window, computed, nearest_rank
from tests.broker.system import Event, Input, binary, living_at, publish, someone
from tests.broker.whole import Topics, environment, headers, run

RAW = ("l233.decisions", "l233.acknowledgements", "l233.outcomes")
END = datetime(2026, 4, 20, 9, tzinfo=UTC)
MARCH = Window(date(2026, 3, 1), date(2026, 3, 31), END)


@dataclass(frozen=True)
class Months:
    """A system in which months have passed."""

    topics: Topics


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Months]:
    """Give a system that took a day of March, a day of February two weeks late, and then saw April."""
    folder = tmp_path_factory.mktemp("quality")
    clock = folder / "clock"
    set_clock(clock, datetime(2026, 3, 2, 10, tzinfo=UTC))
    with temporary() as kafka, environment(L233_BOOTSTRAP=kafka.bootstrap, L233_CLOCK=str(clock)):
        settings, registry = Settings(), Registry.load()
        with passing(kafka, settings, registry, folder):
            topics = Topics(settings.connection())

            def worked() -> None:
                now = FileClock(clock).now_ms()
                asyncio.run(settled(topics.connection, registry, AUDITED, 200, at_ms=now))

            publish(kafka.bootstrap, [*_day(233, 250, date(2026, 3, 2)), *_in_need()])
            worked()
            for days in (1, 4, 14):
                set_clock(clock, datetime(2026, 3, 2, 10, tzinfo=UTC) + timedelta(days=days))
                worked()
            publish(kafka.bootstrap, _day(7, 200, date(2026, 2, 20)))
            worked()
            for end in (datetime(2026, 4, 1, 1, tzinfo=UTC), END):
                set_clock(clock, end)
                worked()
            yield Months(topics)


def _in_need() -> list[Input]:
    """Return a request for emergency aid that nobody pays."""
    worker, request = someone(), {"kind": "emergency", "received_by": "urssaf:midi-pyrenees"}
    registered = {"worker": living_at("31555"), "start": "2026-01-05"}
    return [
        binary(Event("activity.registered", registered, worker)),
        binary(Event("social-aid.requested", request, worker)),
    ]


def _day(seed: int, events: int, day: date) -> list[Input]:
    return [Input(one.key, one.value, one.headers, one.partition) for one in generate(seed, events, day)]


def oracle(months: Months) -> Found:
    """Compute March from the raw topics."""
    return computed(asyncio.run(months.topics.read(*RAW)), MARCH)


def rows(*options: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Return the rows of a report by indicator and organism, without those of single activities."""
    done = run("quality", "--period", "2026-03", "--json", *options)
    assert (done.code, done.err) == (0, "")
    return {(row["indicator"], row["organism"]): row for row in done.json["rows"] if row["activity"] is None}


def disagreements(found: dict[tuple[str, str | None], dict[str, Any]], expected: Found) -> list[str]:
    """Return every figure on which the report and the second computation differ, in words."""
    wrong = []
    told = {key for key, row in found.items() if row["organism"] and row["denominator"]}
    told -= {key for key in told if key[0] == "oldest-open-case"}
    known = expected.shares.keys() | expected.seconds.keys()
    wrong += [f"only one of the two knows {key}" for key in told ^ known]
    for key, values in expected.shares.items():
        row = found.get(key, {})
        if (row.get("numerator"), row.get("denominator")) != (sum(values), len(values)):
            wrong.append(f"{key}: {row}, not {sum(values)} of {len(values)}")
    for key, seconds in expected.seconds.items():
        row = found.get(key, {})
        if row.get("denominator") != len(seconds):
            wrong.append(f"{key}: {row}, not of {len(seconds)}")
            continue
        for name, percent in (("value", 90), ("median", 50)):
            days = nearest_rank(seconds, percent) / 86_400
            if abs(row[name] - days) > days * 0.005 + 0.006:
                wrong.append(f"{key}: {name} {row[name]}, not {days}")
    return wrong


def test_the_report_agrees_with_a_second_computation_from_the_raw_topics(months: Months) -> None:
    """Every share and every duration of every organism; hundreds of events, late ones among them."""
    expected = oracle(months)
    measured = {one.id for one in objectives() if one.measure is not None}
    measured -= {"oldest-open-case"}
    assert {indicator for indicator, _ in (*expected.shares, *expected.seconds)} == measured
    assert any(not in_time for values in expected.shares.values() for in_time in values), "nothing was late"
    assert disagreements(rows(), expected) == []


def test_what_the_role_told_at_the_end_of_march_is_the_same(months: Months) -> None:
    """The lanes' sums, corrections included, once the last of them has been told; quarters at theirs."""
    expected = oracle(months)
    for key in [key for key in expected.shares if key[0] == "rights-mismatch"]:
        del expected.shares[key]
    bound = time.monotonic() + 60
    while found := disagreements(rows("--measured"), expected):
        assert time.monotonic() < bound, found
        time.sleep(0.2)


def test_an_organism_is_told_activity_by_activity(months: Months) -> None:
    """Its activities add up to it."""
    done = run("quality", "--period", "2026-03", "--organism", "cpam:751", "--json")
    found = [row for row in done.json["rows"] if row["indicator"] == "received-in-time"]
    (whole,) = [row for row in found if row["activity"] is None]
    assert {row["organism"] for row in found} == {"cpam:751"}
    assert sum(row["denominator"] for row in found if row["activity"]) == whole["denominator"]


def test_a_window_of_days_moves_with_the_day(months: Months) -> None:
    """The 51 days up to 20 April hold all of March."""
    march = run("quality", "--period", "2026-03", "--json").json["rows"][0]
    window = run("quality", "--period", "51d", "--json").json
    assert window["period"] == "51d"
    assert window["rows"][0]["indicator"] == march["indicator"] == "received-in-time"
    assert window["rows"][0]["denominator"] >= march["denominator"] > 0


def test_a_person_reads_a_table_and_the_alerts(months: Months) -> None:
    """Each indicator once, for everybody; whoever misses an objective, with the head that is told."""
    done = run("quality", "--period", "2026-03")
    assert done.code == 0
    assert done.out.count("Received by the deadline") == 1
    assert " misses reported-in-time of 2026-03: " in done.out
    assert "(to cnam)" in done.out


def test_the_heads_report_lists_what_stayed_open_after_their_reminders(months: Months) -> None:
    """Every escalation is counted with its head; CSV and page tell the same cases as JSON."""
    raised = Counter(
        json.loads(record.value or b"")["to"]
        for record in asyncio.run(months.topics.read("l233.outcomes"))
        if headers(record)["ce_type"] == "fr.l233.escalation.raised.v1"
    )
    done = run("quality", "--yearly", "--json")
    assert (done.code, done.err) == (0, "")
    found = {one["head"]: one for one in done.json["heads"]}
    assert {head: one["escalated"] for head, one in found.items()} == {**dict.fromkeys(found, 0), **raised}
    open_ = [(head, one["case"], one["organism"]) for head in found for one in found[head]["open"]]
    assert open_, "a month without reports leaves something open"
    rows = list(csv.DictReader(StringIO(run("quality", "--yearly", "--csv").out)))
    assert [(row["head"], row["case"], row["organism"]) for row in rows] == open_
    page = run("quality", "--yearly", "--html").out
    assert all(case in page for _, case, _ in open_)
    assert "worker:" not in page
    assert "open after it\n" in run("quality", "--yearly").out


def test_without_kafka_it_says_so_in_one_line(tmp_path: Path) -> None:
    """And what to do."""
    with environment(L233_BOOTSTRAP="127.0.0.1:1", L233_HOME=str(tmp_path)):
        done = run("quality")
    assert done.code == 3
    assert done.err.startswith("l233: no Kafka answers at 127.0.0.1:1: start one with")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--period", "2026-13"), "is not in the calendar"),
        (("--period", "march"), "write 2026-03-02, 2026-03, 2026-T1 or 2026, day, month, quarter or year"),
        (("--organism", "cpam:999"), "no organism 'cpam:999' is known"),
        (("--yearly", "--period", "2026-03"), "the heads report by the year, and 2026-03 is none"),
        (("--yearly", "--organism", "cpam:311"), "--yearly tells of every organism"),
        (("--period", "30d", "--measured"), "--measured tells of months, quarters and years"),
        (("--csv",), "--csv and --html go with --yearly"),
        (("--yearly", "--csv", "--html"), "exclude each other"),
    ],
)
def test_what_it_cannot_read_is_told_in_one_line(options: tuple[str, str], said: str) -> None:
    """Exit code 2; Kafka is not asked."""
    done = run("quality", *options)
    assert done.code == 2
    assert said in done.err
