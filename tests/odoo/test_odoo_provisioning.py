"""A fresh Odoo with a chart of accounts: what the settings name is made on it, once, and preflight finds no error then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sandbox_backend import LIVE

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.pipeline import preflight
from magodoo.preflight import Status
from magodoo.preflight.subject import Subject
from magodoo.provisioning import lacking, making
from magodoo.settings import Settings
from magodoo.staging import connect
from magodoo.timestamps import utc_now
from magodoo_devstack.live_odoo import LiveOdoo
from magodoo_sandbox.magento import MagentoShop, RunningSandbox

pytestmark = LIVE
INSTANCE: dict[str, Any] = {
    "id": "us",
    "magento_connection": "magento_us",
    "odoo_connection": "odoo_us",
    "books_from": "2026-11-01 00:00",
    "payment_methods": {
        "stripe": {"captured_by_provider": True, "journal": "STRIP"},
        "invoice": {"payment_term": "30 days of ours"},
    },
    "taxes": [{"rate": "15", "odoo_tax": "15%", "country": "US"}],
    "extra_totals": {
        "gift_card": {"nature": "payment_part", "journal": "GIFT"},
        "fee": {"nature": "charge", "product": "PAYFEE", "fields": ["extension_attributes.fee"]},
    },
    "odoo": {"sales_journal": "INV", "pricelists": {"USD": "Magento USD"}, "warehouses": {"WH": "default"}},
}


def test_after_provisioning_preflight_finds_no_error_on_a_fresh_odoo(odoo: LiveOdoo, staging_url: str) -> None:
    if not isinstance(odoo, LiveOdoo):
        pytest.skip("a server of somebody else has no fresh database")
    database, access = odoo.fresh()
    engine = connect(staging_url)
    settings = Settings.model_validate({"instances": {"us": INSTANCE}})
    instance = settings.instances["us"]
    own = {
        user: replace(odoo.connection(user, database, access.companies[0]), api_key=access.keys[user])
        for user in ("sync", "admin")
    }
    with OdooClient.connect(own["sync"]) as daily, OdooClient.connect(own["admin"]) as admin:
        plan = lacking.plan(daily, instance)
        assert len(plan.records) == 12 and plan.by_hand == ()
        made = list(making.make(admin, plan.records))
        assert [f"{each.record.what}: {each.problem}" for each in made if each.problem] == []
        there = admin.external_ids.find([record.external_id for record in plan.records])
        assert there == {each.record.external_id: each.id for each in made}
        (shipping,) = daily.master_data.products(["SHIPPING"])
        assert (shipping["type"], shipping["invoice_policy"]) == ("service", "order")
        (term,) = daily.rpc.listed("account.payment.term", ["line_ids"], [["name", "=", "30 days of ours"]])
        lines = daily.rpc.read("account.payment.term.line", term["line_ids"], ["value", "value_amount", "nb_days"])
        assert [(line["value"], line["value_amount"], line["nb_days"]) for line in lines] == [("percent", 100, 30)]
        (field,) = admin.rpc.search_read(
            "ir.model.fields", [["name", "=", "x_magento_key"]], ["ttype", "index", "copied", "state"]
        )
        assert (field["ttype"], field["index"], field["copied"], field["state"]) == ("char", True, False, "manual")
    with OdooClient.connect(own["sync"]) as again, RunningSandbox(MagentoShop()) as magento:
        assert lacking.plan(again, instance) == lacking.Plan()
        shop = MagentoClient(
            MagentoConnection.from_mapping({"base_url": magento.url, "token": magento.token, "attempts": 1})
        )
        subject = Subject(
            settings=settings, instance=instance, engine=engine, magento_client=shop, odoo_client=again,
            reach_smtp=lambda: "mail:25", now=utc_now,
        )  # fmt: skip
        lines = preflight.run(subject)
    engine.dispose()
    assert [f"{line.name}: {line.found}" for line in lines if line.status is Status.ERROR] == []


def test_a_restricted_key_makes_nothing_and_says_so(odoo: LiveOdoo) -> None:
    settings = Settings.model_validate({"instances": {"us": {**INSTANCE, "odoo": {"shipping_product": "OTHER"}}}})
    with OdooClient.connect(odoo.connection("sync", odoo.database)) as daily:
        plan = lacking.plan(daily, settings.instances["us"])
        made = list(making.make(daily, plan.records))
        assert made and all(each.problem for each in made)
        assert lacking.plan(daily, settings.instances["us"]).records == plan.records
