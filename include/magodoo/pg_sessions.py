"""Settings of every session of the staging database, however its engine is made: schema, UTC, and what somebody asks for besides.

An engine finds them by its URL (`seen_by_all`), so that those which a library makes have them as well.
"""

from __future__ import annotations

from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import URL, CreateEnginePlugin

SCHEMA = "magodoo"
PLUGIN = "magodoo_staging"
_SET_AT_START = (
    "set_at_start"  # in a connection's info: whether the server holds our settings as long as the connection lives
)
_REFUSED = "unsupported startup parameter"  # PgBouncer's words


def seen_by_all(url: URL, **more: str) -> URL:
    """A URL of which every engine, also one that a library makes, has our settings, and `more` of PostgreSQL's (work_mem)."""
    return url.update_query_dict({"plugin": PLUGIN, **more})


class SessionSettings(CreateEnginePlugin):
    """Settings of every session of an engine: at the start of a connection, or of each transaction where a pooler stands between.

    PgBouncer refuses or ignores the settings of a connection's start, and in its transaction mode a setting made later would be somebody
    else's in the next transaction: so they are made for the transaction alone.
    """

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        self.settings = {"search_path": SCHEMA, "timezone": "UTC"}
        if "work_mem" in url.query:
            self.settings["work_mem"] = str(url.query["work_mem"])

    def update_url(self, url: URL) -> URL:
        """The URL without what is ours alone."""
        return url.difference_update_query(["work_mem"])

    def engine_created(self, engine: Engine) -> None:
        """Hang the settings into the engine's connections and transactions."""
        local = "; ".join(f"set local {name} = '{value}'" for name, value in self.settings.items())
        event.listen(engine, "do_connect", self._connected)
        event.listen(engine, "connect", _look)

        @event.listens_for(engine, "begin")
        def at_begin(connection: Connection) -> None:
            if not _is_set(connection) and not _is_autocommit(connection):
                cursor = connection.connection.cursor()
                cursor.execute(local)
                cursor.close()

        @event.listens_for(engine, "before_cursor_execute", retval=True)
        def alone(
            connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
        ) -> tuple[str, Any]:
            """A statement without a transaction around it brings the settings along: both are one transaction of the server."""
            if _is_set(connection) or not _is_autocommit(connection):
                return statement, parameters
            return f"{local}; {statement}", parameters

    def _connected(self, dialect: Any, record: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        wanted = " ".join(f"-c{name}={value}" for name, value in self.settings.items())
        try:
            return dialect.connect(*arguments, **{**named, "options": wanted})
        except psycopg2.OperationalError as problem:
            if _REFUSED not in str(problem):
                raise
            return dialect.connect(*arguments, **named)


def _look(connection: Any, record: Any) -> None:
    """Note whether the server took the settings: a pooler may ignore them without a word."""
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('search_path')")
        record.info[_SET_AT_START] = cursor.fetchone()[0] == SCHEMA
    connection.rollback()


def _is_set(connection: Connection) -> bool:
    return bool(connection.connection.info.get(_SET_AT_START))


def _is_autocommit(connection: Connection) -> bool:
    return bool(getattr(connection.connection.dbapi_connection, "autocommit", False))


plugins.register(PLUGIN, __name__, "SessionSettings")
