"""What a record takes on a topic is never underestimated: Kafka's own format is the measure."""

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streaming.posting import record_size
from streaming.records import Output

BYTES = st.binary(max_size=300)
HEADERS = st.lists(st.tuples(st.text(max_size=40), st.one_of(st.none(), BYTES)), max_size=8)


@given(st.one_of(st.none(), BYTES), st.one_of(st.none(), BYTES), HEADERS, st.integers(0, 20_000))
def test_a_record_in_a_batch_of_its_own_fits_into_what_was_told(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]], more: int
) -> None:
    """And is not far below it, so that little that would fit is refused."""
    value = value if value is None else value + b"x" * more
    builder = DefaultRecordBatchBuilder(2, 0, True, 1, 1, 1, 10_000_000)
    assert builder.append(0, 1_772_440_200_000, key, value, headers) is not None
    size = len(builder.build())
    told = record_size(Output("t", key, value, headers))
    assert size <= told <= size + 40 + 12 * len(headers)
