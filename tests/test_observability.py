"""Metrics arrive by UDP from a real run of an operator; lineage, deadlines, the dashboard and the alert rules fit what is sent."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
import yaml
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
from shop_and_books import ShopAndBooks
from sqlalchemy import text

from magodoo.errors import Unavailable

CHECKOUT = Path(__file__).resolve().parents[1]
OBSERVABILITY = CHECKOUT / "deploy" / "observability"


class Receiver:
    """A StatsD server's socket: what arrived, as `name,tags` with the last value."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.3)
        self.port = self.socket.getsockname()[1]

    def packets(self) -> list[str]:
        found = []
        try:
            while True:
                found += self.socket.recv(65536).decode().splitlines()
        except TimeoutError:
            return found


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    made = Receiver()
    for name, value in (("ON", "True"), ("HOST", "127.0.0.1"), ("PORT", str(made.port)), ("INFLUXDB_ENABLED", "True")):
        monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{name}", value)
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)  # as Airflow does at the start of a task
    yield made
    made.socket.close()
    monkeypatch.undo()
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)


@pytest.fixture
def connected(pair: ShopAndBooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShopAndBooks:
    """The connections and the settings file that an operator finds."""
    instance = pair.instance.model_dump(mode="json", exclude={"id"}, exclude_unset=True)
    instance["recipients"] = {"it": ["it@example.com"]}
    (tmp_path / "magodoo.yaml").write_text(yaml.safe_dump({"instances": {"us": instance}}))
    monkeypatch.setenv("MAGODOO_SETTINGS", str(tmp_path / "magodoo.yaml"))
    magento = {
        "conn_type": "magento",
        "host": pair.magento.url,
        "password": pair.magento.token,
        "extra": {"auth": "bearer"},
    }
    odoo = {"conn_type": "odoo", "host": pair.odoo.url, "schema": pair.odoo.db.name, "password": "sync-key"}
    staged = {"conn_type": "postgres", "host": pair.engine.url.host, "port": pair.engine.url.port, "login": pair.engine.url.username,
              "password": pair.engine.url.password, "schema": pair.engine.url.database}  # fmt: skip
    nobody = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": 9,
        "extra": {"disable_ssl": True, "disable_tls": True, "retry_limit": 1},
    }
    for name, values in (
        ("smtp_default", nobody), (pair.instance.magento_connection, magento), (pair.instance.odoo_connection, odoo), ("magodoo_staging", staged)
    ):  # fmt: skip
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(values))
    return pair


def context(**more: Any) -> dict[str, Any]:
    return {"run_id": "test", "partition_key": "2026-11-24T10:00",
            "dag_run": SimpleNamespace(conf={}, run_type="manual"), **more}  # fmt: skip


def test_a_run_of_tasks_sends_its_metrics(connected: ShopAndBooks, receiver: Receiver) -> None:
    from magodoo_airflow.operators.chain import ExtractOperator, ReconcileOperator

    order = connected.shop.place_order(_cart(), payment="banktransfer")
    connected.shop.invoice(order)
    for side in ("magento", "odoo"):
        ExtractOperator(task_id="extract", instance="us", side=side).execute(context())
    ReconcileOperator(task_id="reconcile", instance="us").execute(context())

    told = receiver.packets()
    sent = {re.sub(r":[-\d.]+\|\w+.*", "", packet): packet for packet in told}
    assert any(name.startswith("airflow.magodoo.step,") and "stage=extract" in name for name in sent)
    assert _value(told, "airflow.magodoo.invoice_read", stage="extract") >= 1
    assert _value(told, "airflow.magodoo.documents", side="magento", kind="invoice") >= 1
    assert _value(told, "airflow.magodoo.findings", type="missing_in_odoo") >= 1
    assert _value(told, "airflow.magodoo.changes", state="planned") >= 1
    assert _value(told, "airflow.magodoo.changes", state="uncertain") == 0
    assert 0 <= _value(told, "airflow.magodoo.watermark_lag_seconds", side="magento", kind="invoice") < 600
    for system in ("magento", "odoo"):
        assert _value(told, "airflow.magodoo.requests", system=system) >= 1
        assert _value(told, "airflow.magodoo.request_milliseconds", system=system) >= 1


def test_a_failed_task_sends_the_class_of_its_error(connected: ShopAndBooks, receiver: Receiver) -> None:
    from magodoo_airflow.operators.chain import ExtractOperator

    connected.magento.faults.add("status", path=".*", status=503, times=50)
    try:
        with pytest.raises(Unavailable):
            ExtractOperator(task_id="extract", instance="us", side="magento").execute(context())
    finally:
        connected.magento.faults.clear()
    assert _value(receiver.packets(), "airflow.magodoo.failures", stage="extract") == 1


