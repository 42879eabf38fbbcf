"""`make odoo`: a real Odoo 19 on this machine, provisioned once into a template, cloned for every test.

    with live_odoo() as odoo:
        database = odoo.clone()          # 0.4 s
        client = OdooClient.connect(odoo.connection("sync", database))

Everything is under `var/odoo-19`: package, environment, PostgreSQL, keys. It is created again when the package or
the provisioning changes.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.errors import MagodooError
from magodoo_devstack import odoo_provision, ports
from magodoo_devstack.odoo_package import TESTED_BUILD, Installation
from magodoo_devstack.odoo_past import OdooPast
from magodoo_devstack.odoo_provision import Access
from magodoo_devstack.odoo_server import MODULES, OdooServer
from magodoo_devstack.odoo_tree import installation
from magodoo_devstack.postgres import Cluster, new_password
from magodoo_sandbox.odoo.provision import CARRIERS, PROVIDERS

CHECKOUT = Path(__file__).resolve().parents[2]
HOME = CHECKOUT / "var" / "odoo-19"
"""The folder of Debian's package; one that ODOO_HOME names is beside it, by its version."""
TEMPLATE = "magodoo_template"
FRESH = "magodoo_fresh"
PREFERRED_PORT = 8069


@dataclass
class LiveOdoo:
    """A running Odoo: its address, the keys of its users, and new databases on demand."""

    url: str
    database: str
    access: Access
    build: str
    _cluster: Cluster = field(repr=False)
    _package: Installation = field(repr=False)
    _made: list[str] = field(default_factory=list, repr=False)

    @property
    def postgres_port(self) -> int:
        return self._cluster.port

    @property
    def sync_key(self) -> str:
        """The key of the restricted user that the pipeline works as."""
        return self.access.keys["sync"]

    @property
    def admin_key(self) -> str:
        return self.access.keys["admin"]

    def clone(self, name: str = "") -> str:
        """Return the name of a new provisioned database, with an identity of its own."""
        database = name or f"magodoo_{uuid.uuid4().hex[:12]}"
        self._cluster.create_database(database, TEMPLATE)
        self._made.append(database)
        connection = self._cluster.connect(database)
        with connection.cursor() as cursor:
            new = (str(uuid.uuid4()),)
            cursor.execute("UPDATE ir_config_parameter SET value = %s WHERE key = 'database.uuid'", new)
        connection.close()
        return database

    def fresh(self) -> tuple[str, Access]:
        """Return a new database with the modules, a chart of accounts, users and keys, and nothing that provisioning makes."""
        database = f"magodoo_{uuid.uuid4().hex[:12]}"
        self._cluster.create_database(database, FRESH)
        self._made.append(database)
        return database, odoo_provision.parse_access(self.run_script(database, odoo_provision.keys_script()))

    def drop(self, database: str) -> None:
        """Drop a database that `clone` made."""
        self._cluster.drop_database(database)
        self._made.remove(database)

    def connection(self, user: str = "sync", database: str = "", company: int = 0) -> OdooConnection:
        """Return a connection as `sync`, `sync_both` (two companies), `weak`, `own_documents` or `admin`."""
        return OdooConnection(
            url=self.url,
            database=database or self.database,
            api_key=self.access.keys[user],
            company_id=company or self.access.companies[0],
            login=user,
        )

    def past(self, database: str) -> OdooPast:
        """Return a session that calls the database's API at chosen times in the past."""
        return OdooPast(OdooServer(self._package, self._cluster, 0), database)

    def install(self, database: str, *modules: str) -> None:
        """Install further Odoo modules into a clone that has not served a request yet."""
        OdooServer(self._package, self._cluster, 0).install(database, modules)

    def run_script(self, database: str, script: str) -> str:
        """Return what a Python script prints that runs inside Odoo, for what no call can do."""
        return OdooServer(self._package, self._cluster, 0).run_script(database, script)

    def dump(self, database: str, file: Path) -> None:
        """Dump a database into a file, for `Cluster.restore`."""
        self._cluster.dump(database, file)

    def sql(self, database: str, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Execute SQL, for what the API cannot do in tests."""
        connection = self._cluster.connect(database)
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    def drop_all(self) -> None:
        for database in list(self._made):
            self.drop(database)


@contextlib.contextmanager
def live_odoo(port: int = 0, package: Installation | None = None, workers: int = 0) -> Iterator[LiveOdoo]:
    """Yield a running Odoo; provisions first if that was not done. At the end its databases and processes are gone.

    `package`: which one; without it the tree that ODOO_HOME names, or Debian's Odoo 19.

    Where one is being served already (`--serve`), that one is used, with databases of our own. `port`: this one or the next free
    one; 0: any, so that several checkouts can each start one at the same moment. `workers`: see `OdooServer`.

    Raises:
        FixConfiguration: the package cannot be installed or started; the message has the cause.
    """
    package = package or installation(HOME)
    home = package.home
    with _alone(package) as served:
        if served:
            served.database = served.clone()
            yield served
            served.drop_all()
            return
        package.install()
        cluster = Cluster(CHECKOUT, home / "postgres", ports.any_free(), _password(home), durable=False)
        cluster.stop()
        cluster.create()
        server = OdooServer(package, cluster, ports.any_free())
        try:
            cluster.start()
            access = _template(home, package, cluster, server)
            server.port, server.workers = ports.choose(port) if port else ports.any_free(), workers
            server.start()
            live = LiveOdoo(server.url, "", access, package.build, cluster, package)
            live.database = live.clone()
            yield live
            live.drop_all()
        finally:
            server.stop()
            cluster.stop()


def _template(home: Path, package: Installation, cluster: Cluster, server: OdooServer) -> Access:
    """Return the template database, created again if the package or the provisioning has changed."""
    stamp = home / "template.json"
    fingerprint = _fingerprint(package)
    if stamp.exists() and cluster.has_database(TEMPLATE):
        made = json.loads(stamp.read_text())
        if made.pop("fingerprint") == fingerprint:
            return Access(**made)
    cluster.drop_database(TEMPLATE)
    _fresh(home, package, cluster, server)
    cluster.create_database(TEMPLATE, FRESH)
    access = odoo_provision.parse_access(server.run_script(TEMPLATE, odoo_provision.keys_script()))
    server.start()
    live = LiveOdoo(server.url, TEMPLATE, access, package.build, cluster, package)
    for company in access.companies:
        with OdooClient.connect(live.connection("admin", company=company)) as admin:
            odoo_provision.provision(admin)
    server.stop()
    stamp.touch(mode=0o600)
    stamp.write_text(json.dumps({"fingerprint": fingerprint, **asdict(access)}))
    return access


def _fresh(home: Path, package: Installation, cluster: Cluster, server: OdooServer) -> None:
    """Make a database with the modules and nothing else: the slow minute, done once per package."""
    stamp = home / "fresh.json"
    wanted = json.dumps([package.build, MODULES])
    if stamp.exists() and stamp.read_text() == wanted and cluster.has_database(FRESH):
        return
    cluster.drop_database(FRESH)
    server.create_database(FRESH)
    stamp.write_text(wanted)


def _fingerprint(package: Installation) -> str:
    parts = (package.build, MODULES, PROVIDERS, CARRIERS)
    text = Path(odoo_provision.__file__).read_bytes() + repr(parts).encode()
    return hashlib.sha256(text).hexdigest()


def _password(home: Path) -> str:
    note = home / "password"
    if not note.exists():
        note.touch(mode=0o600)
        note.write_text(new_password())
    return note.read_text()


@contextlib.contextmanager
def _alone(package: Installation) -> Iterator[LiveOdoo | None]:
    """Lock the folder as soon as no other process uses it, or return the Odoo that another process serves from it."""
    home = package.home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                served = _served(package)
                if served:
                    yield served
                    return
                time.sleep(0.5)
            else:
                yield None
                return


def main() -> int:
    """Provision; with `--serve`, keep it running and print how to reach it."""
    options = argparse.ArgumentParser(prog="make odoo", description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--serve", action="store_true", help="keep it running until interrupted")
    options.add_argument("--port", type=int, default=PREFERRED_PORT, help="this one or the next free one (%(default)s)")
    chosen = options.parse_args()
    started = time.monotonic()
    try:
        with live_odoo(chosen.port) as odoo:
            print(f"Odoo {odoo.build} is provisioned ({time.monotonic() - started:.0f} s).")
            if odoo.build != TESTED_BUILD:
                print(f"It is not the build that was tested ({TESTED_BUILD}): run make test-odoo first.")
            if chosen.serve:
                _serve(odoo)
    except MagodooError as problem:
        print(f"No live Odoo: {problem}", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def announced(odoo: LiveOdoo) -> Iterator[Path]:
    """Announce this Odoo in a file, so that `live_odoo` in other processes uses it instead of waiting. Yields the file.

    If `odoo` belongs to another process, that process's file is kept.
    """
    note = odoo._package.home / "serving.json"
    if _served(odoo._package):
        yield note
        return
    note.touch(mode=0o600)
    facts = {"url": odoo.url, "database": odoo.database, "build": odoo.build, "access": asdict(odoo.access)}
    note.write_text(json.dumps({**facts, "postgres_port": odoo.postgres_port, "pid": os.getpid()}))
    yield note
    note.unlink()


def _serve(odoo: LiveOdoo) -> None:
    """Stay until interrupted or terminated."""
    with announced(odoo) as note:
        where = f"{odoo.url}, database {odoo.database}; keys are in {note.relative_to(CHECKOUT)}"
        print(f"{where}. Stop with Ctrl-C.", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


def _served(package: Installation) -> LiveOdoo | None:
    """Return the Odoo that another process serves from this installation's folder."""
    home = package.home
    note = home / "serving.json"
    try:
        facts = json.loads(note.read_text())
        os.kill(facts["pid"], 0)
    except (OSError, ValueError):  # not there, gone, or being written
        return None
    cluster = Cluster(CHECKOUT, home / "postgres", facts["postgres_port"], _password(home), durable=False)
    return LiveOdoo(facts["url"], "", Access(**facts["access"]), facts["build"], cluster, package)


if __name__ == "__main__":
    raise SystemExit(main())
