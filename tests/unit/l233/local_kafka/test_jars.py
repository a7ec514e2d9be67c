"""Fetching Kafka's jars: from a mirror on this machine, so that no network is needed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from l233.errors import NoBroker
from l233.local_kafka import jars
from l233.local_kafka.jars import Jar, Progress


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Say nothing."""


@contextmanager
def mirror(folder: Path) -> Iterator[str]:
    """Serve `folder` as a Maven repository; yields its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def published(repository: Path, name: str, content: bytes) -> Jar:
    """Put a jar into a repository and return how it is pinned."""
    folder = repository / "org" / "example" / name / "1.0"
    folder.mkdir(parents=True)
    (folder / f"{name}-1.0.jar").write_bytes(content)
    return Jar(hashlib.sha256(content).hexdigest(), len(content), f"org.example:{name}:1.0")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a repository that jgo uses instead of Maven Central, and an empty cache."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "jgo.conf"))
    with mirror(folder) as address:
        (tmp_path / "jgo.conf").write_text(f"[repositories]\ncentral = {address}\n", encoding="utf-8")
        yield folder


def pin(monkeypatch: pytest.MonkeyPatch, *wanted: Jar) -> None:
    """Make these the pinned jars."""
    monkeypatch.setattr(jars, "locked", lambda: wanted)


def test_the_lock_pins_kafka_and_what_lets_it_log() -> None:
    pinned = {jar.coordinate for jar in jars.locked()}
    assert {jars.ENDPOINT, jars.LOG_BINDING} <= pinned
    assert all(len(jar.sha256) == 64 and jar.size > 1000 for jar in jars.locked())
    assert len({jar.filename for jar in jars.locked()}) == len(pinned)


def test_jars_are_fetched_once(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, whole, with progress that ends at the whole; the second time from the cache alone."""
    wanted = [published(repository, f"jar{n}", bytes([n]) * (20_000 + n)) for n in range(7)]
    pin(monkeypatch, *wanted)
    told: list[Progress] = []
    paths = jars.fetch(told.append)
    assert [path.read_bytes() for path in paths] == [bytes([n]) * (20_000 + n) for n in range(7)]
    total = sum(jar.size for jar in wanted)
    assert told[0] == Progress(0, 7, 0, total)
    assert told[-1] == Progress(7, 7, total, total)
    assert [p.size for p in told] == sorted(p.size for p in told)
    for file in repository.rglob("*.jar"):
        file.unlink()
    told.clear()
    assert jars.fetch(told.append) == paths
    assert told == []
    assert sorted(path.name for path in jars.cache_folder().iterdir()) == sorted(p.name for p in paths)


@pytest.mark.parametrize("damaged", [b"", b"half", b"x" * 5000], ids=["empty", "cut off", "same size"])
def test_a_damaged_jar_is_fetched_again(
    damaged: bytes, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted copy, a full disk or a meddler must not end in a Java error."""
    jar = published(repository, "kafka", b"k" * 5000)
    pin(monkeypatch, jar)
    (path,) = jars.fetch()
    path.write_bytes(damaged)
    assert jars.missing(jars.cache_folder()) == (jar,)
    (path,) = jars.fetch()
    assert path.read_bytes() == b"k" * 5000


def test_a_jar_that_is_not_the_pinned_one_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever controls the mirror does not control what we run."""
    pin(monkeypatch, published(repository, "kafka", b"k" * 5000))
    next(repository.rglob("*.jar")).write_bytes(b"e" * 5000)
    with pytest.raises(NoBroker, match=r"org\.example:kafka:1\.0 as downloaded is not the pinned jar"):
        jars.fetch()
    assert list(jars.cache_folder().iterdir()) == []


def test_a_jar_that_nobody_has_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = published(repository, "kafka", b"k" * 5000)
    next(repository.rglob("*.jar")).unlink()
    pin(monkeypatch, jar)
    with pytest.raises(
        NoBroker, match=r"org\.example:kafka:1\.0 can't be fetched .* try again, or copy the folder"
    ):
        jars.fetch()
