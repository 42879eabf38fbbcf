"""The processes of the stack, as the process runner starts them."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from magodoo_devstack.environment import ODOO_DATABASE, cluster_of, odoo_of
from magodoo_devstack.layout import Layout
from magodoo_devstack.state import State

ODOO = "odoo"  # a real one
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
    variables: tuple[
        tuple[str, str], ...
    ] = ()  # beside the environment of all; secrets are here, as everybody may read a command line


def programs(layout: Layout, state: State) -> list[Program]:
    """Every program of this checkout; the demo's systems only if they have been seeded."""
    airflow = layout.program("airflow")
    found = [
        # SIGINT is PostgreSQL's fast shutdown; it stops its own children
        Program("postgres", tuple(cluster_of(layout, state).command()), 1, "INT", 20, whole_group=False),
        Program("mail", _module("magodoo_devstack.mail", "--port", state.ports["smtp"], "--folder", layout.mail), 10),
    ]
    if (layout.demo / "magento.json").exists():
        found += [_magento(layout, state), _real_odoo(layout, state) if state.odoo_build else _odoo(layout, state)]
    return [
        *found,
        Program("airflow-api-server", (airflow, "api-server"), 20),
        Program("airflow-scheduler", (airflow, "scheduler", "--skip-serve-logs"), 50),
        Program("airflow-dag-processor", (airflow, "dag-processor"), 40),
        Program("airflow-triggerer", (airflow, "triggerer", "--skip-serve-logs"), 40),
    ]


def _magento(layout: Layout, state: State) -> Program:
    words = ("--port", state.ports["magento"], "--state", layout.demo / "magento.json")
    keys = (("MAGODOO_SANDBOX_TOKEN", state.secrets.magento_token), ("MAGODOO_SANDBOX_KEY", state.secrets.control))
    return Program("sandbox-magento", _module("magodoo_sandbox.magento", *words), 10, variables=keys)


def _odoo(layout: Layout, state: State) -> Program:
    words = ("--port", state.ports["odoo"], "--state", layout.demo / "odoo.json")
    keys = (
        ("MAGODOO_SANDBOX_SYNC_KEY", state.secrets.odoo_key),
        ("MAGODOO_SANDBOX_ADMIN_KEY", state.secrets.odoo_admin_key),
        ("MAGODOO_SANDBOX_KEY", state.secrets.control),
    )
    return Program("sandbox-odoo", _module("magodoo_sandbox.odoo", *words), 10, variables=keys)


def _real_odoo(layout: Layout, state: State) -> Program:
    server = odoo_of(layout, state)
    return Program(ODOO, tuple(server.serve_command(ODOO_DATABASE)), 10, variables=tuple(server.variables().items()))


def _module(name: str, *words: object) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *map(str, words))
