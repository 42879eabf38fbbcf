"""The schema of the staging database, made or brought up to date; what a role lacks for that is named."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from magodoo.errors import FixConfiguration
from magodoo.staging.engine import MIGRATIONS, SCHEMA, connect

_MIGRATION_LOCK = 7_346_201  # any constant: two migrations of one database wait for each other


def migrate(url: str) -> None:
    """Create the schema or bring it up to date; harmless when it is.

    Raises FixConfiguration when nothing answers, or names what the role lacks and the statement that gives it.
    """
    engine = connect(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            lacking = what_is_lacking(connection)
            if lacking:
                raise _lacks(lacking)
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


def what_is_lacking(connection: Connection) -> list[str]:
    """The statements, for somebody with the right to run them, that give this role what it lacks; empty when nothing is."""
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


def _lacks(statements: list[str]) -> FixConfiguration:
    return FixConfiguration(
        "the role of the connection `magodoo_staging` lacks rights in the staging database", system="staging", call="migrate",
        hint=f"let an owner of the database run: {'; '.join(statements)}",
    )  # fmt: skip
