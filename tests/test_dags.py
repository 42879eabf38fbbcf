"""The DAG files: they parse fast and light, are complete, and a run reads the window that a person would expect."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from magodoo.errors import BadSettings
from magodoo.pipeline import backfill
from magodoo.pipeline.window import Window, from_conf, from_partition
from magodoo.settings import Instance

CHECKOUT = Path(__file__).resolve().parents[1]
SETTINGS = """\
instances:
  us: {magento_connection: shop, odoo_connection: books}
  de: {magento_connection: shop_de, odoo_connection: books_de, schedule: '@hourly', time_zone: Europe/Berlin}
  broken: {magento_connection: shop, odo_connection: books, schedule: now and then}
"""
HEAVY = ("pandas", "numpy", "scipy", "matplotlib", "great_expectations", "psycopg2", "requests", "fastapi")
PER_INSTANCE = {
    "magento_extract", "odoo_extract", "sales_reconcile", "sales_quality", "sales_load", "sales_approval", "sales_refresh",
    "sales_backfill", "sales_statement",
}  # fmt: skip
POOLS = {"default_pool", "magodoo_magento", "magodoo_odoo"}

# Runs in a process of its own: what it imports is what a DAG file imports, and no socket may be opened.
PROBE = """
import json, socket, sys, time
from airflow.dag_processing.dagbag import DagBag

def refuse(*_, **__):
    raise AssertionError("a DAG file used the network or a database")

socket.socket.connect = refuse
before = set(sys.modules)
bag = DagBag(sys.argv[1], collect_dags=True)
heavy = [name for name in json.loads(sys.argv[2]) if name in sys.modules and name not in before]
from airflow.sdk.definitions.mappedoperator import MappedOperator

def patience(task):
    # the shortest time that all tries span when each is lost at once: the scheduler waits for up to twice as long
    cap = task.max_retry_delay.total_seconds() if task.max_retry_delay else 1e9
    delay, factor = task.retry_delay.total_seconds(), float(task.retry_exponential_backoff)
    return sum(min(cap, delay * 2 ** done) if factor else delay for done in range(task.retries))

def task(task):
    fields = list(task.template_fields)
    known = set(task.partial_kwargs) | set(task.expand_input.value) if isinstance(task, MappedOperator) else None
    missing = [] if known is not None else [name for name in fields if not hasattr(task, name)]
    init = task.operator_class.__init__ if known is not None else type(task).__init__
    return {
        "class": (task.operator_class if known is not None else type(task)).__name__,
        "limit": task.execution_timeout.total_seconds() if task.execution_timeout else None, "pool": task.pool, "retries": task.retries,
        "patience": patience(task), "policy": type(task.retry_policy).__name__,
        "missing": missing, "upstream": sorted(task.upstream_task_ids),
        "conf": getattr(task, "conf", None) if isinstance(getattr(task, "conf", None), dict) else None,
        "paused": getattr(task, "fail_when_dag_is_paused", None),
        "at_once": task.max_active_tis_per_dagrun,
        "triggers": task.partial_kwargs.get("trigger_dag_id") if known is not None else getattr(task, "trigger_dag_id", None),
    }

def described(dag):
    return {
        "tags": sorted(dag.tags), "doc": dag.doc_md or "", "catchup": dag.catchup, "max_active_runs": dag.max_active_runs,
        "timetable": type(dag.timetable).__name__, "params": {name: param.schema for name, param in dag.params.items()},
        "paused": dag.is_paused_upon_creation, "tasks": {name: task(one) for name, one in dag.task_dict.items()},
    }

