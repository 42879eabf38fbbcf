"""Airflow as docker-compose.yaml describes it, with two Celery workers of which one is killed in the middle of a load.

`make test-celery`; needs redis-server (Debian's package). MAGODOO_CELERY_ORDERS says how many orders (2,000).
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiosmtpd.controller import Controller
from compose_stack import AIRFLOW, ComposeStack, redis_is_there, wait_until
from faults import checker, history
from faults.stage import POLICY
from load_lab import Lab, lab, provisioned
from sqlalchemy import text

from magodoo.stack import ports
from magodoo.stack.airflow import Api
from magodoo.stack.mail import Keeper
from magodoo.stack.postgres import Cluster

ORDERS = int(os.environ.get("MAGODOO_CELERY_ORDERS", "2000"))
WORKERS = ("worker1", "worker2")
MOST_ROUNDS = 8
PATIENCE = {
    "settle_seconds": 900,
    "lease_seconds": 1200,
}  # preflight lets nothing shorter write; the test lets the time pass

pytestmark = [
    pytest.mark.celery,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not redis_is_there(), reason="redis-server is not installed (apt-get install redis-server)"),
]


@dataclass
class Told:
    """The finished story, everything still running."""

    stack: ComposeStack
    lab: Lab
    histories: list[history.History]
    killed: dict[str, Any]
    tasks: list[dict[str, Any]]
    open_ones: list[str]
    rounds: int
    seconds: float


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, postgres: Cluster) -> Iterator[ComposeStack]:
    folder = tmp_path_factory.mktemp("compose")
    made = ComposeStack(
        folder,
        postgres,
        MAGODOO_DEMO_ORDERS="10",
        MAGODOO_SETTINGS="/opt/magodoo/shared/demo/magodoo.yaml",
        **_connections(),
    )
    made.make_databases()
    try:
        made.start("redis")
        made.healthy("redis")
        init = made.start("airflow-init")
        assert init.wait(240) == 0, made.log("airflow-init")[-3000:]
        for service in AIRFLOW:
            made.start(service)
        for worker in WORKERS:
            made.start("airflow-worker", worker)
        yield made
    finally:
        made.stop()


_PORTS: dict[str, int] = {}


def _connections() -> dict[str, str]:
    """The addresses of the sandboxes and of the mail server are known before they are started."""
    _PORTS.update(magento=ports.any_free(), odoo=ports.any_free(), mail=ports.any_free())
    plain = {"disable_ssl": True, "disable_tls": True, "from_email": "magodoo@example.com"}
    mail = {"conn_type": "smtp", "host": "127.0.0.1", "port": _PORTS["mail"], "extra": plain}
    magento = {
        "conn_type": "magento",
        "host": f"http://127.0.0.1:{_PORTS['magento']}",
        "password": "t",
        "extra": {"auth": "bearer"},
    }
    odoo = {
        "conn_type": "odoo", "host": f"http://127.0.0.1:{_PORTS['odoo']}", "schema": "odoo", "login": "sync", "password": "sync-key",
        "extra": {"company_id": 1},
    }  # fmt: skip
    return {
        "AIRFLOW_CONN_M": json.dumps(magento),
        "AIRFLOW_CONN_O": json.dumps(odoo),
        "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(mail),
    }


@pytest.mark.parametrize("service", AIRFLOW)
def test_the_command_runs_and_its_health_check_passes(stack: ComposeStack, service: str) -> None:
    stack.healthy(service)


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_answers_its_health_check(stack: ComposeStack, worker: str) -> None:
    stack.healthy("airflow-worker", worker)


@pytest.mark.parametrize("service", ["flower", "sandbox-magento", "sandbox-odoo"])
def test_the_optional_services_run(stack: ComposeStack, service: str) -> None:
    stack.start(service)
    stack.healthy(service)
    stack.kill(service)


def test_init_may_run_again_as_at_every_upgrade(stack: ComposeStack) -> None:
    assert stack.start("airflow-init", "init-again").wait(240) == 0, stack.log("init-again")[-3000:]
    pools = {pool["name"]: pool["slots"] for pool in stack.api.call("GET", "pools")["pools"]}
    assert pools["magodoo_magento"] == pools["magodoo_odoo"] == 2


def test_logins_are_fabs_and_a_wrong_password_is_refused(stack: ComposeStack) -> None:
    assert "sales_load__us" in stack.api.dags()
    with pytest.raises(Exception, match="refused the login"):
        Api(stack.api.url, "admin", "admin").dags()


@pytest.fixture(scope="module")
def told(stack: ComposeStack) -> Iterator[Told]:
    server = Controller(Keeper(stack.folder / "mail"), hostname="127.0.0.1", port=_PORTS["mail"])
    server.start()
    try:
        with _lab(stack) as made:
            yield _tell(stack, made)
    finally:
        server.stop()


def _lab(stack: ComposeStack) -> Any:
    url = stack.cluster.url("magodoo")
    return lab(
        url,
        provisioned(),
        magento_port=_PORTS["magento"],
        odoo_port=_PORTS["odoo"],
        token="t",
        **{**POLICY, **PATIENCE},
    )


def _tell(stack: ComposeStack, made: Lab) -> Told:
    dice = random.Random(9)
    histories = [history.led_by_magento(made, dice) for _ in range(ORDERS)]
    instance = made.instance.model_dump(mode="json", exclude={"id"})
    settings = {"orders_per_task": max(ORDERS // 8, 5), "instances": {"us": instance}}
    (stack.folder / "shared" / "demo" / "magodoo.yaml").write_text(yaml.safe_dump(settings))
    api, began = stack.api, time.monotonic()
    api.wait_healthy(180)
    api.wait_for_dags({"sales_load__us", "sales_reconcile__us"})
    for name in (
        "sales_load__us",
        "sales_quality__us",
        "sales_reconcile__us",
        "odoo_extract__us",
        "magento_extract__us",
    ):
        api.unpause(name)
    runs = [
        _run(api, name)
        for name in ("magento_extract__us", "odoo_extract__us", "sales_reconcile__us", "sales_quality__us")
    ]
    runs.append(("sales_load__us", api.trigger("sales_load__us")))
    killed = _kill_the_loader(stack, made, runs[-1])
    wait_until(lambda: api.run(*runs[-1]).finished, 1500, "load after the kill")
    stack.start("airflow-worker", killed["worker"])
    open_ones, rounds = _open(made), 0
    while open_ones and rounds < MOST_ROUNDS:
        rounds += 1
        with made.engine.begin() as connection:  # what would wait for a dead worker's lease waits no longer
            passed = "lease_until = now() - interval '1 s', not_before = least(not_before, now() - interval '1 s')"
            connection.execute(text(f"update change set {passed} where state in ('leased', 'uncertain')"))
            connection.execute(text("update order_lease set until = now() - interval '1 s'"))
        runs += [
            _run(api, f"{name}__us")
            for name in ("magento_extract", "odoo_extract", "sales_reconcile", "sales_quality", "sales_load")
        ]
        open_ones = _open(made)
    tasks = [task for name in ("sales_reconcile__us", "sales_load__us") for task in _tasks(api, name, "~")]
    return Told(stack, made, histories, killed, tasks, open_ones, rounds, time.monotonic() - began)


def _run(api: Api, dag_id: str) -> tuple[str, str]:
    run_id = api.trigger(dag_id)
    api.wait(dag_id, run_id=run_id, seconds=1500)
    return dag_id, run_id


def _tasks(api: Api, dag_id: str, run_id: str) -> list[dict[str, Any]]:
    listed = api.call(
        "GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", params={"limit": 100, "order_by": "-start_date"}
    )
    found: list[dict[str, Any]] = listed["task_instances"]
    return found


def _kill_the_loader(stack: ComposeStack, made: Lab, run: tuple[str, str]) -> dict[str, Any]:
    """When a third of the orders has an invoice in Odoo, the worker that writes them is gone from one moment to the next."""

    def enough() -> bool:
        return len(made.db.call("account.move", "search", domain=[["move_type", "=", "out_invoice"]])) > ORDERS // 3

    wait_until(enough, 1500, "a third of the invoices")
    running = [
        task for task in _tasks(stack.api, run[0], "~") if task["state"] == "running" and task["hostname"] in WORKERS
    ]
    task = running[0]
    stack.kill(task["hostname"])
    with made.engine.connect() as connection:
        leased = connection.execute(text("select count(*) from change where state = 'leased'")).scalar_one()
    return {"worker": task["hostname"], "task": task["task_id"], "leased": leased, "at": datetime.now(UTC)}


def _open(made: Lab) -> list[str]:
    statement = (
        "select kind || ' of order ' || order_number || ' is ' || state || ': ' || coalesce(reason, '') from change"
        " where state in ('planned', 'approved', 'leased', 'uncertain', 'failed')"
    )
    with made.engine.connect() as connection:
        return list(connection.scalars(text(statement)))


def test_a_worker_was_killed_while_it_held_changes(told: Told) -> None:
    assert told.killed["task"].startswith("odoo_")
    assert told.killed["leased"] > 0


def test_nothing_is_lost_doubled_or_wrong(told: Told) -> None:
    count = checker.check(told.lab, told.histories)
    assert (count.duplicates, count.lost, count.wrong_amount, count.lines) == (0, 0, 0, [])
    assert told.open_ones == []


def test_the_task_of_the_dead_worker_was_taken_up_by_the_other(told: Told) -> None:
    (again,) = [
        task for task in told.tasks
        if task["task_id"] == told.killed["task"] and task["state"] == "success"
        and datetime.fromisoformat(task["start_date"]) - told.killed["at"] < timedelta(minutes=5) and task["try_number"] > 1
    ]  # fmt: skip
    assert again["hostname"] in set(WORKERS) - {told.killed["worker"]}


def test_mapped_tasks_were_spread_over_both_workers(told: Told) -> None:
    mapped = [task for task in told.tasks if task["task_id"] == "reconcile" and task["map_index"] >= 0]
    assert {task["hostname"] for task in mapped} == set(WORKERS)


def test_the_figures_are_kept(told: Told) -> None:
    with told.lab.engine.connect() as connection:
        rows = connection.execute(text("select kind, state, count(*) from change group by 1, 2 order by 1, 2")).all()
    figures = {
        "orders": ORDERS, "seconds": round(told.seconds), "rounds_after_the_kill": told.rounds,
        "killed": {name: str(value) for name, value in told.killed.items()},
        "changes": {f"{row[0]} {row[1]}": row[2] for row in rows},
    }  # fmt: skip
    file = Path(__file__).resolve().parents[1] / "var" / "celery" / "summary.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures, indent=2) + "\n")
    assert sum(row[2] for row in rows if row[1] == "done") > ORDERS
