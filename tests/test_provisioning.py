"""`make provision`: what Odoo lacks is shown with its values, made on a yes only, each once; nothing that exists is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine, text

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.pipeline import preflight
from magodoo.preflight import Status
from magodoo.preflight.subject import Subject
from magodoo.provisioning import lacking, making
from magodoo.provisioning.lacking import Decides
from magodoo.settings import Settings, read_settings
from magodoo.staging import connect
from magodoo.timestamps import utc_now
from magodoo_sandbox.magento import MagentoShop
from magodoo_sandbox.magento import RunningSandbox as RunningMagento
from magodoo_sandbox.odoo import OdooDatabase
from magodoo_sandbox.odoo import RunningSandbox as RunningOdoo
from magodoo_sandbox.odoo.installation import install

INSTANCE: dict[str, Any] = {
    "magento_connection": "magento_us",
    "odoo_connection": "odoo_us",
    "books_from": "2026-11-01 00:00",
    "payment_methods": {
        "stripe": {"captured_by_provider": True, "journal": "STRIP"},
        "invoice": {"payment_term": "30 days"},
    },
    "taxes": [{"rate": "15", "odoo_tax": "15%", "country": "US"}],
    "extra_totals": {
        "gift_card": {"nature": "payment_part", "journal": "GIFT"},
        "fee": {"nature": "charge", "product": "PAYFEE", "fields": ["extension_attributes.fee"]},
    },
    "recipients": {"accounting": ["a@example.com"], "warehouse": ["w@example.com"], "it": ["i@example.com"]},
    "odoo": {"sales_journal": "INV", "pricelists": {"USD": "Magento USD"}, "warehouses": {"WH": "default"}},
}


@dataclass
class Lab:
    """A fresh Odoo with a chart of accounts, and the command in front of it."""

    odoo: RunningOdoo
    engine: Engine
    staging_url: str
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "magodoo.yaml"

    def describe(self, **changes: Any) -> None:
        self.file.write_text(yaml.safe_dump({"instances": {"us": {**INSTANCE, **changes}}}), encoding="utf-8")

    def client(self, key: str = "sync-key") -> OdooClient:
        return OdooClient.connect(OdooConnection(self.odoo.url, "odoo", key, 1, login=key.partition("-")[0]))

    def run(self, *words: str, answers: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        connections = {
            "odoo_us": {
                "conn_type": "odoo",
                "host": self.odoo.url,
                "schema": "odoo",
                "password": "sync-key",
                "login": "sync",
            },
            "magodoo_staging": self.staging_url.replace("+psycopg2", ""),
        }
        given = {
            f"AIRFLOW_CONN_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in connections.items()
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "YES", "ODOO"))}
        return subprocess.run(
            [sys.executable, "-m", "magodoo_airflow.provision", *words], cwd=self.folder, input=answers, text=True, capture_output=True,
            env={**kept, **given, "AIRFLOW_HOME": str(self.folder), "MAGODOO_SETTINGS": str(self.file), **variables}, check=False,
        )  # fmt: skip

    def counts(self) -> dict[str, int]:
        return {model: len(rows) for model, rows in self.odoo.db.tables.items() if rows}

    def log(self) -> list[Any]:
        with self.engine.connect() as connection:
            return list(
                connection.execute(
                    text("select decision, who, about, about_id, number, after from decision order by id")
                )
            )


@pytest.fixture
def lab(staging_url: str, tmp_path: Path) -> Iterator[Lab]:
    database = OdooDatabase()
    install(database)
    database.give_keys(sync="sync-key", admin="admin-key")
    engine = connect(staging_url)
    with RunningOdoo(database) as odoo:
        made = Lab(odoo, engine, staging_url, tmp_path)
        made.describe()
        yield made
    engine.dispose()


def test_without_a_yes_everything_is_shown_and_nothing_is_made(lab: Lab) -> None:
    before = lab.counts()
    done = lab.run()
    assert done.returncode == 0, done.stderr
    for shown in (
        "service product SHIPPING", "service product ADJ-MINUS", "service product PAYFEE", "field x_magento_key of deliveries",
        "pricelist Magento USD", "payment term 30 days", "account 101410 Stripe clearing", "journal STRIP Stripe, payments wait on 101410",
        "Gift card liability", "account_type 'liability_current'",
        "nb_days '30'", "by hand: Accounting, Configuration, Journals",
    ):  # fmt: skip
        assert shown in done.stdout, shown
    assert "Nothing was made" in done.stdout and "YES=1" in done.stdout
    assert lab.counts() == before and lab.log() == []


def test_after_it_preflight_finds_no_error_on_a_fresh_odoo(lab: Lab) -> None:
    done = lab.run(YES="1", ODOO_ADMIN_KEY="admin-key", ODOO_ADMIN_LOGIN="admin")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "admin-key" not in done.stdout + done.stderr
    settings = read_settings(lab.file)
    with RunningMagento(MagentoShop()) as magento, lab.client() as odoo:
        shop = MagentoClient(
            MagentoConnection.from_mapping({"base_url": magento.url, "token": magento.token, "attempts": 1})
        )
        subject = Subject(
            settings=settings, instance=settings.instances["us"], engine=lab.engine, magento_client=shop, odoo_client=odoo,
            reach_smtp=lambda: "mail:25", now=utc_now,
        )  # fmt: skip
        lines = preflight.run(subject)
    wrong = [f"{line.name}: {line.found}" for line in lines if line.status is Status.ERROR]
    assert wrong == []
    named = {line.name: line for line in lines}
    for check in (
        "Odoo: delivery key",
        "Mappings: service products",
        "Books: payment journals",
        "Mappings: amounts beside the parts",
        "Books: currencies and pricelists",
    ):
        assert named[check].status is Status.OK, named[check]


def test_each_record_has_an_external_id_stands_in_the_log_and_is_made_once(lab: Lab) -> None:
    lab.run(YES="1", ODOO_ADMIN_KEY="admin-key", ODOO_ADMIN_LOGIN="admin")
    log = lab.log()
    assert {row.decision for row in log} == {"provision"} and all(row.who for row in log)
    with lab.client() as client:
        there = client.external_ids.find([row.about_id for row in log])
    assert set(there) == {row.about_id for row in log} and len(there) == 12
    shipping = next(row for row in log if "shipping" in row.about_id and row.about == "product.product")
    assert shipping.after["default_code"] == "SHIPPING" and shipping.after["invoice_policy"] == "order"
    before = lab.counts()
    again = lab.run(YES="1", ODOO_ADMIN_KEY="admin-key", ODOO_ADMIN_LOGIN="admin")
    assert again.returncode == 0 and "Odoo lacks nothing" in again.stdout
    assert lab.counts() == before and len(lab.log()) == len(log)
    listed = lab.run("--list")
    assert listed.returncode == 0
    for row in log:
        assert row.about_id in listed.stdout
    assert (
        listed.stdout.count("take it back: ") == 12
        and "Journals, STRIP: delete it as long as nothing is booked" in listed.stdout
    )


def test_accounting_and_it_say_yes_apart(lab: Lab) -> None:
    done = lab.run("--ask", answers="n\ny\nadmin-key\n", ODOO_ADMIN_LOGIN="admin")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row.about for row in lab.log()} == {"product.product", "product.pricelist", "ir.model.fields"}
    assert "accounting decides" in done.stdout and "IT decides" in done.stdout
    done = lab.run()
    assert "service product" not in done.stdout and "journal STRIP" in done.stdout


def test_what_exists_is_never_changed(lab: Lab) -> None:
    env = lab.odoo.db.env("admin")
    env["product.product"].make(env, [{"name": "Ours", "default_code": "SHIPPING", "type": "consu", "active": False}])
    env["account.journal"].make(env, [{"name": "Old", "code": "STRIP", "type": "bank", "company_id": 1}])
    rows = {
        model: json.dumps(list(lab.odoo.db.tables[model].values()), default=str)
        for model in ("product.product", "account.journal", "account.payment.method.line")
    }
    done = lab.run(YES="1", ODOO_ADMIN_KEY="admin-key", ODOO_ADMIN_LOGIN="admin")
    assert "the product SHIPPING is archived" in done.stdout
    assert "the journal STRIP has no outstanding account in both directions" in done.stdout
    for model, before in rows.items():
        now = list(lab.odoo.db.tables[model].values())
        assert json.dumps(now[: len(json.loads(before))], default=str) == before, model


def test_a_key_that_may_not_create_is_told_the_clicks(lab: Lab) -> None:
    done = lab.run(YES="1", ODOO_ADMIN_KEY="sync-key", ODOO_ADMIN_LOGIN="sync")
    assert done.returncode == 1
    assert "not made: account 101410" in done.stdout and "not tried, because its account was not made" in done.stdout
    assert done.stdout.count("    by hand: ") >= 24, "in the plan, and beside each refusal"
    assert "0 made, 12 not" in done.stdout


def test_nothing_is_made_without_the_log_or_with_the_key_of_another_database(lab: Lab) -> None:
    before = lab.counts()
    done = lab.run(
        YES="1", ODOO_ADMIN_KEY="admin-key", AIRFLOW_CONN_MAGODOO_STAGING="postgresql://nobody@127.0.0.1:9/none"
    )
    assert done.returncode == 1 and "the log of decisions is not reached" in done.stderr
    assert lab.counts() == before


def test_a_right_is_said_and_never_given(lab: Lab) -> None:
    env = lab.odoo.db.env("admin")
    env["res.users"].put(env, lab.odoo.db.uid_of("sync"), group_ids=[5, 7, 10])
    before = json.dumps(list(lab.odoo.db.tables["res.users"].values()), default=str)
    done = lab.run(YES="1", ODOO_ADMIN_KEY="admin-key", ODOO_ADMIN_LOGIN="admin")
    assert "add base.group_partner_manager (never done by magodoo)" in done.stdout
    assert json.dumps(list(lab.odoo.db.tables["res.users"].values()), default=str) == before


def test_a_run_that_broke_off_goes_on_where_it_was(lab: Lab) -> None:
    """The account was made and the journal was not; then the journal was made and its payments did not wait yet."""
    instance = Settings.model_validate({"instances": {"us": {**INSTANCE, "id": "us"}}}).instances["us"]
    with lab.client() as daily, lab.client("admin-key") as admin:
        account, journal = [
            record for record in lacking.plan(daily, instance).of(Decides.ACCOUNTING) if "strip" in record.external_id
        ]
        list(making.make(admin, [account]))
        rest = [record for record in lacking.plan(daily, instance).records if "strip" in record.external_id]
        assert [record.model for record in rest] == ["account.journal"] and rest[0].outstanding == account.external_id
        admin.bulk_load.create(
            "account.journal", ["id", *("name", "code", "type")], [[journal.external_id, "Stripe", "STRIP", "bank"]]
        )
        (last,) = [record for record in lacking.plan(daily, instance).records if "strip" in record.external_id]
        (made,) = making.make(admin, [last])
        assert not made.problem
        assert not [record for record in lacking.plan(daily, instance).records if "strip" in record.external_id]
