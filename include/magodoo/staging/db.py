"""Connect to the staging database, migrate its schema with Alembic, and keep its planner statistics current."""

from __future__ import annotations

import re
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from magodoo.errors import FixConfiguration
from magodoo.money import dump_json, parse_json
from magodoo.pg_sessions import SCHEMA, seen_by_all

MIGRATIONS = Path(__file__).parent / "migrations"

__all__ = ["MIGRATIONS", "SCHEMA", "connect"]


def connect(url: str, **options: object) -> Engine:
    """Return an engine whose connections use schema `magodoo` and UTC, and read every JSON fraction as Decimal.

    Accepts `postgres://`, `postgresql://` and `postgresql+psycopg2://` URLs, directly or through PgBouncer. Does not
    connect.
    """
    return create_engine(
        seen_by_all(make_url(re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg2://", url))),
        pool_pre_ping=True,
        json_serializer=dump_json,
        json_deserializer=parse_json,
        **options,
    )


_MIGRATION_LOCK = 7_346_201  # arbitrary; concurrent migrations of one database wait for each other


def migrate(url: str) -> None:
    """Create the schema or bring it up to date. Running it again changes nothing.

    Raises:
        FixConfiguration: if the database does not answer, or a privilege is missing; then it names the statement
            that grants it.
    """
    engine = connect(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            grants = missing_grants(connection)
            if grants:
                raise _without_grants(grants)
            if not _exists(connection):
                connection.execute(text(f"create schema {SCHEMA}"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as problem:
        raise FixConfiguration(
            str(problem.orig), system="staging", call="migrate", hint="check the connection `magodoo_staging`"
        ) from problem
    except ProgrammingError as problem:
        if getattr(problem.orig, "pgcode", "") != "42501":  # insufficient_privilege
            raise
        hint = "let the role that owns the tables run this migration, or give them to this role (alter table ... owner to ...)"
        raise FixConfiguration(str(problem.orig).strip(), system="staging", call="migrate", hint=hint) from problem
    finally:
        engine.dispose()


def missing_grants(connection: Connection) -> list[str]:
    """Return the SQL statements that grant this role its missing privileges; empty if it has them all."""
    role, database, may_create, may_temp = connection.execute(
        text("""select quote_ident(current_user), quote_ident(current_database()),
            has_database_privilege(current_database(), 'CREATE'), has_database_privilege(current_database(), 'TEMP')""")
    ).one()
    statements = []
    if not _exists(connection):
        if not may_create:
            statements.append(f"create schema {SCHEMA} authorization {role}")
    else:
        rights = "has_schema_privilege(:schema, 'USAGE'), has_schema_privilege(:schema, 'CREATE')"
        may_use, may_make = connection.execute(text(f"select {rights}"), {"schema": SCHEMA}).one()
        missing = [word for word, held in (("usage", may_use), ("create", may_make)) if not held]
        statements += [f"grant {', '.join(missing)} on schema {SCHEMA} to {role}"] if missing else []
    if not may_temp:
        statements.append(f"grant temporary on database {database} to {role}")
    return statements


def _exists(connection: Connection) -> bool:
    found = connection.execute(text("select 1 from pg_namespace where nspname = :name"), {"name": SCHEMA})
    return found.scalar() is not None


def _without_grants(statements: list[str]) -> FixConfiguration:
    return FixConfiguration(
        "the role of the connection `magodoo_staging` lacks rights in the staging database", system="staging", call="migrate",
        hint=f"let an owner of the database run: {'; '.join(statements)}",
    )  # fmt: skip


# Columns used in joins and conditions. Texts and amounts are left to autovacuum, as they cost the most.
_COLUMNS = {
    "document": "instance, side, kind, source_id, order_key, own_order_id, number, reference, active, deleted_at, resolved_at, grand_total",
    "line": "instance, side, kind, source_id, line_id, item_key, own_item_id, role, is_money",
    "payload": "instance, side, kind, source_id",
}


def keep(connection: Connection, *tables: str) -> None:
    """Analyse those of these tables that have doubled since they were last analysed.

    Skips a table that another transaction is analysing.
    """
    grown = connection.execute(
        text("""
        select relname from pg_class where oid = any(cast(:tables as regclass[]))
            and pg_relation_size(oid) / 8192 > 2 * relpages + 20"""),
        {"tables": list(tables)},
    ).scalars()
    for table in grown:
        _analyze(connection, table)


def learn_kinds(connection: Connection) -> None:
    """Analyse documents and lines if the incoming documents have a kind or side that the statistics do not contain.

    PostgreSQL plans for an unknown kind as if it had no rows: each row of a batch would then be searched among all
    rows of its kind.
    """
    unknown = connection.execute(
        text("""
        select exists (select 1 from (select distinct side, kind from incoming) i
            where not exists (select 1 from pg_stats where schemaname = current_schema and tablename = 'document'
                    and attname = 'kind' and i.kind = any(cast(cast(most_common_vals as text) as text[])))
                or not exists (select 1 from pg_stats where schemaname = current_schema and tablename = 'document'
                    and attname = 'side' and i.side = any(cast(cast(most_common_vals as text) as text[]))))
            and pg_relation_size('document') > 20 * 8192""")
    ).scalar_one()
    if unknown:
        _analyze(connection, "document", "line")


def _analyze(connection: Connection, *tables: str) -> None:
    wanted = ", ".join(f"{table} ({_COLUMNS[table]})" if table in _COLUMNS else table for table in tables)
    connection.execute(text(f"analyze (skip_locked) {wanted}"))
