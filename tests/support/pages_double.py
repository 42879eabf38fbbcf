"""The sales pages in this process: the real app and the real SimpleAuthManager's rights, without Airflow's database and login."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from fastapi import Request
from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Engine

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
os.environ.setdefault("AIRFLOW__CORE__UNIT_TEST_MODE", "False")
os.environ.setdefault("AIRFLOW__API__SECRET_KEY", "a secret of the tests")

SETTINGS = """
instances:
  us: {{magento_connection: magento_us, odoo_connection: odoo_us, title: "Demo <shop>", magento_admin_url: "https://shop.example/admin", odoo_url: "https://books.example"}}
  eu: {{magento_connection: magento_eu, odoo_connection: odoo_eu}}
staging_connection: magodoo_staging
"""


class Person:
    """Somebody who may write, with the token of their forms."""

    def __init__(self, browser: Any, engine: Engine) -> None:
        self.browser, self.engine = browser, engine
        self.token = token_of(browser.get("/finding/1").text)

    def send(self, path: str, **fields: Any) -> Any:
        return self.browser.post(path, data={"token": self.token, **fields})

    def one(self, statement: str) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(text(statement)).one()


def token_of(page: str) -> str:
    """The token of the forms of a page."""
    found = re.search(r'name="token" value="(\w+)"', page)
    assert found
    return found.group(1)


@contextmanager
def client(folder: Path, url: str, role: str = "admin", below: str = "", **headers: str) -> Iterator[object]:
    """A browser that is logged in with this role (admin, user, viewer; none: anonymous), Airflow being served `below` a path."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    file = folder / "magodoo.yaml"
    if not file.exists():
        file.write_text(SETTINGS.format())
    environment = {
        "MAGODOO_SETTINGS": str(file),
        "AIRFLOW_CONN_MAGODOO_STAGING": url.replace("postgresql+psycopg2", "postgres"),
    }
    with mock.patch.dict(os.environ, environment):
        from airflow.api_fastapi.app import create_auth_manager
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        from magodoo_airflow.pages import connection, overview
        from magodoo_airflow.pages.access import signed_in
        from magodoo_airflow.pages.app import app

        create_auth_manager()
        connection.engine.cache_clear()
        connection.export_engine.cache_clear()
        outer = FastAPI(root_path=below)
        outer.mount("/magento", app)

        async def by_header(request: Request) -> object:
            who = request.headers.get("x-role")
            return SimpleAuthManagerUser(username=f"the {who}", role=who) if who else await signed_in(request, None)

        before = dict(app.dependency_overrides)
        app.dependency_overrides[signed_in] = by_header
        try:
            with mock.patch.object(overview, "dag_runs", return_value=[]):
                yield TestClient(
                    outer,
                    base_url=f"http://testserver{below}/magento",
                    headers={"accept": "text/html", "x-role": role, **headers},
                    follow_redirects=False,
                )
        finally:
            app.dependency_overrides = before
            for engine in (connection.engine, connection.export_engine):
                if engine.cache_info().currsize:
                    engine().dispose()
                engine.cache_clear()
