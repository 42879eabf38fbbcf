"""The commands of docker-compose.yaml as plain processes on loopback, as no container engine is at hand.

What differs from the containers: addresses and folders are those of this machine, each worker says its name by a variable (a
container has a host name of its own), and PostgreSQL is the test suite's. Redis is Debian's package.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import compose
import psutil
from sqlalchemy import create_engine, text

from magodoo_devstack import ports
from magodoo_devstack.airflow import Api
from magodoo_devstack.postgres import Cluster

AIRFLOW = (
    "airflow-apiserver",
    "airflow-execution-api",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
)
QUICK = {  # so that the loss of a worker is noticed in seconds, as the test cannot wait five minutes
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
}


def worker_name() -> str:
    """What Airflow calls the machine that a task ran on (`core.hostname_callable`)."""
    return os.environ["MAGODOO_WORKER_NAME"]


class ComposeStack:
    """Services by their names in the file; `start` each, then `stop` ends them all."""

    def __init__(self, folder: Path, cluster: Cluster, **variables: str) -> None:
        self.folder, self.cluster = folder, cluster
        self.ports = {name: ports.any_free() for name in ("airflow", "execution", "redis", "flower", "magento", "odoo")}
        required = {name: secrets.token_hex(12) for name, operator in compose.variables().items() if operator == "?"}
        fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        self.variables = required | {"AIRFLOW_FERNET_KEY": fernet} | variables
        self.services: dict[str, Any] = compose.read(self.variables)["services"]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("config", "shared", "airflow", "log"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.settings = folder / "config" / "magodoo.yaml"

    @property
    def api(self) -> Api:
        return Api(f"http://127.0.0.1:{self.ports['airflow']}", "admin", self.variables["ADMIN_PASSWORD"])

    def make_databases(self) -> None:
        """What the image of PostgreSQL does by its variables and by deploy/postgres-init.sql."""
        own = create_engine(self.cluster.url("postgres"), isolation_level="AUTOCOMMIT")
        with own.connect() as connection:
            password = self.variables["POSTGRES_PASSWORD"]
            connection.execute(text(f"create role airflow login superuser password '{password}'"))
            connection.execute(text("create database airflow owner airflow"))
            script = (compose.CHECKOUT / "deploy" / "postgres-init.sql").read_text()
            connection.execute(text(script))
        own.dispose()

    def start(self, service: str, name: str = "", **more: str) -> subprocess.Popen[bytes]:
        """Start a service; `name` distinguishes two of one service."""
        command = compose.command(self.services[service])
        name = name or service
        out = (self.folder / "log" / f"{name}.log").open("ab")
        process = subprocess.Popen(
            self._words(service, command.words) + _own_name(name), env=self._environment(command.environment, name, more), cwd=self.folder,
            stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.running[name] = process
        return process

    def airflow(self, *words: str, **more: str) -> str:
        """A command of Airflow in the scheduler's environment, as `docker compose exec airflow-scheduler airflow ...`; its output."""
        environment = self._environment(compose.command(self.services["airflow-scheduler"]).environment, "exec", more)
        program = Path(sys.executable).with_name("airflow")
        done = subprocess.run(
            [program, *words], env=environment, capture_output=True, text=True, check=True, timeout=600
        )
        return done.stdout

    def healthy(self, service: str, name: str = "", seconds: float = 600) -> None:
        """Wait until the service's own health check passes."""
        words = self._words(service, compose.health(self.services[service]))
        environment = self._environment(compose.command(self.services[service]).environment, name or service, {})
        deadline = time.monotonic() + seconds
        while True:
            done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=300)
            if done.returncode == 0:
                return
            dead = self.running[name or service].poll()
            if dead is not None or time.monotonic() > deadline:
                told = self.log(name or service)[-3000:]
                raise AssertionError(f"{service} is not healthy ({dead}): {done.stdout} {done.stderr}\n{told}")
            time.sleep(1)

    def log(self, name: str) -> str:
        return (self.folder / "log" / f"{name}.log").read_text(errors="replace")

    def kill(self, name: str) -> None:
        """SIGKILL to the service and every process below it at once, as when its container or machine is gone."""
        parent = psutil.Process(self.running[name].pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.running[name].wait(10)

    def stop(self) -> None:
        families = []
        for process in self.running.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                parent = psutil.Process(process.pid)
                families += [parent, *parent.children(recursive=True)]
        for member in families:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(families, timeout=15)
        for member in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()

    def _words(self, service: str, words: list[str]) -> list[str]:
        words = [self._local(word) for word in words]
        if service == "redis" and words[0] == "sh" and "redis-server" in words[-1]:
            words[-1] = words[-1].replace("save ", f"port {self.ports['redis']}\nbind 127.0.0.1\nsave ")
        if service == "redis" and "redis-cli" in words[-1]:
            words[-1] = words[-1].replace("redis-cli", f"redis-cli -p {self.ports['redis']}")
        program = Path(sys.executable).parent / words[0]
        return [str(program) if program.exists() else words[0], *words[1:]]

    def _local(self, value: str) -> str:
        """Addresses and folders of the containers as those of this machine."""
        places = {
            "@postgres/": f"@127.0.0.1:{self.cluster.port}/", "@redis:6379": f"@127.0.0.1:{self.ports['redis']}",
            "airflow-execution-api:8080": f"127.0.0.1:{self.ports['execution']}", "localhost:8080/execution": f"127.0.0.1:{self.ports['execution']}/execution",
            "localhost:8080": f"127.0.0.1:{self.ports['airflow']}",
            "localhost:5555": f"127.0.0.1:{self.ports['flower']}", "localhost/8081": f"127.0.0.1/{self.ports['magento']}",
            "localhost/8069": f"127.0.0.1/{self.ports['odoo']}", "0.0.0.0": "127.0.0.1",
            "/opt/magodoo/shared": str(self.folder / "shared"), "/opt/magodoo/config": str(self.folder / "config"),
            "/opt/magodoo": str(compose.CHECKOUT), "/opt/airflow": str(self.folder / "airflow"),
        }  # fmt: skip
        if value in ("8081", "8069"):
            return str(self.ports["magento" if value == "8081" else "odoo"])
        if value in ("/entrypoint", "/clean-logs"):  # links in the image
            return str(compose.CHECKOUT / "deploy" / f"{value[1:]}.sh")
        for there, here in places.items():
            value = value.replace(there, here)
        return value

    def _environment(self, of_service: Mapping[str, str], name: str, more: Mapping[str, str]) -> dict[str, str]:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "MAGODOO", "PYTEST_"))
        }
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        own = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.folder / "airflow" / "logs"),
            "AIRFLOW__API__PORT": str(self.ports["execution" if name == "airflow-execution-api" else "airflow"]),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__CELERY__FLOWER_PORT": str(self.ports["flower"]),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports.any_free()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports.any_free()),
            "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", "MPLBACKEND": "Agg",
        }  # fmt: skip
        if name.startswith("worker"):
            own |= {
                "MAGODOO_WORKER_NAME": name,
                "AIRFLOW__CORE__HOSTNAME_CALLABLE": "compose_stack.worker_name",
                "PYTHONPATH": str(compose.CHECKOUT / "tests" / "support"),
                "HOSTNAME": name,
            }
        else:
            own["HOSTNAME"] = _full_name()
        local = {key: self._local(value) for key, value in of_service.items()}
        return kept | self.variables | local | QUICK | own | dict(more)  # the variables: `env_file` of the services


def _own_name(name: str) -> list[str]:
    """Two workers on one machine: in containers the host name distinguishes them."""
    return ["--celery-hostname", f"celery@{name}"] if name.startswith("worker") else []


def _full_name() -> str:
    from airflow.utils.net import get_hostname

    return str(get_hostname())  # what Airflow notes for its jobs; in a container that is $HOSTNAME


def wait_until(true: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def redis_is_there() -> bool:
    return shutil.which("redis-server") is not None
