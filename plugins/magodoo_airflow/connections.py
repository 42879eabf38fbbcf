"""Airflow's connections for commands: whether there is an Airflow to look in, what it holds, and adding one to it."""

from __future__ import annotations

import json
import os
from typing import Any

_SIGNS = ("AIRFLOW_CONN_", "AIRFLOW__DATABASE__", "AIRFLOW__SECRETS__", "AIRFLOW_HOME")


def is_airflow_there() -> bool:
    """Return whether the environment names an Airflow: without one its connections are not looked for, which would make a database."""
    return any(name.startswith(_SIGNS) for name in os.environ)


def find_connections_as_servers_do() -> None:
    """Search connections in the metadata database too, which only Airflow's own processes do by default."""
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


def exists(connection: str) -> bool:
    """Return whether Airflow has a connection of this id."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    find_connections_as_servers_do()
    try:
        BaseHook.get_connection(connection)
    except AirflowException:
        return False
    return True


def may_be_kept() -> bool:
    """Return whether a connection can be added: Airflow's metadata database is known."""
    return any(name.startswith("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN") for name in os.environ)


def keep(connection: str, fields: dict[str, Any]) -> None:
    """Add a connection to Airflow's metadata database, encrypted as the form does it. One of this id must not be there."""
    from airflow.models.connection import Connection as Row
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(Row(conn_id=connection, **{**fields, "extra": json.dumps(fields["extra"])}))
