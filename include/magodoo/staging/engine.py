"""The engine of the staging database and its migrations."""

from __future__ import annotations

import re
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from magodoo.errors import FixConfiguration
from magodoo.money import dump_json, parse_json

SCHEMA = "magodoo"
MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 7_346_201  # any constant: two migrations of one database wait for each other


def connect(url: str, **options: object) -> Engine:
    """An engine whose connections see schema `magodoo`, speak UTC and read every JSON fraction as Decimal.

    Takes `postgres://`, `postgresql://` and `postgresql+psycopg2://`; nothing is contacted yet.
    """
    return create_engine(
        re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg2://", url),
        pool_pre_ping=True,
        connect_args={"options": f"-csearch_path={SCHEMA} -ctimezone=UTC"},
        json_serializer=dump_json,
        json_deserializer=parse_json,
        **options,
    )


def migrate(url: str) -> None:
    """Create the schema or bring it up to date; harmless when it is. Raises FixConfiguration when nothing answers."""
    engine = connect(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            connection.execute(text(f"create schema if not exists {SCHEMA}"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as problem:
        raise FixConfiguration(
            str(problem.orig), system="staging", call="migrate", hint="check the connection `magodoo_staging`"
        ) from problem
    finally:
        engine.dispose()