json.dump(
    {
        "errors": {str(file): text[-800:] for file, text in bag.import_errors.items()},
        "heavy": heavy, "dags": {dag_id: described(dag) for dag_id, dag in bag.dags.items()},
    },
    open(sys.argv[3], "w"),
)
"""


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What Airflow's DAG processor sees, as plain values."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "magodoo.yaml").write_text(SETTINGS)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MAGODOO"))}
    environment = kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "none"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/absent.db",
        "MAGODOO_SETTINGS": str(home / "magodoo.yaml"),
    }
    command = [sys.executable, "-c", PROBE, str(CHECKOUT / "dags"), json.dumps(HEAVY), str(home / "bag.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((home / "bag.json").read_text())


LOADED = """
import json
from airflow import plugins_manager
from airflow.sdk import plugins_manager as of_tasks
found = [[plugin.name for plugin in manager._get_plugins()[0]] for manager in (plugins_manager, of_tasks)]
paths = [app["url_prefix"] for app in plugins_manager.get_fastapi_plugins()[0]]
print(json.dumps([found, paths, plugins_manager._get_plugins()[1]]))
"""


@pytest.mark.parametrize("folder", [None, CHECKOUT / "plugins"], ids=["not_set", "of_the_checkout"])
def test_the_plugin_is_registered_once_with_and_without_a_plugins_folder(folder: Path | None, tmp_path: Path) -> None:
    """The image and the stack set none; a deployment from before the entry point sets the checkout's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MAGODOO"))}
    environment = kept | {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    if folder is not None:
        environment["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(folder)
    command = [sys.executable, "-c", LOADED, "api-server"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found, paths, errors = json.loads(done.stdout.strip().splitlines()[-1])
    assert [names.count("magodoo") for names in found] == [1, 1]
    assert (paths.count("/magento"), errors) == (1, {})


def tasks(bag: Any) -> Iterator[tuple[str, str, Any]]:
    for dag_id, dag in bag["dags"].items():
        for task_id, task in dag["tasks"].items():
            yield dag_id, task_id, task


def test_every_task_outlives_a_worker_or_an_execution_api_that_is_away_for_half_an_hour(bag: Any) -> None:
    """A lost process counts as a try: without another one its part of the orders would fail the whole run. A question waits for its answer."""
    impatient = {
        f"{dag_id.partition('__')[0]}.{task_id}": task["class"]
        for dag_id, task_id, task in tasks(bag)
        if task["patience"] < 30 * 60 or task["policy"] not in ("ByErrorClass", "ExceptionRetryPolicy")
    }
    assert impatient == {}


def test_a_transient_failure_is_retried_in_mapped_and_plain_tasks(bag: Any) -> None:
    of_chain = {
        f"{dag_id.partition('__')[0]}.{task_id}": (task["retries"], task["limit"])
        for dag_id, task_id, task in tasks(bag)
        if dag_id.partition("__")[0] in PER_INSTANCE - {"sales_approval"}
        and task["class"].endswith(
            ("ExtractOperator", "ReconcileOperator", "SummaryOperator", "LoadedOperator", "StatementOperator")
        )
    }
    assert {
        "magento_extract.extract",
        "sales_reconcile.reconcile",
        "sales_statement.statement",
        "sales_load.loaded",
    } <= set(of_chain)
    assert [name for name, patience in of_chain.items() if patience != (7, 7200)] == []


def test_every_file_imports(bag: Any) -> None:
    assert bag["errors"] == {}


def test_no_step_but_the_checks_imports_great_expectations() -> None:
    """It takes seconds, and memory of every process of the api-server."""
    steps = sorted(
        f"magodoo.pipeline.{file.stem}" for file in (CHECKOUT / "include" / "magodoo" / "pipeline").glob("[a-z]*.py")
    )
    steps.remove("magodoo.pipeline.quality")
    code = f"import importlib, sys; [importlib.import_module(name) for name in {steps}]; print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_each_valid_instance_has_its_dags_and_an_invalid_one_has_none(bag: Any) -> None:
    expected = {f"{name}__{instance}" for name in PER_INSTANCE for instance in ("us", "de")}
    checked = {f"preflight__{instance}" for instance in ("us", "de", "broken")}
    assert set(bag["dags"]) == expected | checked | {"sales_upkeep", "setup"}


def test_what_a_dag_does_by_hand_concerns_the_instance_in_its_name_only(bag: Any) -> None:
    """Who may trigger the DAGs of one instance acts for no other: no form chooses one, and no task triggers another's DAG."""
    for dag_id, dag in bag["dags"].items():
        assert "instance" not in dag["params"], dag_id
        own = dag_id.partition("__")[2]
        for task_id, task in dag["tasks"].items():
            triggered = task["triggers"]
            assert triggered is None or triggered.endswith(f"__{own}"), (dag_id, task_id)


def test_ids_that_are_none_take_no_dag_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from magodoo_airflow.schedule import names

    file = tmp_path / "magodoo.yaml"
    file.write_text(SETTINGS + "  'no id / at all': {magento_connection: shop}\n  UPPER: {magento_connection: shop}\n")
    monkeypatch.setenv("MAGODOO_SETTINGS", str(file))
    assert names() == ["us", "de", "broken"]
    file.write_text("[")
    assert names() == []


def test_files_parse_without_heavy_packages(bag: Any) -> None:
    assert bag["heavy"] == []


def test_every_dag_has_a_description_and_tags(bag: Any) -> None:
    for dag_id, dag in bag["dags"].items():
        assert len(dag["doc"].strip()) > 80, dag_id
        assert "magodoo" in dag["tags"], dag_id
        if "__" in dag_id:
            assert dag_id.rsplit("__", 1)[1] in dag["tags"], dag_id


def test_scheduled_dags_catch_nothing_up_and_run_one_at_a_time(bag: Any) -> None:
    for dag_id, dag in bag["dags"].items():
        assert dag["catchup"] is False, dag_id
        if "__" in dag_id:
            assert dag["max_active_runs"] == 1, dag_id


def test_every_templated_field_is_an_attribute(bag: Any) -> None:
    missing = {f"{dag_id}.{task_id}": task["missing"] for dag_id, task_id, task in tasks(bag) if task["missing"]}
    assert missing == {}


def test_tasks_that_call_a_system_wait_in_its_pool(bag: Any) -> None:
    assert {task["pool"] for _, _, task in tasks(bag)} <= POOLS
    for dag_id, task_id, task in tasks(bag):
        if "_extract__" in dag_id:
            assert task["pool"] == f"magodoo_{dag_id.split('_')[0]}"
        if dag_id.startswith("sales_load__") and task_id.startswith(("odoo_", "magento_")):
            assert task["pool"] == f"magodoo_{task_id.split('_')[0]}"


def test_a_dag_that_is_started_by_hand_is_not_paused(bag: Any) -> None:
    for dag_id in ("sales_backfill__us", "preflight__us", "setup"):
        assert bag["dags"][dag_id]["paused"] is False
    assert bag["dags"]["sales_load__us"]["paused"] is True


def test_the_backfill_form_asks_for_window_documents_and_dry_run(bag: Any) -> None:
    form = bag["dags"]["sales_backfill__us"]["params"]
    assert "instance" not in form
    assert form["from"]["format"] == form["to"]["format"] == "date-time"
    assert form["documents"]["items"]["enum"] == list(backfill.DOCUMENTS)
    assert form["dry_run"]["type"] == "boolean"


def test_the_backfill_reports_progress_after_each_chunk_and_a_summary_at_the_end(bag: Any) -> None:
    steps = bag["dags"]["sales_backfill__us"]["tasks"]
    chunk = [f"chunk.{name}" for name in ("magento", "odoo", "reconcile", "progress")]
    assert [steps[name]["at_once"] for name in chunk] == [1, 1, 1, 1]
    assert {"chunk.magento", "chunk.odoo"} <= set(steps["chunk.reconcile"]["upstream"])
    assert "chunk.reconcile" in steps["chunk.progress"]["upstream"]
    assert steps["quality"]["upstream"] == ["chunk.progress"]
    assert steps["load"]["upstream"] == ["quality"]
    assert steps["load"]["conf"] == {"dry_run": "{{ params.dry_run }}"}
    assert steps["report"]["upstream"] == ["load"]
    assert steps["quality"]["paused"] and steps["load"]["paused"]


# The window of a run

INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o", schedule="0 * * * *")


def run(run_type: str = "manual", partition_key: str | None = None, **conf: Any) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(run_type=run_type, conf=conf), "partition_key": partition_key}


@pytest.mark.parametrize(
    "context",
    [
        run("scheduled", "2026-11-22T10:00"),
        run("manual"),
        run("manual", "2026-11-22T10:00"),
        run("asset_triggered", "2026-11-22T10:00"),
        run("manual", dry_run=True),
    ],
)
def test_a_run_without_a_window_reads_from_the_watermark(context: dict[str, Any]) -> None:
    from magodoo_airflow.operators.windows import window_of

    assert window_of(context, INSTANCE) is None


@pytest.mark.parametrize("module", ["airflow.utils.types", "airflow.sdk.api.datamodels._generated"])
def test_a_run_of_airflows_own_backfill_reads_its_partition(module: str) -> None:
    """Its servers and its tasks have an enum each, which say their words differently."""
    from magodoo_airflow.operators.windows import window_of

    context = run(importlib.import_module(module).DagRunType("backfill"), "2026-11-22T10:00")
    assert window_of(context, INSTANCE) == Window(
        datetime(2026, 11, 22, 10, tzinfo=UTC), datetime(2026, 11, 22, 11, tzinfo=UTC)
    )


def test_a_window_in_the_conf_comes_before_everything_else() -> None:
    from magodoo_airflow.operators.windows import kinds_of, window_of

    conf = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T01:00:00+01:00", "documents": ["invoice"]}
    for run_type in ("manual", "operator_triggered", "backfill"):
        context = run(run_type, "2026-11-22T10:00", **conf)
        assert window_of(context, INSTANCE) == Window(
            datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
        )
        assert kinds_of(context) == ["invoice"]
    assert kinds_of(run()) is None


@pytest.mark.parametrize(
    "conf",
    [
        {"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"},
        {"from": "2026-11-01T00:00:00Z"},
        {"to": "2026-11-01T00:00:00Z"},
        {"from": "yesterday", "to": "today"},
    ],
)
def test_half_a_window_or_one_that_runs_backwards_is_refused(conf: dict[str, str]) -> None:
    with pytest.raises(BadSettings):
        from_conf(conf)


def test_partitions_join_without_gap_or_overlap_when_clocks_change() -> None:
    moments = [datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(minutes=15 * number) for number in range(24)]
    windows = [from_partition(f"{moment:%Y-%m-%dT%H:%M}", "*/15 * * * *") for moment in moments]
    assert all(earlier.end == later.begin for earlier, later in pairwise(windows))
