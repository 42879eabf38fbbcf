"""PgBouncer in front of a test's PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from magodoo_devstack import ports
from magodoo_devstack.postgres import USER, Cluster

POOLED = "MAGODOO_TEST_POOLED"
"""Environment: the mode of PgBouncer through which staging databases are reached; empty: directly."""


def program() -> str | None:
    """Debian's package puts it where only root's PATH looks."""
    return os.environ.get("PGBOUNCER") or shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")


@contextmanager
def pooled(postgres: Cluster, mode: str, **settings: str) -> Iterator[Callable[[str], str]]:
    """A function that leads a URL of this server through a PgBouncer of its own in this mode; "" leads it nowhere else."""
    if not mode:
        yield lambda url: url
        return
    port = ports.any_free()
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    (folder / "users").write_text(f'"{USER}" "{postgres.password}"\n')
    lines = {
        "listen_addr": "127.0.0.1", "listen_port": str(port), "unix_socket_dir": "", "auth_type": "plain", "auth_file": f"{folder}/users",
        "pool_mode": mode, "default_pool_size": "4", "max_client_conn": "200", "logfile": f"{folder}/log", "pidfile": f"{folder}/pid", **settings,
    }  # fmt: skip
    text = f"[databases]\n* = host=127.0.0.1 port={postgres.port}\n[pgbouncer]\n"
    (folder / "ini").write_text(text + "".join(f"{name} = {value}\n" for name, value in lines.items()))
    for each in (folder, *folder.iterdir()):
        each.chmod(0o777 if each.is_dir() else 0o644)
    as_user = ["-u", "postgres"] if os.geteuid() == 0 else []
    running = subprocess.Popen([str(program()), "-q", *as_user, str(folder / "ini")])
    try:
        _wait(port, postgres)
        yield lambda url: re.sub(r"@([^:/]+):\d+/", f"@127.0.0.1:{port}/", url)
    finally:
        running.terminate()
        running.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, postgres: Cluster) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            psycopg2.connect(
                host="127.0.0.1", port=port, user=USER, password=postgres.password, dbname="postgres"
            ).close()
        except psycopg2.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
