"""The story of the Celery test: a shop's orders through the chain on two workers, one of which dies while it writes."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml
from compose_figures import Memory
from compose_stack import ComposeStack, wait_until
from faults import history
from faults.stage import POLICY
from load_lab import Lab, lab
from sqlalchemy import text

from magodoo_devstack import ports
from magodoo_devstack.airflow import Api

CHAIN = tuple(
    f"{name}__us" for name in ("magento_extract", "odoo_extract", "sales_reconcile", "sales_quality", "sales_load")
)
MOST_ROUNDS = 8
LONGEST = 7200  # seconds of one run: 2,400 were not enough for 2,000 orders on two cores at a load of 50
PATIENCE = {
    "settle_seconds": 900,
    "lease_seconds": 1200,
}  # preflight lets nothing shorter write; the test lets the time pass


@dataclass(frozen=True)
class Ports:
    """Where the sandboxes and the mail server will answer; known before they are started."""

    magento: int
    odoo: int
    mail: int

    @classmethod
    def free(cls) -> Ports:
        return cls(*(ports.any_free() for _ in range(3)))

    def connections(self) -> dict[str, str]:
        """The variables of Airflow's connections to them."""
        plain = {"disable_ssl": True, "disable_tls": True, "from_email": "magodoo@example.com"}
        magento = {
            "conn_type": "magento",
            "host": f"http://127.0.0.1:{self.magento}",
            "password": "t",
            "extra": {"auth": "bearer"},
        }
        odoo = {
            "conn_type": "odoo", "host": f"http://127.0.0.1:{self.odoo}", "schema": "odoo", "login": "sync", "password": "sync-key",
            "extra": {"company_id": 1},
        }  # fmt: skip
        mail = {"conn_type": "smtp", "host": "127.0.0.1", "port": self.mail, "extra": plain}
        return {
            "AIRFLOW_CONN_M": json.dumps(magento), "AIRFLOW_CONN_O": json.dumps(odoo), "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(mail)
        }  # fmt: skip


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
    memory: Memory


def systems(stack: ComposeStack, places: Ports) -> Any:
    """Both systems, as a context that gives a Lab."""
    url = stack.cluster.url("magodoo")
    return lab(
        url,
        magento_port=places.magento,
        odoo_port=places.odoo,
        token="t",
        recipients={"it": ["it@example.com"]},
        quality={"late_minutes": 1},  # so that some run is late
        **{**POLICY, **PATIENCE},
    )


def run_chain(stack: ComposeStack, made: Lab, memory: Memory, orders: int) -> Told:
    """All orders are there at once; the chain runs until nothing is open. A third of the invoices in, a worker dies."""
    dice = random.Random(9)
    histories = [history.led_by_magento(made, dice) for _ in range(orders)]
    instance = made.instance.model_dump(mode="json", exclude={"id"}, exclude_unset=True)
    settings = {"orders_per_task": max(orders // 8, 5), "instances": {"us": instance}}
    (stack.folder / "shared" / "demo" / "magodoo.yaml").write_text(yaml.safe_dump(settings))
    api, began = stack.api, time.monotonic()
    api.wait_healthy(600)
    api.wait_for_dags({"sales_load__us", "sales_reconcile__us"}, seconds=600)
    api.switch_on(reversed(CHAIN))
    runs = [_run(api, name) for name in CHAIN[:-1]]
    runs.append((CHAIN[-1], api.trigger(CHAIN[-1])))
    killed = _kill_the_loader(stack, made, orders // 3, runs[-1])
    wait_until(lambda: _taken_up(api, killed), LONGEST, "the dead worker's task at the other")
    stack.start("airflow-worker", killed["worker"])  # as its restart policy would
    wait_until(lambda: api.run(*runs[-1]).finished, LONGEST, "load after the kill")
    open_ones, rounds = _open(made), 0
    while open_ones and rounds < MOST_ROUNDS:
        rounds += 1
        with made.engine.begin() as connection:  # what would wait for a dead worker's lease waits no longer
            passed = "lease_until = now() - interval '1 s', not_before = least(not_before, now() - interval '1 s')"
            connection.execute(text(f"update change set {passed} where state in ('leased', 'uncertain')"))
            connection.execute(text("update order_lease set until = now() - interval '1 s'"))
        runs += [_run(api, name) for name in CHAIN]
        open_ones = _open(made)
    tasks = [task for name in CHAIN for task in _tasks(api, name)]
    return Told(stack, made, histories, killed, tasks, open_ones, rounds, time.monotonic() - began, memory)


def _run(api: Api, dag_id: str) -> tuple[str, str]:
    run_id = api.trigger(dag_id)
    api.wait(dag_id, run_id=run_id, seconds=LONGEST)
    return dag_id, run_id


def _tasks(api: Api, dag_id: str) -> list[dict[str, Any]]:
    """All task instances of all runs, the latest first."""
    found: list[dict[str, Any]] = []
    while True:
        params = {"limit": 100, "offset": len(found), "order_by": "-start_date"}
        page = api.call("GET", f"dags/{dag_id}/dagRuns/~/taskInstances", params=params)
        found += page["task_instances"]
        if not page["task_instances"] or len(found) >= page["total_entries"]:
            return found


def _kill_the_loader(stack: ComposeStack, made: Lab, enough: int, load: tuple[str, str]) -> dict[str, Any]:
    """Beyond `enough` invoices in Odoo, the worker that writes at that moment is gone from one moment to the next."""

    def writing() -> dict[str, Any] | None:
        assert not stack.api.run(*load).finished, "the load ended before a worker was seen writing: take more orders"
        if len(made.db.call("account.move", "search", domain=[["move_type", "=", "out_invoice"]])) <= enough:
            return None
        running = [task for task in _tasks(stack.api, CHAIN[-1]) if task["state"] == "running"]
        return next((task for task in running if task["task_id"].startswith("odoo_") and _leased(made)), None)

    task = wait_until(writing, LONGEST, "a worker that writes, after so many invoices")
    stack.kill(task["hostname"])
    return {"worker": task["hostname"], "task": task["task_id"], "leased": _leased(made), "at": datetime.now(UTC)}


def _taken_up(api: Api, killed: dict[str, Any]) -> bool:
    again = [task for task in _tasks(api, CHAIN[-1]) if task["task_id"] == killed["task"] and task["try_number"] > 1]
    return any(
        task["hostname"] not in ("", None, killed["worker"]) and task["start_date"]
        for task in again
        if task["state"] in ("running", "success")
    )


def _leased(made: Lab) -> int:
    with made.engine.connect() as connection:
        return int(connection.execute(text("select count(*) from change where state = 'leased'")).scalar_one())


def _open(made: Lab) -> list[str]:
    statement = (
        "select kind || ' of order ' || order_number || ' is ' || state || ': ' || coalesce(reason, '') from change"
        " where state in ('planned', 'approved', 'leased', 'uncertain', 'failed')"
    )
    with made.engine.connect() as connection:
        return list(connection.scalars(text(statement)))
