"""docker-compose.yml and the image it builds, read without Docker: by the specification, complete."""

import json
import re
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import jsonschema
import pytest
import yaml

from l233.local_kafka import KAFKA_VERSION
from l233.settings import Settings
from tests.contract.compose import Service, compose, copied_from_the_project, services, stages
from tests.contract.project import ROOT
from tests.contract.test_packaging import build_wheel

SCHEMA = Path(__file__).parent / "compose-spec" / "compose-spec.json"
OURS = [service for service in services().values() if service.is_ours]
WORKERS = [service for service in OURS if service.roles]


def name(service: Service) -> str:
    """Name a test by its service."""
    return service.name


def kafka() -> Mapping[str, str]:
    """Return the settings of the broker."""
    return services()["kafka"].environment


@pytest.fixture(scope="module")
def specification() -> jsonschema.protocols.Validator:
    """Return the schema of the Compose Specification, ready to judge."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator: jsonschema.protocols.Validator = jsonschema.Draft202012Validator(schema)
    return validator


def test_the_file_follows_the_compose_specification(specification: jsonschema.protocols.Validator) -> None:
    """Every key and value is one that the specification knows."""
    assert [error.message for error in specification.iter_errors(compose())] == []


def test_the_specification_finds_a_misspelt_key(specification: jsonschema.protocols.Validator) -> None:
    """The schema is closed: what it passes is not merely unknown to it."""
    wrong = compose()
    wrong["services"]["intake"]["depend_on"] = ["topics"]
    assert not specification.is_valid(wrong)


def test_every_role_has_its_service_and_every_worker_its_role() -> None:
    """The roles of topics.yaml, each worked by one service of the same name."""
    roles = yaml.safe_load((ROOT / "topics.yaml").read_text(encoding="utf-8"))["roles"]
    assert {service.name: service.roles for service in WORKERS} == {role: (role,) for role in roles}


def test_every_other_service_is_known() -> None:
    """Beside the workers there are the broker and what provisions its topics."""
    assert services().keys() - {service.name for service in WORKERS} == {"kafka", "topics"}


def test_topics_are_there_before_anyone_works() -> None:
    """Kafka is healthy before topics are provisioned, and they are provisioned before a worker starts."""
    assert services()["topics"].depends_on == {"kafka": "service_healthy"}
    assert "healthcheck" in services()["kafka"].definition
    for worker in WORKERS:
        assert worker.depends_on == {"topics": "service_completed_successfully"}


def test_provisioning_runs_once() -> None:
    """A refused drift is shown, not tried again and again."""
    assert services()["topics"].definition["restart"] == "no"
    assert services()["topics"].command == ("l233", "topics", "apply")


@pytest.mark.parametrize("worker", WORKERS, ids=name)
def test_a_worker_comes_back_by_itself_and_is_given_time_to_stop(worker: Service) -> None:
    """Docker waits longer for a worker than it takes to stop, so that no transaction is cut off."""
    stop_timeout = float(
        worker.environment.get("L233_STOP_TIMEOUT", Settings.model_fields["stop_timeout"].default)
    )
    assert worker.definition["restart"] == "unless-stopped"
    assert worker.stop_grace_period > stop_timeout


@pytest.mark.parametrize("service", OURS, ids=name)
def test_settings_are_ones_that_l233_reads(service: Service) -> None:
    """A misspelt variable would be ignored without a word."""
    known = {f"L233_{field.upper()}" for field in Settings.model_fields}
    assert service.environment.keys() <= known
    assert service.environment["L233_LOG_FORMAT"] == "json"


@pytest.mark.parametrize("worker", WORKERS, ids=name)
def test_a_new_container_finds_the_state_of_the_one_before(worker: Service) -> None:
    """Workers name their state folder after the host, so that name is given, not the container's id."""
    assert worker.definition["hostname"] == worker.name


@pytest.mark.parametrize("worker", WORKERS, ids=name)
def test_health_is_looked_for_where_the_worker_tells_it(worker: Service) -> None:
    """The file that the worker writes is the one that is looked at, in a folder of the container's own.

    Not in the volume: replicas share that, and one could speak for another.
    """
    file = Path(worker.command[worker.command.index("--health-file") + 1])
    assert f"find {file} " in worker.healthcheck
    assert not file.is_relative_to(worker.environment["L233_STATE_DIR"])
    (prepared,) = [i.rest for i in stages()[-1] if i.word == "RUN"]
    assert str(file.parent) in prepared.split()


def test_each_worker_keeps_its_state_in_a_volume_of_its_own() -> None:
    """State outlives a container, and no role sees another's."""
    volumes = {}
    for worker in WORKERS:
        (mount,) = worker.definition["volumes"]
        volume, target = mount.split(":")
        assert target == worker.environment["L233_STATE_DIR"]
        volumes[volume] = worker.name
    assert len(volumes) == len(WORKERS)
    assert volumes.keys() | {"kafka-data"} == compose()["volumes"].keys()


