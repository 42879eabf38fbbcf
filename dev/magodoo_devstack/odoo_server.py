"""An Odoo server on loopback over a PostgreSQL of its own, for tests and the demo."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from magodoo.connectors.odoo.versions import Version
from magodoo.errors import FixConfiguration
from magodoo_devstack import ports
from magodoo_devstack.odoo_package import Installation
from magodoo_devstack.postgres import USER, Cluster

MODULES = (
    "base", "web", "rpc", "sale_management", "sale_stock", "stock_delivery", "stock_account", "account", "l10n_us",
    "contacts",
)  # fmt: skip
"""`rpc` must be named, or there is no /json/2 (docs/facts/odoo-19.0.md#8). Those that a version does not have are omitted."""

INSTALL_SCRIPT = """
env.cr.execute("update ir_module_module set auto_install = false")
env.invalidate_all()
env["ir.module.module"].search([("name", "in", {modules!r}), ("state", "!=", "installed")]).button_immediate_install()
"""
"""Modules without those that come by themselves, where the command line has no --skip-auto-install (before 19)."""

LONGEST = 1800
"""Seconds that a request may take where there are workers."""


@dataclass
class OdooServer:
    """One Odoo that serves every database of its cluster; the caller names one in each call.

    workers: processes that answer, as in production; 0: threads of one process, which take turns.
    """

    package: Installation
    cluster: Cluster
    port: int
    workers: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.package.home / "odoo.log"

    def create_database(self, name: str) -> None:
        """Make a new database with our modules; takes about a minute."""
        if self.series < 19:
            self._finish(self._installer(name, ["base"]), "")
        self.install(name, MODULES)

    def install(self, name: str, modules: Iterable[str]) -> None:
        """Install modules into a database that has not served a request yet; before 19 it must exist."""
        known = [each for each in modules if any((folder / each).is_dir() for folder in self.package.addons)]
        if self.series >= 19:
            self._finish([*self._installer(name, known), "--skip-auto-install"], "")
            return
        # `-i base` on a database in use removes records that its data files no longer have, which documents may refer to.
        self.run_script(name, INSTALL_SCRIPT.format(modules=known))

    def _installer(self, name: str, modules: Iterable[str]) -> list[str]:
        """Return the command line that installs modules, and what they install by themselves, and ends."""
        words = ["-d", name, "-i", ",".join(modules), "--stop-after-init", "--no-http", "--without-demo=True"]
        return [*self._command(), *words, "--log-level=warn"]

    @property
    def series(self) -> int:
        """The major version: 19."""
        return Version.parsed(self.package.build).major

    def run_script(self, database: str, script: str) -> str:
        """Return what a Python script prints that runs inside Odoo, as Odoo itself."""
        command = [*self._command("shell"), "-d", database, "--no-http", "--log-level=critical"]
        return self._finish(command, script)

    def start(self) -> None:
        """Start serving, without scheduled jobs.

        Raises:
            FixConfiguration: it did not start; the end of its log is in the message.
        """
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603
                self.serve_command(), env=self.environment(), stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                cwd=self.package.home, start_new_session=True,
            )  # fmt: skip
        if self.answers(seconds=180):
            return
        self.stop()
        raise FixConfiguration(f"Odoo did not start: {self._end_of_log()}", hint=f"read {self.log}")

    def answers(self, seconds: float) -> bool:
        """Whether the server, whoever started it, answers within `seconds`; not waited for if ours has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (self._process is None or self._process.poll() is None):
            try:
                with urlopen(f"{self.url}/web/health", timeout=5):  # noqa: S310
                    return True
            except (URLError, OSError):
                time.sleep(0.1)
        return False

    def wait(self) -> None:
        """Until the server ends."""
        assert self._process is not None
        self._process.wait()

    def stop(self) -> None:
        """End the server; one that does not run is no error."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def serve_command(self, database: str = "") -> list[str]:
        """Return the command line of the server itself, in the foreground; of one database only, if one is named."""
        words = [
            f"--http-port={self.port}",
            "--http-interface=127.0.0.1",
            f"--workers={self.workers}",
            "--max-cron-threads=0",
        ]
        if self.workers:
            # A worker must not be killed in the middle of a batch on a busy machine.
            words += [
                f"--limit-time-cpu={LONGEST}",
                f"--limit-time-real={LONGEST}",
                f"--gevent-port={ports.any_free()}",
            ]
        return [*self._command(), *words, *(["-d", database] if database else [])]

    def python_command(self, script: Path, database: str) -> list[str]:
        """Return the command line of a script of ours that runs in Odoo's own Python, with Odoo's options for a database."""
        return [str(self.package.python), str(script), *self._options(), "-d", database, "--log-level=warn"]

    def _command(self, *subcommand: str) -> list[str]:
        return [str(self.package.python), str(self.package.script), *subcommand, *self._options()]

    def _options(self) -> list[str]:
        where = ["--db_host=127.0.0.1", f"--db_port={self.cluster.port}", f"--db_user={USER}"]
        return [
            *where,
            f"--addons-path={','.join(map(str, self.package.addons))}",
            f"--data-dir={self.package.home / 'filestore'}",
        ]

    def variables(self) -> dict[str, str]:
        """Return what Odoo needs in its environment: its own modules and the password of its database."""
        return {"PYTHONPATH": str(self.package.library), "PGPASSWORD": self.cluster.password, "TZ": "UTC"}

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables()}

    def _finish(self, command: list[str], script: str) -> str:
        done = subprocess.run(  # noqa: S603
            command, env=self.environment(), input=script, capture_output=True, text=True, check=False,
            cwd=self.package.home,
        )  # fmt: skip
        if done.returncode:
            raise FixConfiguration(f"Odoo failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def _end_of_log(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
