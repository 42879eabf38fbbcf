"""The pages' connections to staging: the same Airflow connection that the DAGs use, in two pools, so that files never wait for pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from airflow.models import Connection as AirflowConnection
from sqlalchemy import Connection, Engine

from magodoo.settings.read import read_with_problems
from magodoo.staging import connect
from magodoo_airflow.pages.limits import EXPORTS, PAGES

LONGEST_QUERY = "20s"
LONGEST_EXPORT = "10min"
_IDLE = 5  # connections that stay open


@contextmanager
def staging() -> Iterator[Connection]:
    """Open one transaction; a query that takes longer than LONGEST_QUERY is cancelled."""
    with _transaction(engine(), LONGEST_QUERY) as connection:
        yield connection


@contextmanager
def staging_for_exports() -> Iterator[Connection]:
    """Open one transaction that reads a file's content; a query that takes longer than LONGEST_EXPORT is cancelled."""
    with _transaction(export_engine(), LONGEST_EXPORT) as connection:
        yield connection


@contextmanager
def _transaction(engine: Engine, longest: str) -> Iterator[Connection]:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"set local statement_timeout = '{longest}'")
        connection.exec_driver_sql("set local jit = off")
        yield connection


@cache
def engine() -> Engine:
    """Return the engine of this process for pages: as many connections as there are pages at once, so that none waits for one."""
    return _engine(_IDLE, PAGES)


@cache
def export_engine() -> Engine:
    """Return the engine of this process for files to download."""
    return _engine(1, EXPORTS)


def _engine(idle: int, most: int) -> Engine:
    name = read_with_problems().settings.staging_connection
    # The SDK's Connection queries the task's supervisor, which the api-server does not have.
    known = AirflowConnection.get_connection_from_secrets(name)  # noqa: AIR311
    return connect(known.get_uri(), pool_size=idle, max_overflow=most - idle, pool_timeout=1)
