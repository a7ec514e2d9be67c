"""Fetches the jars of Apache Kafka, pinned by SHA-256, into the user's cache, once.

The list is `jars.lock`, resolved with jgo when the version was chosen, so that a start never resolves
anything: jgo only downloads what the cache lacks. A jar is put in place after its sum was verified.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from threading import Lock

from l233.errors import NoBroker

KAFKA_VERSION = "4.1.1"
ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
# Kafka logs through slf4j 1.7; without a binding a broker that fails to start says nothing.
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"

PARALLEL_DOWNLOADS = 4


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned jar: its SHA-256, its size in bytes, its Maven coordinate group:artifact:version."""

    sha256: str
    size: int
    coordinate: str

    @property
    def filename(self) -> str:
        """The name of the file, as Maven repositories have it."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far fetching is: jars and bytes there, and all of them."""

    jars: int
    of_jars: int
    size: int
    of_size: int


OnProgress = Callable[[Progress], None]


def locked() -> tuple[Jar, ...]:
    """Return the jars of the pinned Kafka."""
    text = resources.files("l233.local_kafka").joinpath("jars.lock").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(Jar(sha256, int(size), coordinate) for sha256, size, coordinate in lines)


def cache_folder() -> Path:
    """Where jars are kept between runs: `$XDG_CACHE_HOME/l233/kafka-<version>`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "l233" / f"kafka-{KAFKA_VERSION}"


def missing(folder: Path) -> tuple[Jar, ...]:
    """Return the pinned jars that are not in `folder`, or not whole and unaltered there (0.1 s in all)."""
    return tuple(jar for jar in locked() if not _is_there(folder / jar.filename, jar))


def fetch(on_progress: OnProgress | None = None) -> list[Path]:
    """Return the paths of all the jars, downloading those that the cache lacks.

    Raises NoBroker when a jar can't be fetched or is not the pinned one.
    """
    folder = cache_folder()
    wanted = locked()
    lacking = missing(folder)
    if lacking:
        folder.mkdir(parents=True, exist_ok=True)
        counter = _Counter(wanted, lacking, on_progress)
        # Inside the cache folder, so that putting a jar in place is a rename on one file system.
        with tempfile.TemporaryDirectory(dir=folder, prefix="fetching-") as scratch:
            download = _downloader(Path(scratch), counter)
            with ThreadPoolExecutor(PARALLEL_DOWNLOADS, thread_name_prefix="jars") as pool:
                for jar, path in pool.map(lambda jar: (jar, download(jar)), lacking):
                    _put_in_place(jar, path, folder / jar.filename)
                    counter.jar_done()
    return [folder / jar.filename for jar in wanted]


def _is_there(path: Path, jar: Jar) -> bool:
    return path.is_file() and path.stat().st_size == jar.size and _sum(path) == jar.sha256


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _put_in_place(jar: Jar, downloaded: Path, place: Path) -> None:
    found = _sum(downloaded)
    if found != jar.sha256:
        raise NoBroker(
            f"{jar.coordinate} as downloaded is not the pinned jar (SHA-256 {found}, not {jar.sha256}): "
            "check the Maven repository that jgo is configured to use, then try again"
        )
    downloaded.replace(place)


class _Counter:
    """Adds up what the download threads report and passes it on."""

    def __init__(
        self, wanted: tuple[Jar, ...], lacking: tuple[Jar, ...], on_progress: OnProgress | None
    ) -> None:
        self._of_jars = len(wanted)
        self._of_size = sum(jar.size for jar in wanted)
        self._jars = self._of_jars - len(lacking)
        self._size = self._of_size - sum(jar.size for jar in lacking)
        self._on_progress = on_progress
        self._lock = Lock()
        self._tell()

    def jar_done(self) -> None:
        with self._lock:
            self._jars += 1
            self._tell()

    @contextmanager
    def downloading(self, _filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        """Report as jgo does: a context that yields what takes the count of further bytes."""
        yield self._add

    def _add(self, size: int) -> None:
        with self._lock:
            self._size += size
            self._tell()

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(Progress(self._jars, self._of_jars, self._size, self._of_size))


def _downloader(scratch: Path, counter: _Counter) -> Callable[[Jar], Path]:
    # Imported here: with the jars in the cache, none of this is needed.
    import requests  # noqa: PLC0415 - jgo's own client, for the errors it lets through
    from jgo.config import GlobalSettings  # noqa: PLC0415 - as above
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415 - as above
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - as above

    context = MavenContext(
        resolver=PythonResolver(progress_callback=counter.downloading),
        repo_cache=scratch,
        remote_repos={"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories},
    )

    def download(jar: Jar) -> Path:
        group, artifact, version = jar.coordinate.split(":")
        try:
            return Path(context.project(group, artifact).at_version(version).artifact().resolve())
        except requests.exceptions.SSLError as error:
            raise NoBroker(
                f"Kafka's jar {jar.coordinate} can't be fetched: the certificate of the repository is "
                "not trusted; name the file of your network's authorities in REQUESTS_CA_BUNDLE and try again"
            ) from error
        except (requests.RequestException, RuntimeError, OSError) as error:
            raise NoBroker(
                f"Kafka's jar {jar.coordinate} can't be fetched ({type(error).__name__}): connect to the "
                "network (or name a mirror in jgo's configuration) and try again, or copy the folder "
                f"{cache_folder()} from a machine that has it"
            ) from error

    return download


def _write_lock() -> None:
    """Resolve `ENDPOINT` anew and print the lock: for whoever moves to another version of Kafka."""
    import jgo  # noqa: PLC0415 - only for this
    from jgo.maven import MavenContext  # noqa: PLC0415 - only for this

    coordinates = {f"{a.groupId}:{a.artifactId}:{a.version}" for a in jgo.resolve(ENDPOINT)} | {LOG_BINDING}
    context = MavenContext()
    for coordinate in sorted(coordinates):
        group, artifact, version = coordinate.split(":")
        content = context.project(group, artifact).at_version(version).artifact().resolve().read_bytes()
        print(hashlib.sha256(content).hexdigest(), len(content), coordinate)


if __name__ == "__main__":
    _write_lock()
