"""The environment in which the stack's processes run: Airflow's configuration and connections, all by variable."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from magodoo_devstack.layout import MARK, Layout
from magodoo_devstack.odoo_package import OdooPackage
from magodoo_devstack.odoo_server import OdooServer
from magodoo_devstack.postgres import Cluster
from magodoo_devstack.state import State

WORKERS: dict[str, object] = {"execution_api_timeout": 60, "execution_api_retries": 10}
"""[workers], the same in docker-compose.yaml and deploy/helm/values.yaml: a busy execution API has a minute for an answer, and is asked for some
minutes before a try is lost. With Airflow's 5 seconds a task's start is asked for again while the first request is carried out, and the second is refused."""

ODOO_DATABASE = "odoo"  # the sandbox has one of this name as well


def cluster_of(layout: Layout, state: State) -> Cluster:
    """Return the stack's PostgreSQL."""
    return Cluster(layout.checkout, layout.postgres, state.ports["postgres"], state.secrets.postgres, not state.demo)


def odoo_of(layout: Layout, state: State) -> OdooServer:
    """Return the demo's real Odoo, over the stack's PostgreSQL."""
    return OdooServer(OdooPackage(layout.odoo), cluster_of(layout, state), state.ports["odoo"])


def environment(layout: Layout, state: State) -> dict[str, str]:
    """Return the caller's environment without variables that would affect Airflow, with those that the stack needs."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTEST_"))
    }
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return kept | _process(layout, state) | _airflow(layout, state) | _connections(state)


def _process(layout: Layout, state: State) -> dict[str, str]:
    loopback = "localhost,127.0.0.1,::1"
    proxies = {"NO_PROXY": loopback, "no_proxy": loopback}
    if sys.platform == "darwin":  # forked tasks would query the system's proxies and crash
        proxies = {"NO_PROXY": "*", "no_proxy": "*", "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"}
    return proxies | {
        MARK: layout.mark,
        "SPT_NOENV": "1",  # keeps the mark readable when a process changes its title
        "MAGODOO_SETTINGS": str(state.settings or layout.default_settings(demo=state.demo)),
        "MAGODOO_UI_URL": state.urls.get("airflow", ""),
        "MAGODOO_VAR": str(layout.var),
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
    }


def _airflow(layout: Layout, state: State) -> dict[str, str]:
    """Tuned for two cores and short runs (docs/facts/airflow-3.3.md#3)."""
    options: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": layout.checkout / "dags",
            "executor": "LocalExecutor",
            "parallelism": 6,
            "max_active_tasks_per_dag": 6,
            "load_examples": False,
            "fernet_key": state.secrets.fernet,
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": "admin:admin,viewer:viewer",
            "simple_auth_manager_passwords_file": layout.airflow / "passwords.json",
            "execution_api_server_url": f"http://127.0.0.1:{state.ports['airflow']}/execution/",
            "test_connection": "Enabled",
        },
        "database": {"sql_alchemy_conn": cluster_of(layout, state).url("airflow"), "load_default_connections": False},
        "api": {
            "host": "127.0.0.1",
            "port": state.ports["airflow"],
            "base_url": state.urls["airflow"],
            "workers": 1,
            "secret_key": state.secrets.session,
        },
        "api_auth": {"jwt_secret": state.secrets.jwt},
        "workers": WORKERS,
        "scheduler": {"scheduler_idle_sleep_time": 0.2, "enable_health_check": False, "parsing_cleanup_interval": 300},
        "dag_processor": {"refresh_interval": 10, "min_file_process_interval": 30, "bundle_refresh_check_interval": 2},
        "logging": {"base_log_folder": layout.airflow / "logs"},
        "usage_data_collection": {"enabled": False},
    }
    named = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
        for section, values in options.items()
        for name, value in values.items()
    }
    return {"AIRFLOW_HOME": str(layout.airflow)} | named


def _connections(state: State) -> dict[str, str]:
    connections = {
        "magodoo_staging": {
            "conn_type": "postgres",
            "host": "127.0.0.1",
            "port": state.ports["postgres"],
            "login": "magodoo",
            "password": state.secrets.postgres,
            "schema": "magodoo",
        },
        "magento_demo": {
            "conn_type": "magento",
            "host": state.urls["magento"],
            "password": state.secrets.magento_token,
            "extra": {"auth": "bearer"},
        },
        "odoo_demo": {
            "conn_type": "odoo",
            "host": state.urls["odoo"],
            "schema": ODOO_DATABASE,
            "login": "sync",
            "password": state.secrets.odoo_key,
            "extra": {"company_id": 1},
        },
        "smtp_default": {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": state.ports["smtp"],
            "extra": {
                "disable_ssl": True,
                "disable_tls": True,
                "from_email": "magodoo@example.com",
                "retry_limit": 2,
                "timeout": 20,
            },
        },
    }
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(values) for name, values in connections.items()}


def write_logins(layout: Layout, state: State) -> None:
    """Write SimpleAuthManager's passwords before it generates its own."""
    layout.airflow.mkdir(parents=True, exist_ok=True)
    file = layout.airflow / "passwords.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"admin": state.secrets.admin, "viewer": state.secrets.viewer}))
