"""Session settings of the staging database, for every engine: `search_path`, UTC, and optionally `work_mem`.

They are part of the engine's URL (`seen_by_all`), so that engines created by a library apply them too.
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
    "set_at_start"  # key of a connection's info: whether the server keeps our settings for the life of the connection
)
_REFUSED = "unsupported startup parameter"  # PgBouncer's message


def seen_by_all(url: URL, **more: str) -> URL:
    """Return a URL with which every engine, including one created by a library, applies these settings, and `more` (`work_mem`)."""
    return url.update_query_dict({"plugin": PLUGIN, **more})


class SessionSettings(CreateEnginePlugin):
    """SQLAlchemy plugin that applies the settings when a connection starts, or per transaction behind a pooler.

    PgBouncer refuses or ignores startup parameters. In its transaction mode a plain `set` would leak into another client's transaction,
    so the settings are made with `set local`.
    """

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        self.settings = {"search_path": SCHEMA, "timezone": "UTC"}
        if "work_mem" in url.query:
            self.settings["work_mem"] = str(url.query["work_mem"])

    def update_url(self, url: URL) -> URL:
        """Return the URL without the parameters that only this plugin reads."""
        return url.difference_update_query(["work_mem"])

    def engine_created(self, engine: Engine) -> None:
        """Register the listeners that apply the settings to the engine's connections and transactions."""
        local = "; ".join(f"set local {name} = '{value}'" for name, value in self.settings.items())
        event.listen(engine, "do_connect", self._connected)
        event.listen(engine, "connect", _check)

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
            """Prepend the settings to an autocommit statement: the server runs both in one transaction."""
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


def _check(connection: Any, record: Any) -> None:
    """Record whether the server accepted the settings: a pooler may ignore them without an error."""
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('search_path')")
        record.info[_SET_AT_START] = cursor.fetchone()[0] == SCHEMA
    connection.rollback()


def _is_set(connection: Connection) -> bool:
    return bool(connection.connection.info.get(_SET_AT_START))


def _is_autocommit(connection: Connection) -> bool:
    return bool(getattr(connection.connection.dbapi_connection, "autocommit", False))


plugins.register(PLUGIN, __name__, "SessionSettings")
