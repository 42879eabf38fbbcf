"""`pip install .` into another project's environment that has plain Airflow: hooks, operators and connection types are there.

`make test-install`: it resolves the packages anew, by requirements.in alone, as another project's pip would.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from magodoo_sandbox.odoo import RunningSandbox

CHECKOUT = Path(__file__).resolve().parents[1]

pytestmark = [pytest.mark.install, pytest.mark.timeout(900)]


class Project:
    """An environment with Airflow as pinned here and magodoo from a copy of the checkout, somewhere else on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        source = folder / "source"
        ignored = shutil.ignore_patterns(".venv", "var", ".git", "__pycache__", "*.egg-info", "tests", "bench", "docs")
        shutil.copytree(CHECKOUT, source, ignore=ignored)
        venv = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        airflow = next(
            line
            for line in (CHECKOUT / "requirements.in").read_text().splitlines()
            if line.startswith("apache-airflow[")
        )
        self._pip("install", "apache-airflow==" + airflow.partition("==")[2])
        self.before = self.packages()
        self._pip("install", str(source))
        shutil.rmtree(source)  # nothing may be read from where it was installed from

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
        return {each["name"].lower(): each["version"] for each in listed}

    def airflow(self, *words: str, **connections: dict[str, Any]) -> str:
        return self.run(str(self.python.with_name("airflow")), *words, **connections)

    def run(self, *words: str, **connections: dict[str, Any]) -> str:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MAGODOO", "PYTHON"))
        }
        own = {
            "AIRFLOW_HOME": str(self.folder / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
        }  # fmt: skip
        given = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in connections.items()}
        done = subprocess.run(
            words, env={**kept, **own, **given}, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with tempfile.TemporaryDirectory() as folder:
        yield Project(Path(folder))


def test_airflow_stays_the_version_that_was_there(project: Project) -> None:
    after = project.packages()
    assert "magodoo" in after and "magodoo" not in project.before
    assert after["apache-airflow"] == project.before["apache-airflow"]


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
        odoo = {
            "conn_type": "odoo",
            "host": server.url,
            "schema": server.db.name,
            "login": "sync",
            "password": "sync-key",
        }
        told = project.airflow("connections", "test", "books", books={**odoo, "extra": {"company_id": 1}})
        assert "success" in told.lower()
        wrong = {**odoo, "password": "wrong", "extra": {"company_id": 1}}
        with pytest.raises(AssertionError, match="failed"):
            project.airflow("connections", "test", "books", books=wrong)


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