def test_containers_and_programs_of_the_host_are_each_told_an_address_they_can_reach() -> None:
    """Two listeners: `kafka:9092` among containers, 127.0.0.1:9092 on the host, and none beyond."""
    listeners = dict(one.split("://") for one in kafka()["KAFKA_LISTENERS"].split(","))
    advertised = dict(one.split("://") for one in kafka()["KAFKA_ADVERTISED_LISTENERS"].split(","))
    assert {service.environment["L233_BOOTSTRAP"] for service in OURS} == {advertised["PLAINTEXT"]}
    assert services()["kafka"].definition["ports"] == [f"{advertised['HOST']}{listeners['HOST']}"]
    assert advertised["HOST"] == Settings.model_fields["bootstrap"].default
    assert listeners["PLAINTEXT"] == f":{advertised['PLAINTEXT'].split(':')[1]}"


def test_a_misspelt_topic_fails_instead_of_being_made() -> None:
    """Auto-creation is off in the broker."""
    assert kafka()["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_records_outlive_the_broker_container() -> None:
    """The broker writes into its volume."""
    assert services()["kafka"].definition["volumes"] == [f"kafka-data:{kafka()['KAFKA_LOG_DIRS']}"]


def test_images_are_pinned() -> None:
    """No image changes under its name: each has a tag that is a version, ours the project's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {service.image for service in OURS} == {f"l233:{project['version']}"}
    bases = [stage[0].rest.split()[0] for stage in stages()]
    for image in (services()["kafka"].image, *bases):
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+[\w.-]*", image), image


def test_the_broker_is_the_one_that_l233_runs_without_docker() -> None:
    """`l233 kafka` and docker-compose.yml agree on the version: what was tested is what is deployed."""
    assert services()["kafka"].image == f"apache/kafka:{KAFKA_VERSION}"


def test_the_image_is_built_from_our_dockerfile() -> None:
    """Every service of ours builds the same image."""
    built = [service.definition["build"] for service in OURS]
    assert built == [{"context": ".", "dockerfile": "deploy/Dockerfile"}] * len(OURS)


def test_containers_run_without_rights() -> None:
    """The image ends as a user, by number, who is not root; compose takes all capabilities away."""
    (user,) = [instruction.rest for instruction in stages()[-1] if instruction.word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    last = [instruction.word for instruction in stages()[-1]]
    assert {"RUN", "COPY"}.isdisjoint(last[last.index("USER") :])
    for service in OURS:
        assert service.definition["cap_drop"] == ["ALL"]


def test_the_last_stage_holds_no_build_tools() -> None:
    """It installs nothing: it takes the finished environment from the stage that built it."""
    assert len(stages()) == 2
    last = " ".join(instruction.rest for instruction in stages()[-1])
    assert re.search(r"\b(pip|apt|apt-get|gcc|make|curl|wget|hatchling|build-essential)\b", last) is None
    assert [i.rest for i in stages()[-1] if i.word == "COPY"] == ["--from=build /opt/l233 /opt/l233"]


def test_the_builder_is_given_what_it_copies_and_nothing_else() -> None:
    """The ignore file lets through exactly the sources of COPY, so that no key or state gets into a layer."""
    lines = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(copied_from_the_project())


def test_what_the_builder_copies_makes_the_whole_wheel(tmp_path: Path) -> None:
    """The image has every file that an installation from the repository has."""
    context = tmp_path / "context"
    context.mkdir()
    for source in copied_from_the_project():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, context / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, context / source)
    wheels = []
    for number, project in enumerate((context, ROOT)):
        into = tmp_path / str(number)
        into.mkdir()
        with ZipFile(build_wheel(project, into)) as archive:
            wheels.append({entry.filename: entry.CRC for entry in archive.infolist()})
    assert wheels[0] == wheels[1]


def test_the_override_of_the_documents_follows_the_specification_and_reaches_every_service(
    specification: jsonschema.protocols.Validator,
) -> None:
    """Copied as it stands, it takes the broker away and gives all of ours settings that l233 reads."""
    document = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", document, re.DOTALL)
    # `!reset` is Compose's own tag: what it is put on is taken out of the merged file.
    override = yaml.safe_load(block.replace("!reset ", ""))
    assert [error.message for error in specification.iter_errors(override) if "kafka" not in error.path] == []
    assert override["services"].keys() == services().keys()
    known = {f"L233_{field.upper()}" for field in Settings.model_fields}
    for service in OURS:
        assert override["services"][service.name]["environment"].keys() <= known
