"""The wheel in another project's environment that has plain Airflow: DAGs, pages, hooks, operators and connection types are there.

`make test-install`: it resolves the packages anew, by the wheel's ranges alone, as another project's pip would. AIRFLOW_VERSION is the Airflow
that the other project has, when it is not the pinned one: `make test-airflow` sets it.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow_versions import TRIED, Tried

from magodoo_devstack import ports
from magodoo_devstack.airflow import Api
from magodoo_devstack.postgres import USER, Cluster
from magodoo_sandbox.odoo import RunningSandbox

CHECKOUT = Path(__file__).resolve().parents[1]
DAG_FILE = "from magodoo_airflow.dags import *\n"
SETTINGS = "instances:\n  us: {magento_connection: shop, odoo_connection: books, books_from: 2024-01-01}\n"
DAGS = {
    "magento_extract__us", "odoo_extract__us", "sales_reconcile__us", "sales_quality__us", "sales_load__us", "sales_approval__us",
    "sales_refresh__us", "sales_backfill__us", "sales_statement__us", "sales_upkeep", "preflight__us",
}  # fmt: skip
CHOSEN_BY_A_DEPLOYMENT = {
    "celery", "apache-airflow-providers-celery", "apache-airflow-providers-fab", "apache-airflow-providers-openlineage",
    "apache-airflow-providers-cncf-kubernetes", "statsd",
}  # fmt: skip

pytestmark = [pytest.mark.install, pytest.mark.timeout(900)]


def pinned_airflow() -> str:
    """The version that `make install` takes."""
    found = re.search(r"^apache-airflow(?:\[.*\])?==(\S+)", (CHECKOUT / "requirements.txt").read_text(), re.M)
    assert found
    return found[1]


class Project:
    """An environment with Airflow and the wheel of a copy of the checkout, somewhere else on the disk."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder
        self.version = version
        wheel = self._wheel()
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        self._pip("install", f"apache-airflow=={version}")
        self.before = self.packages()
        self._pip("install", f"apache-airflow=={version}", str(wheel))
        (folder / "dags").mkdir()
        (folder / "dags" / "magodoo.py").write_text(DAG_FILE)
        (folder / "magodoo.yaml").write_text(SETTINGS)

    def _wheel(self) -> Path:
        """The wheel; of what it was made from nothing is left that could be read."""
        source = self.folder / "source"
        ignored = shutil.ignore_patterns(".venv", "var", ".git", "__pycache__", "*.egg-info", "tests", "bench", "docs")
        shutil.copytree(CHECKOUT, source, ignore=ignored)
        made = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation"]
        subprocess.run([*made, "--wheel-dir", self.folder / "dist", source], check=True)
        shutil.rmtree(source)
        (wheel,) = (self.folder / "dist").iterdir()
        return wheel

    def _pip(self, *words: str) -> None:
        uv = Path(sys.executable).with_name("uv")
        words = (str(uv), "pip", *words) if uv.exists() else (str(self.python), "-m", "pip", *words)
        settings = (
            (CHECKOUT / "scripts" / "install").read_text().partition("pip_settings_for_uv() {")[2].partition("\n}\n")[0]
        )
        script = f'pip_settings_for_uv() {{{settings}\n}}\neval "$(pip_settings_for_uv {sys.executable})"\nexec "$@"'
        environment = {**os.environ, "VIRTUAL_ENV": str(self.folder / "venv")}
        done = subprocess.run(
            ["sh", "-c", script, "sh", *words], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    def packages(self) -> dict[str, str]:
        listed = json.loads(self.run(str(self.python), "-m", "pip", "list", "--format", "json"))
        return {each["name"].lower().replace("_", "-"): each["version"] for each in listed}

    def environment(self, **connections: dict[str, Any]) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MAGODOO", "PYTHON"))
        }
        own = {
            "PATH": f"{self.python.parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
            "AIRFLOW_HOME": str(self.folder / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.folder / "dags"), "MAGODOO_SETTINGS": str(self.folder / "magodoo.yaml"),
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
        }  # fmt: skip
        given = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in connections.items()}
        return {**kept, **own, **given}

    def airflow(self, *words: str, expected: int | None = 0, **connections: dict[str, Any]) -> str:
        return self.run(str(self.python.with_name("airflow")), *words, expected=expected, **connections)

    def run(self, *words: str, expected: int | None = 0, **connections: dict[str, Any]) -> str:
        """What a command prints; `expected` is its exit code, None any: `connections test` fails with 0 in 3.3.0."""
        environment = self.environment(**connections)
        done = subprocess.run(words, env=environment, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == (expected if expected is not None else done.returncode), (
            done.stdout[-2000:] + done.stderr[-3000:]
        )
        return done.stdout

    @contextmanager
    def standalone(self, database: str, **connections: dict[str, Any]) -> Iterator[Api]:
        """A whole Airflow of this environment: scheduler, DAG processor, triggerer and api-server."""
        port, secret = ports.any_free(), "of-this-test"
        (self.folder / "airflow").mkdir(exist_ok=True)
        passwords = self.folder / "airflow" / "passwords.json"
        passwords.write_text(json.dumps({"admin": secret}))
        address = f"http://127.0.0.1:{port}"
        environment = self.environment(**connections) | {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database, "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords), "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__HOST": "127.0.0.1", "AIRFLOW__API__BASE_URL": address, "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/", "AIRFLOW__API_AUTH__JWT_SECRET": secret * 6,
            "AIRFLOW__API__SECRET_KEY": secret * 6, "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        }  # fmt: skip
        with (self.folder / "standalone.log").open("wb") as log:
            started = subprocess.Popen(
                [self.python.with_name("airflow"), "standalone"],
                env=environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
            try:
                api = Api(address, "admin", secret)
                api.wait_healthy(seconds=300)
                yield api
            except Exception as failed:
                failed.add_note((self.folder / "standalone.log").read_text()[-3000:])
                raise
            finally:
                os.killpg(started.pid, signal.SIGTERM)
                try:
                    started.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    os.killpg(started.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def project(request: pytest.FixtureRequest) -> Iterator[Project]:
    tried = Tried(os.environ.get("AIRFLOW_VERSION") or pinned_airflow(), platform.python_version())
    request.config.stash[TRIED] = tried
    with tempfile.TemporaryDirectory() as folder:
        made = Project(Path(folder), tried.airflow)
        tried.packages = made.packages()
        yield made


def odoo_of(server: RunningSandbox) -> dict[str, Any]:
    """The connection to a sandbox Odoo."""
    return {
        "conn_type": "odoo", "host": server.url, "schema": server.db.name, "login": "sync", "password": "sync-key",
        "extra": {"company_id": 1},
    }  # fmt: skip


def test_airflow_stays_the_version_that_was_there(project: Project) -> None:
    after = project.packages()
    assert "magodoo" in after and "magodoo" not in project.before
    assert after["apache-airflow"] == project.before["apache-airflow"] == project.version


def test_nothing_is_installed_that_a_deployment_chooses(project: Project) -> None:
    """Executor, login, lineage and metrics are extras: a project that has chosen others is given no second ones."""
    assert (project.packages().keys() - project.before.keys()) & CHOSEN_BY_A_DEPLOYMENT == set()


def test_one_line_gives_airflow_every_dag(project: Project) -> None:
    code = (
        "import json; from airflow.dag_processing.dagbag import DagBag; bag = DagBag('dags')\n"
        "print(json.dumps([sorted(bag.dags), list(bag.import_errors.values())]))"
    )
    dags, errors = json.loads(project.run(str(project.python), "-c", code).strip().splitlines()[-1])
    assert (set(dags), errors) == (DAGS, [])


def test_dags_run_and_pages_are_served_in_a_running_airflow(project: Project, postgres: Cluster) -> None:
    """From the wheel alone: no plugins folder, no file of the checkout but the line in the DAG folder."""
    name, sales = f"airflow_{project.version.replace('.', '_')}", "sales_of_another_project"
    for each in (name, sales):
        postgres.create_database(each)
    staging = {
        "conn_type": "postgres", "host": "127.0.0.1", "port": postgres.port, "login": USER, "password": postgres.password,
        "schema": sales,
    }  # fmt: skip
    project.run(str(project.python), "-m", "magodoo_airflow.migrate", magodoo_staging=staging)
    with RunningSandbox() as server:
        connections = {"books": odoo_of(server), "magodoo_staging": staging}
        with project.standalone(postgres.url(name), **connections) as api:
            api.wait_for_dags(DAGS, seconds=180)
            assert api.import_errors() == []
            api.set_pool("magodoo_odoo", 2)
            api.unpause("odoo_extract__us")
            run = api.wait("odoo_extract__us", run_id=api.trigger("odoo_extract__us"))
            assert run.state == "success"
            told = api.session.get(f"{api.url}/magento/runs", timeout=60)
            assert told.status_code == 200 and "odoo" in told.text and "us" in told.text
            menu = {
                view["name"]: view["href"]
                for each in api.call("GET", "plugins")["plugins"]
                for view in each["external_views"]
            }
            assert menu["Sales"] == "/magento/"
            assert [each["name"] for each in api.call("GET", "plugins")["plugins"]].count("magodoo") == 1
            assert api.call("GET", "plugins/importErrors")["import_errors"] == []


def test_both_connection_types_are_offered_with_their_labels(project: Project) -> None:
    hooks = {
        each["connection_type"]: each for each in json.loads(project.airflow("providers", "hooks", "--output", "json"))
    }
    assert hooks["magento"]["class"] == "magodoo_airflow.hooks.magento.MagentoHook"
    assert hooks["odoo"]["class"] == "magodoo_airflow.hooks.odoo.OdooHook"
    assert (hooks["magento"]["hook_name"], hooks["odoo"]["hook_name"]) == ("Magento 2", "Odoo")
    told = yaml.safe_load(project.airflow("providers", "get", "magodoo", "--full", "--output", "yaml"))
    assert "conn-fields" in json.dumps(told) and "Integration token" in json.dumps(told)


def test_the_test_button_asks_the_system(project: Project) -> None:
    with RunningSandbox() as server:
        odoo = odoo_of(server)
        told = project.airflow("connections", "test", "books", books=odoo)
        assert "success" in told.lower()
        failed = project.airflow("connections", "test", "books", books={**odoo, "password": "wrong"}, expected=None)
        assert "connection failed" in failed.lower() and "success" not in failed.lower()


def test_a_dag_of_another_project_uses_an_operator(project: Project) -> None:
    code = (
        "from airflow.sdk import DAG\n"
        "from magodoo_airflow.operators.changes import OdooInvoiceOperator\n"
        "with DAG('mine', schedule='@hourly') as dag:\n"
        "    OdooInvoiceOperator(task_id='invoices', instance='us', limit=200)\n"
        "print(dag.get_task('invoices').pool)"
    )
    assert project.run(str(project.python), "-c", code).strip().splitlines()[-1] == "magodoo_odoo"


def test_all_that_the_engine_reads_from_its_packages_is_there(project: Project) -> None:
    code = (
        "from magodoo.staging.db import MIGRATIONS; from importlib.resources import files; import magodoo_airflow.pages as pages\n"
        "print(len(list(MIGRATIONS.rglob('*.sql'))), len([f for f in (files(pages) / 'templates').iterdir()]))"
    )
    migrations, templates = map(int, project.run(str(project.python), "-c", code).split()[-2:])
    assert migrations > 0 and templates > 0
