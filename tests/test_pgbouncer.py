"""PostgreSQL as operations people run it: behind PgBouncer, and with a schema that a DBA made for a role of few rights."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pgbouncer import POOLED, pooled, program
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from magodoo import staging
from magodoo.errors import FixConfiguration
from magodoo.pg_sessions import seen_by_all
from magodoo.staging.work_queue import WorkQueue
from magodoo_devstack.postgres import Cluster

MODES = ["session", "transaction"]
SUITE = ("test_staging_frames.py", "test_staging_resolve.py", "test_staging_state.py", "test_staging_upsert.py")
needs_pgbouncer = pytest.mark.skipif(
    program() is None, reason="PgBouncer is not installed (Debian's package `pgbouncer`)"
)


@needs_pgbouncer
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_the_staging_suite_passes_behind_pgbouncer(mode: str) -> None:
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(here / name) for name in SUITE)],
        env={**os.environ, POOLED: mode}, cwd=here.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:]


@pytest.fixture(params=[(mode, ignored) for mode in MODES for ignored in ("", "options")], ids=str)
def through(postgres: Cluster, staging_url: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine through PgBouncer, which refuses the settings of a connection's start, or ignores them."""
    mode, ignored = request.param
    settings = {"ignore_startup_parameters": ignored} if ignored else {}
    with pooled(postgres, mode, **settings) as lead:
        engine = staging.connect(lead(staging_url))
        yield engine
        engine.dispose()


@needs_pgbouncer
def test_every_transaction_and_every_lone_statement_sees_the_schema_and_speaks_utc(through: Engine) -> None:
    statement = text(
        "select (select count(*) from document), current_setting('timezone'), current_setting('search_path')"
    )
    for _ in range(3):
        with through.connect() as connection:
            assert tuple(connection.execute(statement).one()) == (0, "UTC", "magodoo")
            connection.rollback()
            assert connection.execute(statement).one()[1] == "UTC", "the next transaction of the connection, too"
    alone = through.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as connection:
        assert tuple(connection.execute(statement).one()) == (0, "UTC", "magodoo")
        changed = connection.execute(text("update quarantine set reason = :why where false"), {"why": "50 % of it"})
        assert changed.rowcount == 0


@needs_pgbouncer
def test_set_local_and_advisory_locks_end_with_their_transaction(through: Engine) -> None:
    with through.begin() as connection:
        connection.exec_driver_sql("set local work_mem = '123MB'")
        WorkQueue(connection, "us").one_writer()
        with through.connect() as other:
            taken = text("select pg_try_advisory_xact_lock(hashtext('magodoo staging'), hashtext('us'))")
            assert other.execute(taken).scalar() is False
    with through.connect() as connection:
        assert connection.execute(text("select current_setting('work_mem')")).scalar() != "123MB"
        assert connection.execute(taken).scalar() is True


@needs_pgbouncer
@pytest.mark.parametrize("mode", MODES)
def test_no_session_state_of_ours_is_left_in_a_shared_connection(
    postgres: Cluster, staging_url: str, mode: str
) -> None:
    with pooled(postgres, mode, default_pool_size="1") as lead:
        ours = staging.connect(lead(staging_url))
        with ours.connect() as connection:
            connection.execute(text("select count(*) from document"))
        ours.dispose()
        others = create_engine(make_url(lead(staging_url)).set(drivername="postgresql+psycopg2"))
        with others.connect() as connection:
            assert connection.execute(text("select current_setting('search_path')")).scalar() != "magodoo"
        others.dispose()


@needs_pgbouncer
@pytest.mark.parametrize("mode", MODES)
def test_the_schema_is_made_and_renewed_behind_pgbouncer(postgres: Cluster, mode: str) -> None:
    name = f"pooled_{mode}"
    postgres.create_database(name)
    with pooled(postgres, mode) as lead:
        url = lead(postgres.url(name))
        staging.migrate(url)
        staging.migrate(url)
        engine = staging.connect(url)
        with engine.connect() as connection:
            assert connection.execute(text("select count(*) from document")).scalar() == 0
        engine.dispose()
    postgres.drop_database(name)


def test_an_engine_of_a_library_has_the_settings_of_its_url(staging_url: str) -> None:
    url = make_url(staging_url).set(drivername="postgresql+psycopg2")
    engine = create_engine(seen_by_all(url, work_mem="77MB").render_as_string(hide_password=False))
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from document")).scalar() == 0
        assert connection.execute(text("select current_setting('work_mem')")).scalar() == "77MB"
    engine.dispose()


Role = Callable[..., str]


@pytest.fixture
def role(postgres: Cluster) -> Iterator[Role]:
    """A function that runs a DBA's statements in a database of its own and gives the URL of a role without CREATE in it."""
    name, login = "of_a_dba", "clerk_of_a_dba"
    postgres.create_database(name)
    admin = create_engine(
        make_url(postgres.url(name)).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT"
    )

    def make(*statements: str) -> str:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"create role {login} login password 'clerk'")
            for statement in statements:
                connection.exec_driver_sql(statement.format(role=login, database=name))
        return make_url(postgres.url(name)).set(username=login, password="clerk").render_as_string(hide_password=False)

    yield make
    admin.dispose()
    postgres.drop_database(name)
    admin = create_engine(
        make_url(postgres.url("postgres")).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f"drop role {login}")
    admin.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "create schema magodoo authorization {role}",
        "create schema magodoo; grant usage, create on schema magodoo to {role}",
    ],
)
def test_a_schema_that_a_dba_made_is_enough_for_a_role_without_create(role: Role, statement: str) -> None:
    url = role(statement)
    staging.migrate(url)
    staging.migrate(url)
    engine = staging.connect(url)
    with engine.begin() as connection:
        WorkQueue(connection, "us").one_writer()
        connection.exec_driver_sql("create temp table looked_at (id text) on commit drop")
        assert connection.execute(text("select count(*) from document")).scalar() == 0
    engine.dispose()


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        ((), "create schema magodoo authorization clerk_of_a_dba"),
        (("create schema magodoo",), "grant usage, create on schema magodoo to clerk_of_a_dba"),
        (
            ("create schema magodoo", "grant usage on schema magodoo to {role}"),
            "grant create on schema magodoo to clerk_of_a_dba",
        ),
        (
            ("create schema magodoo authorization {role}", "revoke temporary on database {database} from public"),
            "grant temporary on database of_a_dba to clerk_of_a_dba",
        ),
    ],
)
def test_what_a_role_lacks_is_named_with_the_statement_that_gives_it(
    role: Role, statements: tuple[str, ...], named: str
) -> None:
    with pytest.raises(FixConfiguration, match="lacks rights") as told:
        staging.migrate(role(*statements))
    assert named in str(told.value)


def test_tables_of_another_role_are_named_with_the_next_step(role: Role, postgres: Cluster) -> None:
    url = role("create schema magodoo", "grant usage, create on schema magodoo to {role}")
    staging.migrate(postgres.url("of_a_dba"))
    with pytest.raises(FixConfiguration, match="permission denied") as told:
        staging.migrate(url)
    assert "owns the tables" in str(told.value)
