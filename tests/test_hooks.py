"""Airflow's connections become the engine's clients: by the fields of the form, and with the words of what is missing in it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from magodoo.connectors.magento.connection import AdminLogin, BearerToken, OAuth1
from magodoo.errors import BadSettings
from magodoo_airflow.hooks.address import base_url
from magodoo_airflow.hooks.context import open_context
from magodoo_airflow.hooks.magento import MagentoHook
from magodoo_airflow.hooks.odoo import OdooHook
from magodoo_airflow.links import ChangesLink, DataDocsLink, SalesPageLink

NOBODY = "http://127.0.0.1:9"  # discard: nothing listens there
ODOO = {"conn_type": "odoo", "host": NOBODY, "schema": "books", "password": "key"}


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Any:
    def keep(**named: dict[str, Any]) -> None:
        for name, values in named.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(values))

    return keep


@pytest.mark.parametrize(
    ("host", "schema", "port", "address"),
    [
        ("shop.example", "", None, "https://shop.example"),
        ("shop.example/", "http", None, "http://shop.example"),
        ("http://shop.example/", "", 8080, "http://shop.example:8080"),
        ("shop.example:8443/store", "", 9, "https://shop.example:8443/store"),
        ("https://odoo.example/sub", "books", 8069, "https://odoo.example:8069/sub"),  # Odoo's schema is its database
    ],
)
def test_the_address_is_https_unless_the_form_says_otherwise(
    host: str, schema: str, port: int | None, address: str
) -> None:
    assert base_url(SimpleNamespace(host=host, schema=schema, port=port)) == address


@pytest.mark.parametrize(
    ("extra", "login"),
    [
        ({}, BearerToken("secret")),
        ({"auth": "admin"}, AdminLogin("name", "secret")),
        ({"access_token": "t", "access_token_secret": "ts"}, OAuth1("name", "secret", "t", "ts")),
        ({"auth": "oauth1", "access_token": "t", "access_token_secret": "ts"}, OAuth1("name", "secret", "t", "ts")),
    ],
)
def test_the_login_of_a_shop_follows_from_the_fields_that_are_filled(
    connections: Any, extra: dict[str, str], login: object
) -> None:
    connections(shop={"conn_type": "magento", "host": NOBODY, "login": "name", "password": "secret", "extra": extra})
    assert MagentoHook("shop").get_conn().connection.auth == login


def test_connection_settings_of_an_instance_override_those_of_the_connection(connections: Any) -> None:
    connections(books={**ODOO, "extra": {"company_id": 7, "read_timeout": "5"}})
    own, given = OdooHook("books").get_conn().connection, OdooHook("books", company_id=2).get_conn().connection
    assert (own.company_id, given.company_id, own.read_timeout) == (7, 2, 5.0)


def test_the_test_button_names_the_field_that_is_missing_and_no_secret(connections: Any) -> None:
    connections(
        books={**ODOO, "schema": ""},
        shop={"conn_type": "magento", "host": NOBODY, "password": "s3cr3t", "extra": {"auth": "oauth1"}},
    )
    assert OdooHook("books").test_connection() == (False, "the Odoo connection lacks database")
    works, message = MagentoHook("shop").test_connection()
    assert (works, "s3cr3t" in message) == (False, False)
    assert "lacks consumer_key, access_token, access_token_secret" in message


def test_the_test_button_says_in_a_sentence_that_nothing_answers(connections: Any) -> None:
    connections(books=ODOO, shop={"conn_type": "magento", "host": NOBODY, "password": "secret"})
    works, message = OdooHook("books", attempts=1).test_connection()
    assert (works, message.startswith("host: ")) == (False, True)
    works, message = MagentoHook("shop", attempts=1).test_connection()
    assert (works, message.startswith("Wrong: host. ")) == (False, True)


def test_a_step_of_an_instance_that_cannot_be_used_says_what_is_wrong_with_its_settings(
    connections: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = {"magento_connection": "shop", "odoo_connection": "books", "odoo": {"company_id": 3}}
    file = tmp_path / "magodoo.yaml"
    file.write_text(json.dumps({"instances": {"us": sound, "broken": {"magento_connection": "shop"}}}))
    monkeypatch.setenv("MAGODOO_SETTINGS", str(file))
    monkeypatch.setenv("AIRFLOW_CONN_MAGODOO_STAGING", "postgresql://nobody@127.0.0.1:9/none")
    connections(books=ODOO)
    with open_context("us", needs=("odoo",), dag_run="a run") as context:
        assert context.magento_client is None
        assert context.odoo.connection.company_id == 3
    for name, why in (
        ("fr", r"no usable instance 'fr'.*known: \['us'\]"),
        ("broken", "odoo_connection: this setting is missing"),
    ):
        with pytest.raises(BadSettings, match=why), open_context(name, needs=(), dag_run="a run"):
            pytest.fail("there is nothing to open")


def test_links_lead_to_the_page_of_the_instance_and_of_the_run_whatever_their_names() -> None:
    operator, key = (
        SimpleNamespace(instance="u&s"),
        SimpleNamespace(task_id="gate", run_id="manual__2026-11-22T00:00+00:00"),
    )
    assert SalesPageLink().get_link(operator, ti_key=key).endswith("?instance=u%26s")
    assert ChangesLink().get_link(operator, ti_key=key).endswith("changes?instance=u%26s")
    assert (
        DataDocsLink()
        .get_link(operator, ti_key=key)
        .endswith("data-docs/u%26s/manual__2026-11-22T00%3A00%2B00%3A00/index.html")
    )
