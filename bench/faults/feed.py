"""Publishes a realistic day to the input topic, at a pace, in order, each record once."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from l233.day import GeneratedRecord
from schemas.topics import INPUT

_FLUSH_SECONDS: Final = 120.0
_STEP: Final = 0.02


class Feed(threading.Thread):
    """Publishes in a thread of its own: record n at `n / rate` seconds, and none that the gate holds back.

    The gate tells how many records may be out by now, so that there is something to feed for every kill.
    """

    def __init__(
        self,
        bootstrap: str,
        records: Iterable[GeneratedRecord],
        rate: float,
        gate: Callable[[], int],
    ) -> None:
        super().__init__(name="feed", daemon=True)
        self._records = records
        self._rate = rate
        self._gate = gate
        self._failed: list[KafkaError] = []
        self._acknowledged = 0
        self._error: BaseException | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "log_level": 2,
                "enable.idempotence": True,  # in order, each once, whatever happens to the broker
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "delivery.timeout.ms": 110_000,
            }
        )

    @property
    def acknowledged(self) -> int:
        """How many records Kafka has confirmed."""
        return self._acknowledged

    def run(self) -> None:
        """Publish everything."""
        try:
            self._publish()
        except BaseException as error:  # told by `finish`, in the thread that waits
            self._error = error

    def _publish(self) -> None:
        began = time.monotonic()
        for number, record in enumerate(self._records):
            while number >= min(self._gate(), (time.monotonic() - began) * self._rate):
                self._producer.poll(_STEP)
            self._send(record)
        left = self._producer.flush(_FLUSH_SECONDS)
        if left or self._failed:
            raise RuntimeError(f"{left} records left, {len(self._failed)} refused: {self._failed[:3]}")

    def _send(self, record: GeneratedRecord) -> None:
        place = {} if record.partition is None else {"partition": record.partition}
        while True:
            try:
                self._producer.produce(
                    INPUT,
                    record.value,
                    record.key,
                    headers=list(record.headers),
                    on_delivery=self._delivered,
                    **place,
                )
            except BufferError:
                self._producer.poll(_STEP)
            else:
                self._producer.poll(0)
                return

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self._acknowledged += 1
        else:
            self._failed.append(error)

    def finish(self) -> int:
        """Wait for the end; return how many records Kafka confirmed. Raises what went wrong."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._acknowledged