def test_lines_that_are_logged_carry_instance_and_window(
    connected: ShopAndBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    from magodoo_airflow.operators.chain import ExtractOperator

    seen: list[dict[str, Any]] = []
    operator = ExtractOperator(task_id="extract", instance="us", side="magento")
    monkeypatch.setattr(
        operator, "run_step", lambda pipeline, context: seen.append(structlog.contextvars.get_contextvars()) or {}
    )
    operator.execute(context())
    assert seen[0]["instance"] == "us"
    assert seen[0]["window"] == "2026-11-24T10:00"
    assert "instance" not in structlog.contextvars.get_contextvars()


def test_lineage_names_systems_tables_and_counts() -> None:
    from magodoo_airflow.operators.chain import ExtractOperator
    from magodoo_airflow.operators.changes import OdooInvoiceOperator

    task = SimpleNamespace(xcom_pull=lambda task_ids: {"invoice": {"read": 3}})
    read = ExtractOperator(task_id="extract", instance="us", side="magento").get_openlineage_facets_on_complete(task)
    assert [each.namespace for each in read.inputs] == ["magento://us"]
    assert "magodoo.document" in {each.name for each in read.outputs}
    assert read.run_facets["magodoo"].counts == {"invoice": {"read": 3}}
    written = OdooInvoiceOperator(task_id="odoo_invoice", instance="us").get_openlineage_facets_on_complete(task)
    assert "odoo://us" in {each.namespace for each in written.outputs}


def test_a_late_window_is_mailed_to_it_once_and_counted(connected: ShopAndBooks, receiver: Receiver) -> None:
    from magodoo_airflow.deadlines import late_window

    run = {"dag_id": "magento_extract__us", "dag_run_id": "scheduled__1", "partition_key": "2026-11-24T10:00"}
    for _ in range(2):
        late_window("us", 90, context={"dag_run": run})
    with connected.engine.connect() as connection:
        rows = connection.execute(text("select subject, plain, recipients from mail where topic = 'late'")).all()
    assert [row.recipients for row in rows] == [["it@example.com"]]
    assert "magento_extract__us" in rows[0].plain and "90 minutes" in rows[0].plain
    assert _value(receiver.packets(), "airflow.magodoo.late_windows", instance="us", dag="magento_extract") == 1


def test_every_dag_of_the_chain_has_its_deadline_and_airflow_can_store_it(
    connected: ShopAndBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    from magodoo_airflow.schedule import dag_defaults

    dag = DAG(dag_id="x", schedule=None, **dag_defaults(connected.instance, "extract"))
    told = json.dumps(DagSerialization.serialize_dag(dag), default=str)
    assert "magodoo_airflow.deadlines.late_window" in told


def test_dashboard_and_alert_rules_use_metrics_that_are_sent() -> None:
    from magodoo_airflow import metrics

    dashboard = json.loads((OBSERVABILITY / "grafana-dashboard.json").read_text())
    rules = yaml.safe_load((OBSERVABILITY / "prometheus-rules.yaml").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    named = {name for expression in asked for name in re.findall(r"airflow_magodoo_(\w+?)(?:_total)?\b", expression)}
    counted = {"requests", "requests_repeated", "request_milliseconds", "failures", "step", "applied", "late_windows"}
    assert named and named <= set(metrics.GAUGES) | counted
    for group in rules["groups"]:
        assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in group["rules"])


needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (apt-get install prometheus)"
)


@needs_promtool
def test_prometheus_itself_reads_the_rules_and_the_dashboards_questions(tmp_path: Path) -> None:
    dashboard = json.loads((OBSERVABILITY / "grafana-dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked = [re.sub(r"\$__\w+", "5m", each).replace("$instance", "us") for each in asked]
    rules = [{"record": f"asked_{number}", "expr": each} for number, each in enumerate(asked)]
    (tmp_path / "dashboard.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    for file in (OBSERVABILITY / "prometheus-rules.yaml", tmp_path / "dashboard.yaml"):
        _promtool("check", "rules", str(file))


@needs_promtool
def test_an_alert_fires_for_what_it_names_and_not_before_its_time(tmp_path: Path) -> None:
    series = [
        {"series": 'airflow_magodoo_watermark_lag_seconds{instance="us",side="odoo"}', "values": "8000x120"},
        {"series": 'airflow_magodoo_changes{instance="us",state="uncertain"}', "values": "2x120"},
    ]
    summary = "us: nothing was read of odoo for two hours. Look at the DAG odoo_extract."
    late = {
        "exp_labels": {"instance": "us", "side": "odoo", "severity": "critical"},
        "exp_annotations": {"summary": summary},
    }
    asked = [
        {"eval_time": "5m", "alertname": "MagodooExtractLate", "exp_alerts": []},
        {"eval_time": "15m", "alertname": "MagodooExtractLate", "exp_alerts": [late]},
        {"eval_time": "90m", "alertname": "MagodooChangesFailed", "exp_alerts": []},
    ]
    tests = [{"interval": "1m", "input_series": series, "alert_rule_test": asked}]
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(OBSERVABILITY / "prometheus-rules.yaml")], "tests": tests}))
    _promtool("test", "rules", str(file))


def _promtool(*words: str) -> None:
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _value(packets: list[str], name: str, **tags: str) -> float:
    """The value of the last packet of that name with these tags."""
    for packet in reversed(packets):
        head, _, rest = packet.partition(":")
        found = head.split(",")
        if found[0] == name and all(f"{key}={value}" in found for key, value in tags.items()):
            return float(rest.split("|")[0])
    raise AssertionError(f"no {name} {tags} among {packets}")


def _cart() -> list[Any]:
    from magodoo_sandbox.magento import Line

    return [Line("SKU-001", 2)]
