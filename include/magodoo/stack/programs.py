"""The processes of the stack, as the process runner is told about them."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from magodoo.stack.environment import cluster_of
from magodoo.stack.layout import Layout
from magodoo.stack.state import State

AIRFLOW = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")


@dataclass(frozen=True)
class Program:
    """One process: its command line, its place in the order of stopping (highest first), the signal that stops it."""

    name: str
    command: tuple[str, ...]
    order: int = 100
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    whole_group: bool = True


def programs(layout: Layout, state: State) -> list[Program]:
    """Every program of this checkout; the sandbox systems only where a shop has been seeded."""
    airflow = layout.program("airflow")
    found = [
        # SIGINT is PostgreSQL's fast shutdown; its children are its own to stop
        Program("postgres", tuple(cluster_of(layout, state).command()), 1, "INT", 20, whole_group=False),
        Program("mail", _module("magodoo.stack.mail", "--port", state.ports["smtp"], "--folder", layout.mail), 10),
    ]
    if (layout.demo / "magento.json").exists():
        found += _sandbox(layout, state)
    return [
        *found,
        Program("airflow-api-server", (airflow, "api-server"), 20),
        Program("airflow-scheduler", (airflow, "scheduler", "--skip-serve-logs"), 50),
        Program("airflow-dag-processor", (airflow, "dag-processor"), 40),
        Program("airflow-triggerer", (airflow, "triggerer", "--skip-serve-logs"), 40),
    ]


def _sandbox(layout: Layout, state: State) -> list[Program]:
    magento = (
        "--port", state.ports["magento"], "--state", layout.demo / "magento.json",
        "--token", state.secrets.magento_token, "--key", state.secrets.control,
    )  # fmt: skip
    odoo = (
        "--port", state.ports["odoo"], "--state", layout.demo / "odoo.json",
        "--sync-key", state.secrets.odoo_key, "--admin-key", state.secrets.odoo_admin_key,
        "--key", state.secrets.control,
    )  # fmt: skip
    return [
        Program("sandbox-magento", _module("magodoo.sandbox.magento", *magento), 10),
        Program("sandbox-odoo", _module("magodoo.sandbox.odoo", *odoo), 10),
    ]


def _module(name: str, *words: object) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *map(str, words))
