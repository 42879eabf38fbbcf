"""The pages' connection to staging: the same Airflow connection that the DAGs use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from airflow.models import Connection as AirflowConnection
from sqlalchemy import Connection, Engine

from magodoo.settings.read import read_with_problems
from magodoo.staging import connect

LONGEST_QUERY = "20s"


@contextmanager
def staging() -> Iterator[Connection]:
    """Open one transaction; a query that takes longer than LONGEST_QUERY is cancelled."""
    with engine().begin() as connection:
        connection.exec_driver_sql(f"set local statement_timeout = '{LONGEST_QUERY}'")
        connection.exec_driver_sql("set local jit = off")
        yield connection


@cache
def engine() -> Engine:
    """Return the engine of this process."""
    name = read_with_problems().settings.staging_connection
    # The SDK's Connection queries the task's supervisor, which the api-server does not have.
    known = AirflowConnection.get_connection_from_secrets(name)  # noqa: AIR311
    return connect(known.get_uri(), pool_size=5, max_overflow=5)
