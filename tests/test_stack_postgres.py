"""The PostgreSQL of the stack: starts as root or not, below a closed folder, and is gone when stopped."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import create_engine, text

from magodoo_devstack import account, ports
from magodoo_devstack.postgres import Cluster, binaries, new_password


def test_the_server_answers_over_tcp_with_a_password(postgres: Cluster) -> None:
    with create_engine(postgres.url("postgres")).connect() as connection:
        assert connection.execute(text("SHOW server_version")).scalar_one().startswith("18.")
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(host="127.0.0.1", port=postgres.port, user="magodoo", password="wrong", dbname="postgres")


def test_the_server_never_runs_as_root(postgres: Cluster) -> None:
    server = postgres.process()
    assert server is not None
    assert server.uids().real != 0


def test_each_staging_database_is_a_fresh_one(new_staging: Callable[[], str]) -> None:
    first, second = new_staging(), new_staging()
    with create_engine(first).begin() as connection:
        connection.execute(text("CREATE TABLE only_here (n int)"))
    with create_engine(second).connect() as connection:
        assert connection.execute(text("SELECT to_regclass('only_here')")).scalar_one() is None


def test_making_what_is_there_already_changes_nothing(postgres: Cluster) -> None:
    postgres.create()
    postgres.create_database("twice")
    postgres.create_database("twice")
    postgres.drop_database("twice")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_as_root_it_runs_below_a_folder_that_only_root_may_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "lib").mkdir(parents=True)
    closed.chmod(0o700)
    package = binaries().parents[1]
    shutil.copytree(package / "pginstall18", closed / "lib" / package.name / "pginstall18")
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed / "lib" / f"{package.name}.libs")
    program = closed / "lib" / package.name / "pginstall18" / "bin" / "postgres"

    words = account.prefix(closed, program, closed)

    assert subprocess.run([*words, str(program), "--version"], capture_output=True, check=False).returncode == 0
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_killed_server_can_be_stopped_and_started_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cluster")
    cluster = Cluster(folder, folder / "data", ports.any_free(), new_password(), durable=False)
    cluster.create()
    cluster.start()
    server = cluster.process()
    assert server is not None
    server.kill()
    server.wait(timeout=5)

    cluster.start()

    assert cluster.wait(seconds=5)
    cluster.stop()
    assert not cluster.wait(seconds=0.2)
    assert cluster.process() is None
