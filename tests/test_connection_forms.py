"""The hooks: what the connection form asks for reaches the clients, and the *Test* button answers in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from magento_double import Asked, Shop, recorded, served

from magodoo.errors import BadSettings
from magodoo_airflow.hooks.magento import MagentoHook
from magodoo_airflow.hooks.odoo import OdooHook
from magodoo_airflow.provider import get_provider_info

LOGINS = {"magento": {"login": "key", "password": "secret"}, "odoo": {"schema": "books", "password": "key"}}


def connect(monkeypatch: pytest.MonkeyPatch, kind: str, host: str, **extra: Any) -> None:
    made = {"conn_type": kind, "host": host, **LOGINS[kind], "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_TRIED", json.dumps(made))


def extra_fields(kind: str) -> set[str]:
    """The fields that the form of this connection type adds to Airflow's own."""
    return next(
        set(each["conn-fields"]) for each in get_provider_info()["connection-types"] if each["connection-type"] == kind
    )


def test_the_test_button_says_what_magento_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(asked: Asked) -> Any:
        return recorded("auth_oauth1_bad_signature" if "currency" not in asked.path else "get_order_404")

    with served(Shop()) as shop:
        shop.answer = refuse  # type: ignore[method-assign]
        connect(monkeypatch, "magento", shop.url, auth="bearer")
        works, told = MagentoHook("tried").test_connection()
    assert not works
    assert told.startswith("Wrong: token.") and "ConnectionReport" not in told


@pytest.fixture
def authority(tmp_path: Path) -> str:
    file = tmp_path / "house.pem"
    file.touch()
    return str(file)


def test_every_field_of_the_magento_form_reaches_the_client(monkeypatch: pytest.MonkeyPatch, authority: str) -> None:
    given = {
        "auth": "oauth1",
        "access_token": "token",
        "access_token_secret": "hidden",
        "store_code": "eu",
        "page_size": 50,
        "verify": authority,
    }
    assert extra_fields("magento") == set(given)
    connect(monkeypatch, "magento", "https://shop.example.com", **given)
    made = MagentoHook("tried").get_conn().connection
    assert (made.store_code, made.page_size, made.verify) == ("eu", 50, authority)
    assert vars(made.auth) == {
        "consumer_key": "key",
        "consumer_secret": "secret",
        "access_token": "token",
        "access_token_secret": "hidden",
    }


def test_every_field_of_the_odoo_form_reaches_the_client(monkeypatch: pytest.MonkeyPatch, authority: str) -> None:
    given = {"company_id": 3, "ca_bundle": authority}
    assert extra_fields("odoo") == set(given)
    connect(monkeypatch, "odoo", "https://books.example.com", **given)
    made = OdooHook("tried").get_conn().connection
    assert (made.company_id, made.ca_bundle) == (3, authority)


@pytest.mark.parametrize(
    ("hook", "kind", "field"), [(MagentoHook, "magento", "verify"), (OdooHook, "odoo", "ca_bundle")]
)
def test_a_missing_file_is_named_with_its_field(
    monkeypatch: pytest.MonkeyPatch, hook: type[MagentoHook] | type[OdooHook], kind: str, field: str
) -> None:
    connect(monkeypatch, kind, "https://shop.example.com", **{field: "/nowhere/house.pem"})
    assert hook("tried").test_connection() == (False, f"the {kind.title()} connection's {field} cannot be read")
    with pytest.raises(BadSettings):
        hook("tried").get_conn()
