"""A PostgreSQL of the benchmark's own, as `make up` starts one: durable, with the settings of the stack."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from bench.contest import CHECKOUT, VAR
from magodoo import staging
from magodoo_devstack import ports
from magodoo_devstack.postgres import Cluster, new_password


class Databases:
    """Databases on demand: `empty()`, `staged()` with the tables of staging, `copy_of(url)`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._names = (f"bench_{number}" for number in itertools.count(1))
        self._template = ""

    def empty(self) -> str:
        return self._make("template0")

    def staged(self) -> str:
        """Return the URL of a fresh migrated staging database."""
        if not self._template:
            self._template = "staging_template"
            self._cluster.create_database(self._template)
            staging.migrate(self._cluster.url(self._template))
        return self._make(self._template)

    def copy_of(self, url: str) -> str:
        """Return the URL of a database with the same content; the original must have no connections."""
        return self._make(name_of(url))

    def drop(self, url: str) -> None:
        self._cluster.drop_database(name_of(url))

    def _make(self, template: str) -> str:
        name = next(self._names)
        self._cluster.create_database(name, template)
        return self._cluster.url(name)


def name_of(url: str) -> str:
    return url.rsplit("/", 1)[1]


@contextmanager
def databases() -> Iterator[Databases]:
    """Yield a server that is gone afterwards."""
    data = VAR / f"postgres-{os.getpid()}"
    cluster = Cluster(CHECKOUT, data, ports.any_free(), new_password())
    VAR.mkdir(parents=True, exist_ok=True)
    cluster.create()
    cluster.start()
    try:
        yield Databases(cluster)
    finally:
        cluster.stop()
        shutil.rmtree(data, ignore_errors=True)
        data.with_name(f"{data.name}.log").unlink(missing_ok=True)
