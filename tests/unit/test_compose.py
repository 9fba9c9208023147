"""What docker-compose.yml and the Dockerfile name exists: in the schema, in Celery, in the package and in the tree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import fields
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import redis
import yaml

from worker.embedded.binary import find_binary
from worker.settings import Settings

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docker-compose.yml").read_text(encoding="utf8")
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(TEXT)
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = {name: service for name, service in SERVICES.items() if "build" in service}
COMMANDS: Final = [
    command
    for service in OURS.values()
    for command in (service["command"], service["healthcheck"]["test"][1:])
]  # fmt: skip
ENVIRON: Final = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0", "COLUMNS": "200"}
"""Nothing here needs the server: whatever connects to it fails at once."""

QUEUES_OF_TASKS: Final = """
from celery.app.utils import find_app
app = find_app("worker.app")
app.loader.import_default_modules()
names = [name for name in app.tasks if not name.startswith("celery.")]
print(*sorted({app.amqp.router.route({}, name)["queue"].name for name in names}))
"""
RUN_DEDUP: Final = "import sys; from worker.cli import main; sys.exit(main())"


def test_the_file_is_valid_by_the_compose_specification() -> None:
    schema = resources.files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json"
    jsonschema.validate(COMPOSE, json.loads(schema.read_text(encoding="utf8")))


def test_every_program_is_one_the_image_has() -> None:
    scripts = {script.name for script in metadata.entry_points(group="console_scripts")}
    assert {command[0] for command in COMMANDS} == {"celery", "dedup"} <= scripts


@pytest.mark.parametrize("name", [name for name, service in OURS.items() if service["command"][0] == "celery"])
def test_celery_knows_the_app_and_each_option(name: str) -> None:
    # An unknown option is an error even where help is asked for, and the app is loaded before.
    answer = python("-m", *OURS[name]["command"], "--help")
    assert answer.returncode == 0, answer.stderr


def test_a_worker_listens_on_every_queue_that_tasks_go_to_and_on_no_other() -> None:
    answer = python("-c", QUEUES_OF_TASKS)
    assert answer.returncode == 0, answer.stderr
    listened = [value_after(service["command"], "-Q") for service in OURS.values() if "-Q" in service["command"]]
    assert sorted({queue for queues in listened for queue in queues.split(",")}) == answer.stdout.split()


@pytest.mark.parametrize("command", sorted({tuple(command[1:]) for command in COMMANDS if command[0] == "dedup"}))
def test_dedup_knows_the_subcommand_and_each_option(command: tuple[str, ...]) -> None:
    subcommand, *options = command
    answer = python("-c", RUN_DEDUP, subcommand, "--help")
    assert answer.returncode == 0, answer.stderr
    assert all(re.search(rf"{re.escape(option)}\b", answer.stdout) for option in options)


def test_every_variable_of_a_worker_is_a_setting() -> None:
    settings = {f"DEDUP_{field.name.upper()}" for field in fields(Settings)} - {"DEDUP_REDIS_URL"} | {"REDIS_URL"}
    given = {variable for service in OURS.values() for variable in service["environment"]}
    assert given - {"REMAP_SIGTERM"} <= settings


def test_there_is_no_default_password_and_nothing_is_open_to_the_outside() -> None:
    passwords = re.findall(r"\$\{DEDUP_STORE_PASSWORD(.*?)\}", TEXT)
    assert passwords
    assert all(rest.startswith(":?") for rest in passwords)
    assert [name for name, service in SERVICES.items() if {"ports", "network_mode"} & service.keys()] == ["web"]


def test_the_web_service_is_off_unless_told_and_published_to_this_machine_alone() -> None:
    web = SERVICES["web"]
    assert web["profiles"] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in web["ports"])
    secrets = [name for name in web["environment"] if name.endswith(("TOKEN", "SECRET"))]
    assert len(secrets) == 4
    assert [name for name in secrets if web["environment"][name] is not None] == []


def test_every_service_ends_in_time_and_tells_its_health() -> None:
    assert all({"healthcheck", "stop_grace_period", "restart"} <= service.keys() for service in SERVICES.values())


def test_volumes_configs_and_what_is_waited_for_are_declared() -> None:
    for service in SERVICES.values():
        assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= COMPOSE["volumes"].keys()
        assert {config["source"] for config in service.get("configs", [])} <= COMPOSE["configs"].keys()
        assert set(service.get("depends_on", {})) <= SERVICES.keys()


def test_every_path_the_image_is_built_from_exists_and_is_let_through() -> None:
    sources = copied_from_the_tree((ROOT / "Dockerfile").read_text(encoding="utf8"))
    let_through = {
        line[1:].rstrip("/")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf8").splitlines()
        if line.startswith("!")
    }
    assert sources == let_through
    assert not [path for path in sources if not (ROOT / path).exists()]


def test_a_server_takes_the_store_s_configuration(tmp_path: Path) -> None:
    content = COMPOSE["configs"]["store"]["content"]
    wanted = dict(line.split(maxsplit=1) for line in content.splitlines() if "$" not in line and "/" not in line)
    config = tmp_path / "store.conf"
    here = re.sub(r"(?m)^dir .*", f"dir {tmp_path}", re.sub(r"\$\{.*?\}", "secret", content))
    config.write_text(here + "port 0\nunixsocket store.sock\n", encoding="utf8")
    with subprocess.Popen([find_binary(), config], stdout=subprocess.DEVNULL) as server:
        try:
            with connected(tmp_path / "store.sock", server) as client:
                got = client.config_get(*wanted)
        finally:
            server.terminate()
    assert got == {name: value.strip('"') for name, value in wanted.items()}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=ENVIRON, capture_output=True, text=True, check=False, timeout=60
    )


def value_after(command: list[str], option: str) -> str:
    return command[command.index(option) + 1]


def copied_from_the_tree(dockerfile: str) -> set[str]:
    lines = [line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    return {source for sources in lines if not sources[0].startswith("--from") for source in sources}


def connected(socket: Path, server: subprocess.Popen[bytes]) -> redis.Redis:
    deadline = time.monotonic() + 20
    while not socket.exists() and server.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.poll() is None, "the server refused its configuration"
    return redis.Redis(unix_socket_path=str(socket), password="secret", decode_responses=True)
