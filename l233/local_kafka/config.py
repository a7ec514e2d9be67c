"""What a local broker is told: its `server.properties`, its logging, the command that runs it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Brokers = Literal[1, 3]

HOST = "127.0.0.1"
# Measured on 2 cores: a broker with this heap uses about 350 MB and takes the benchmark's load.
HEAP = "512m"


@dataclass(frozen=True, slots=True)
class Node:
    """One broker that is also a controller: its number from 1, its two ports, its folder."""

    number: int
    port: int
    controller_port: int
    folder: Path

    @property
    def properties_file(self) -> Path:
        """The broker's configuration."""
        return self.folder / "server.properties"

    @property
    def logging_file(self) -> Path:
        """The configuration of what the broker logs."""
        return self.folder / "log4j2.xml"

    @property
    def log(self) -> Path:
        """Where the broker logs."""
        return self.folder / "server.log"

    @property
    def console(self) -> Path:
        """Where goes what the Java runtime itself says."""
        return self.folder / "console.log"

    @property
    def data(self) -> Path:
        """Where the records are."""
        return self.folder / "data"


def properties(node: Node, nodes: tuple[Node, ...]) -> str:
    """Return `server.properties` of `node` among `nodes`: KRaft, combined mode, this machine only."""
    replicas = len(nodes)
    in_sync = 1 if replicas == 1 else 2
    voters = ",".join(f"{n.number}@{HOST}:{n.controller_port}" for n in nodes)
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": node.data,
        # Topics come from topics.yaml only: a misspelt name must fail, not make a topic.
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 8,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        # A group of one process need not wait for others that might come.
        "group.initial.rebalance.delay.ms": 0,
        # Where a worker is to be missed sooner than after Kafka's own least, 6 s, as in tests of faults.
        "group.min.session.timeout.ms": 1_000,
        # The defaults are for large machines: 128 MiB for the cleaner alone, 8 threads for requests.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        # What is deleted is gone soon, not within five minutes.
        "log.retention.check.interval.ms": 10_000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "num.recovery.threads.per.data.dir": 2,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def logging(node: Node) -> str:
    """Return the broker's log4j2 configuration: warnings and worse, in a file of bounded size."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders>
    <RollingFile name="file" fileName="{node.log}" filePattern="{node.log}.%i">
      <PatternLayout pattern="%d{{ISO8601}} %p %m (%c)%n"/>
      <SizeBasedTriggeringPolicy size="10 MB"/>
      <DefaultRolloverStrategy max="2"/>
    </RollingFile>
  </Appenders>
  <Loggers>
    <Root level="WARN"><AppenderRef ref="file"/></Root>
  </Loggers>
</Configuration>
"""


def format_command(node: Node, java: Path, jars: list[Path], cluster_id: str) -> list[str]:
    """Return the command that prepares the data folder of `node` (Kafka's own StorageTool)."""
    quick = ["-XX:TieredStopAtLevel=1", "-Xmx128m"]  # a run of less than a second: no optimising compiler
    arguments = ["format", "--cluster-id", cluster_id, "--config", str(node.properties_file)]
    return [*_java(node, java, jars, quick), "kafka.tools.StorageTool", *arguments]


def run_command(node: Node, java: Path, jars: list[Path]) -> list[str]:
    """Return the command that runs `node`."""
    options = [
        f"-Xmx{HEAP}",
        "-Xms128m",
        "-XX:+ExitOnOutOfMemoryError",
        # A local broker lives for minutes: the second compiler takes more of 2 cores than it gives back
        # (870 instead of 540 µs of CPU per event in the first half minute of bench.latency).
        "-XX:TieredStopAtLevel=1",
    ]
    return [*_java(node, java, jars, options), "kafka.Kafka", str(node.properties_file)]


def _java(node: Node, java: Path, jars: list[Path], options: list[str]) -> list[str]:
    return [
        str(java),
        *options,
        # One core does the collecting anyway, and the serial collector starts faster than G1 and uses less.
        "-XX:+UseSerialGC",
        # Kafka 4.1 frees its buffers the old way, and Java 25 complains about it at every start.
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={node.logging_file}",
        "-cp",
        ":".join(map(str, jars)),
    ]
