"""The folder of a local cluster: what is taken up again, and what is refused with a way out."""

import json
import socket
from pathlib import Path

import pytest

from l233.errors import NoBroker
from l233.local_kafka import KAFKA_VERSION, LocalKafka
from l233.local_kafka.folder import Folder, Made, Running
from l233.local_kafka.probe import brokers_known, free_ports, is_free
from l233.processes import Started


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give a folder that a cluster of one was made in."""
    made = Folder(tmp_path / "kafka")
    made.write_made(Made(KAFKA_VERSION, "cluster-one", 1))
    data = made.path / "node-1" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\ncluster.id=cluster-one\nnode.id=1\n", encoding="ascii")
    return made


def start_in(folder: Folder, brokers: int = 1) -> str:
    """Try to start, on ports nobody uses, and return why that is refused."""
    kafka = LocalKafka(folder.path, brokers=3 if brokers == 3 else 1, ports=free_ports(2 * brokers))
    with pytest.raises(NoBroker) as refused:
        kafka.start()
    said = str(refused.value)
    assert "\n" not in said
    return said


def test_data_of_another_version_is_refused(folder: Folder) -> None:
    folder.write_made(Made("3.9.0", "cluster-one", 1))
    said = start_in(folder)
    assert f"was made by Kafka 3.9.0, this is {KAFKA_VERSION}" in said
    assert "`l233 kafka down --wipe`" in said


def test_data_of_another_number_of_brokers_is_refused(folder: Folder) -> None:
    assert "holds a cluster of 1: start it with --brokers 1" in start_in(folder, brokers=3)


def test_data_of_another_cluster_is_refused(folder: Folder) -> None:
    """A folder put together from two would never elect a leader."""
    folder.write_made(Made(KAFKA_VERSION, "cluster-two", 1))
    assert "holds data of another cluster" in start_in(folder)


def test_data_that_nobody_made_is_refused(folder: Folder) -> None:
    (folder.path / "cluster.json").unlink()
    assert "holds data of an unknown cluster" in start_in(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kafka": "4.1.1"}', "null"])
def test_a_note_that_can_not_be_read_is_refused(text: str, folder: Folder) -> None:
    (folder.path / "cluster.json").write_text(text, encoding="ascii")
    assert "cluster.json that can't be read" in start_in(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"number": 1}]', "null"])
def test_a_note_of_processes_that_can_not_be_read_is_refused(text: str, folder: Folder) -> None:
    """Brokers may still run: they must not be forgotten silently."""
    (folder.path / "run.json").write_text(text, encoding="ascii")
    assert "run.json can't be read: end the brokers it was about" in start_in(folder)


def test_a_port_that_is_taken_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NoBroker) as refused:
            LocalKafka(tmp_path / "kafka", ports=(port, free_ports(1)[0])).start()
    said = str(refused.value)
    assert f"port {port} is taken by another program" in said
    assert "--port" in said


def test_one_command_at_a_time(folder: Folder) -> None:
    """Two `up` at once would start two brokers on one folder."""
    with folder.locked():
        assert "another command works on" in start_in(folder)


def test_processes_that_are_gone_are_nothing_to_stop(folder: Folder) -> None:
    """After a restart of the machine the note is still there, and its ids are anybody's."""
    folder.write_running((Running(1, 9092, 9093, Started(1, "not when process 1 started")),))
    kafka = LocalKafka(folder.path)
    (broker,) = kafka.status().brokers
    assert (broker.pid, broker.answers) == (None, False)
    assert kafka.stop() == 0
    assert kafka.status().brokers == ()


def test_wiping_removes_what_a_cluster_left_and_nothing_else(folder: Folder) -> None:
    (folder.path / "notes.txt").write_text("mine", encoding="ascii")
    LocalKafka(folder.path).wipe()
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]


def test_stopping_where_nothing_ever_was_makes_nothing(tmp_path: Path) -> None:
    kafka = LocalKafka(tmp_path / "kafka")
    assert kafka.stop() == 0
    kafka.wipe()
    assert list(tmp_path.iterdir()) == []


def test_a_number_of_ports_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 brokers need 6 ports, not 2"):
        LocalKafka(tmp_path, brokers=3, ports=(1, 2))


def test_what_is_written_can_be_read_by_a_person(folder: Folder) -> None:
    """Somebody who has to end a broker by hand finds its id."""
    folder.write_running((Running(1, 9092, 9093, Started(4711, "1")),))
    (broker,) = json.loads((folder.path / "run.json").read_text(encoding="utf-8"))
    assert broker["process"]["pid"] == 4711


def test_who_is_not_kafka_is_not_taken_for_it() -> None:
    """A server that says something else, nothing, or hangs up."""
    (free,) = free_ports(1)
    assert is_free(free)
    assert brokers_known(free) is None
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not is_free(silent.getsockname()[1])
        assert brokers_known(silent.getsockname()[1], timeout=0.2) is None
