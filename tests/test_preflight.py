"""Preflight: a prepared pair of systems passes; each thing that is wrong is found and named with what to do about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Engine, text

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.connectors.odoo.versions import Version
from magodoo.errors import FixConfiguration
from magodoo.notifications import outbox
from magodoo.pipeline import preflight
from magodoo.preflight import CheckLine, Status, clock, deployment, mappings, passed, why_not
from magodoo.preflight.odoo import hosting
from magodoo.preflight.results import settings_hash, table
from magodoo.preflight.subject import Subject
from magodoo.settings import Instance, Settings, read_settings
from magodoo.staging import connect
from magodoo.timestamps import utc_now
from magodoo_sandbox.magento import RunningSandbox as RunningMagento
from magodoo_sandbox.odoo import RunningSandbox as RunningOdoo
from magodoo_sandbox.odoo.fields import boolean

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NETHERLANDS, EUR = 165, 126
INSTANCE: dict[str, Any] = {
    "magento_connection": "shop",
    "odoo_connection": "books",
    "books_from": "2026-11-01 00:00",
    "time_zone": "America/Chicago",
    "payment_methods": {"card": {"captured_by_provider": True, "journal": "CARD"}, "checkmo": {}},
    "taxes": [{"rate": "8.25", "odoo_tax": "US 8.25%", "country": "US"}, {"rate": "0", "odoo_tax": "0% Exempt", "country": "US"}],
    "recipients": {"accounting": ["a@example.com"], "warehouse": ["w@example.com"], "it": ["i@example.com"]},
    "odoo": {"pricelists": {"USD": "Magento USD"}, "carriers": {"flatrate": "Flat Rate - Fixed"}},
}  # fmt: skip

TWIN = {
    "id": "twin",
    "magento_connection": "another",
    "odoo_connection": "books",
}  # keeps its accounts in the same company


@pytest.fixture(scope="module")
def engine(module_staging_url: str) -> Iterator[Engine]:
    made = connect(module_staging_url)
    with made.begin() as connection:
        for number, method, sku in ((1, "card", "SHIPPING"), (2, "klarna", "NO-SUCH-SKU")):
            connection.execute(
                text("""insert into document (instance, side, kind, source_id, number, state, currency, payment_method,
                    request_began_at, version) values ('us', 'magento', 'order', :id, :id, 'processing', 'USD', :method, now(), 1)"""),
                {"id": str(number), "method": method},
            )
            connection.execute(
                text("""insert into line (instance, side, kind, source_id, line_id, sku)
                    values ('us', 'magento', 'order', :id, '1', :sku)"""),
                {"id": str(number), "sku": sku},
            )
    yield made
    made.dispose()


CHECKS = dict((*deployment.STAGING_CHECKS, *deployment.CHECKS, *preflight.MAGENTO, *preflight.ODOO))


@dataclass
class Lab:
    """Both systems, and a preflight of them with the settings above and the given changes."""

    engine: Engine
    magento: RunningMagento
    odoo: RunningOdoo
    at: datetime = NOW

    def subject(
        self,
        *,
        token: str = "",
        key: str = "sync-key",
        smtp: Callable[[], str] = lambda: "mail:25",
        others: dict[str, Any] | None = None,
        **more: Any,
    ) -> Subject:
        settings = Settings.model_validate({"instances": {"us": {**INSTANCE, **more, "id": "us"}, **(others or {})}})
        shop = {"base_url": self.magento.url, "token": token or self.magento.token, "attempts": 1}
        return Subject(
            settings=settings,
            instance=settings.instances["us"],
            engine=self.engine,
            magento_client=MagentoClient(MagentoConnection.from_mapping(shop)),
            odoo_client=OdooClient.connect(OdooConnection(self.odoo.url, "odoo", key, 1, attempts=1)),
            reach_smtp=smtp,
            now=lambda: self.at,
        )

    def examine(self, **changes: Any) -> dict[str, CheckLine]:
        """The lines by name."""
        return {line.name: line for line in preflight.run(self.subject(**changes))}

    def run_check(self, name: str, **changes: Any) -> CheckLine:
        """One check alone: a whole preflight is some sixty requests."""
        return CHECKS[name](self.subject(**changes)).line("us", name)

    def change(self, model: str, field: str, value: object, **vals: Any) -> None:
        """Changes Odoo's records whose field has a value, as an administrator."""
        env = self.odoo.db.env("admin")
        ids = [row["id"] for row in env[model].rows.values() if row.get(field) == value]
        assert ids, f"no {model} with {field} {value}"
        env[model].change(env, ids, vals)

    def id_of(self, model: str, name: str) -> int:
        return next(row["id"] for row in self.odoo.db.env("admin")[model].rows.values() if row["name"] == name)

    def make(self, model: str, **vals: Any) -> int:
        env = self.odoo.db.env("admin")
        return int(env[model].make(env, [vals])[0])


@pytest.fixture
def lab(engine: Engine) -> Iterator[Lab]:
    with RunningMagento() as magento, RunningOdoo() as odoo:
        yield Lab(engine, magento, odoo)


def status(lines: dict[str, CheckLine], name: str) -> str:
    return lines[name].status.value


def test_prepared_systems_pass_and_problems_of_single_orders_are_warnings(lab: Lab) -> None:
    lines = lab.examine()
    assert [line for line in lines.values() if line.status is Status.ERROR] == []
    assert "klarna (1 order)" in lines["Mappings: payment methods"].found
    assert "NO-SUCH-SKU" in lines["Mappings: products"].found
    assert all(line.todo for line in lines.values() if line.status is not Status.OK)


def test_every_area_of_preflight_has_a_line(lab: Lab) -> None:
    areas = (
        "connection and rights", "version", "address", "database", "clock", "stores", "sources", "delivery key", "warehouses", "automatic invoicing",
        "other connectors", "taxes", "service products", "payment methods", "delivery methods", "products", "cut-over", "lock dates",
        "currencies", "company rate", "sales journal", "payment journals", "e-invoicing", "mails", "staging schema",
    )  # fmt: skip
    names = " | ".join(lab.examine())
    assert [area for area in areas if area not in names] == []


def test_nothing_is_written_to_either_system(lab: Lab) -> None:
    before = len(lab.magento.shop.tables.orders), {name: len(rows) for name, rows in lab.odoo.db.tables.items()}
    lab.examine()
    after = len(lab.magento.shop.tables.orders), {name: len(rows) for name, rows in lab.odoo.db.tables.items()}
    assert after == before
    assert all(
        entry["path"].rpartition("/")[2] not in ("create", "write", "load", "unlink") for entry in lab.odoo.app.log
    )


# What is wrong in Odoo

Damage = Callable[[Lab], object]


@pytest.mark.parametrize(
    ("damage", "check", "expected", "found"),
    [
        (lambda lab: lab.change("account.tax", "name", "US 8.25%", active=False), "Mappings: taxes", "error", "tax 'US 8.25%' is archived"),
        (lambda lab: lab.change("account.tax", "name", "US 8.25%", amount=9), "Mappings: taxes", "error", "is 9 %"),
        (
            lambda lab: lab.change("account.tax", "name", "US 8.25%", price_include_override="tax_included"),
            "Mappings: taxes", "error", "included in the price",
        ),
        (
            lambda lab: lab.change("product.product", "default_code", "SHIPPING", invoice_policy="delivery"),
            "Mappings: service products", "error", "delivered quantities",
        ),
        (
            lambda lab: lab.change("product.product", "default_code", "ADJ-PLUS", active=False),
            "Mappings: service products", "error", "product ADJ-PLUS is archived",
        ),
        (
            lambda lab: lab.make("product.product", name="Twin", default_code="SHIPPING", type="service"),
            "Mappings: service products", "error", "2 products SHIPPING",
        ),
        (
            lambda lab: lab.change("delivery.carrier", "name", "Flat Rate - Fixed", active=False),
            "Mappings: delivery methods", "warning", "Flat Rate - Fixed",
        ),
        (
            lambda lab: lab.change("product.product", "default_code", "SHIPPING", type="consu"),
            "Mappings: service products", "error", "SHIPPING is no service",
        ),
        (
            lambda lab: lab.make("product.product", name="Twin", default_code="SHIPPING", type="service"),
            "Mappings: products", "warning", "several products for SHIPPING",
        ),
        (lambda lab: lab.change("account.journal", "code", "CARD", active=False), "Books: payment journals", "error", "CARD"),
        (lambda lab: lab.change("account.journal", "code", "INV", active=False), "Books: sales journal", "error", "no sales journal"),
        (
            lambda lab: lab.change("res.currency", "name", "USD", active=False),
            "Books: currencies and pricelists", "error", "USD is not active in Odoo",
        ),
        (
            lambda lab: lab.change("res.company", "id", 1, currency_id=EUR),
            "Books: currencies and pricelists", "warning", "USD has no rate to EUR",
        ),
        (lambda lab: lab.change("stock.warehouse", "company_id", 1, active=False), "Odoo: warehouses", "error", "no warehouse"),
        (
            lambda lab: lab.change("stock.picking.type", "code", "outgoing", create_backorder="never"),
            "Odoo: backorders", "warning", "cancelled by My Company: Delivery Orders",
        ),
        (
            lambda lab: lab.change("product.pricelist", "name", "Magento USD", active=False),
            "Books: currencies and pricelists", "error", "Magento USD",
        ),
        (
            lambda lab: lab.change("res.company", "id", 1, sale_lock_date="2026-11-10"),
            "Books: lock dates", "warning", "sale_lock_date 2026-11-10",
        ),
        (
            lambda lab: lab.make("account.journal", name="Second", code="INV2", type="sale", company_id=1),
            "Books: sales journal", "warning", "INV, INV2",
        ),
        (
            lambda lab: lab.make("ir.model.fields", name="magento_order_id", ttype="char", field_description="Magento",
                                 model_id=lab.odoo.db.store.find("ir.model", "model", "sale.order")[0]),
            "Odoo: other connectors", "error", "sale.order.magento_order_id",
        ),
    ],
)  # fmt: skip
def test_each_problem_in_odoo_is_named(lab: Lab, damage: Damage, check: str, expected: str, found: str) -> None:
    damage(lab)
    line = lab.run_check(check)
    assert (line.status.value, found in line.found) == (expected, True), line
    assert line.todo


def test_each_problem_of_a_mapped_company_is_named(lab: Lab) -> None:
    check, mapped = (
        "Odoo: warehouses of other companies",
        {"warehouse_companies": [2], "warehouses": {"WH2": "default"}},
    )
    line = lab.run_check(check, odoo={**INSTANCE["odoo"], **mapped})
    assert (line.status.value, "purchase orders cannot be read" in line.found) == ("warning", True), line
    assert "WH2" not in str(lab.run_check("Odoo: warehouses", odoo={**INSTANCE["odoo"], **mapped}).todo)
    lab.change("res.users", "login", "sync", company_ids=[[6, 0, [1]]])
    line = lab.run_check(check, odoo={**INSTANCE["odoo"], **mapped})
    assert (line.status.value, "company 2 cannot be read" in line.found) == ("error", True), line
    assert lab.run_check(check).status.value == "OK"
    with pytest.raises(ValueError, match="ships anyway"):
        Instance.model_validate({**INSTANCE, "id": "us", "odoo": {"warehouse_companies": [1]}})


def test_a_tax_that_does_not_exist_is_not_among_those_to_choose_from(lab: Lab) -> None:
    line = lab.run_check("Mappings: taxes", taxes=[{"rate": "8.25", "odoo_tax": "Texas", "country": "US"}])
    assert line.found.startswith("tax 'Texas' does not exist")
    assert "US 8.25%" in line.todo and "Texas" not in line.todo


def test_a_tax_hidden_by_a_record_rule_is_not_reported_as_missing(lab: Lab) -> None:
    (model,) = lab.odoo.db.store.find("ir.model", "model", "account.tax")
    tax = INSTANCE["taxes"][0]["odoo_tax"]
    lab.make("ir.rule", name="hidden", model_id=model, domain_force=f"[('name', '!=', {tax!r})]", active=True)
    line = lab.run_check("Mappings: taxes")
    assert f"tax {tax!r} does not exist, or may not be read: record rules" in line.found


def test_a_tax_of_another_country_needs_a_fiscal_position_with_a_tax_id_there(lab: Lab) -> None:
    group = lab.make("account.tax.group", name="NL", country_id=NETHERLANDS)
    dutch = {"name": "NL 21%", "amount": 21, "type_tax_use": "sale", "country_id": NETHERLANDS, "tax_group_id": group}
    lab.make("account.tax", **dutch)
    lab.make("account.fiscal.position", name="No tax ID", country_id=NETHERLANDS)
    lab.make("account.fiscal.position", name="Sales to NL", country_id=NETHERLANDS, foreign_vat="NL123456782B90")
    rule = {"rate": "21", "odoo_tax": "NL 21%", "country": "NL"}
    for position in ({}, {"fiscal_position": "No tax ID"}):
        line = lab.run_check("Mappings: taxes", taxes=[*INSTANCE["taxes"], {**rule, **position}])
        assert line.status is Status.WARNING
        assert "tax 'NL 21%' is of Netherlands, the company's fiscal country is United States" in line.found
        assert "8.25" not in line.found
        assert "fiscal position of Netherlands with a *foreign tax ID* there, or a tax of United States" in line.todo
    covered = [*INSTANCE["taxes"], {**rule, "fiscal_position": "Sales to NL"}]
    assert lab.run_check("Mappings: taxes", taxes=covered).status is Status.OK
    wrong = {"rate": "8.25", "odoo_tax": "US 8.25%", "country": "NL", "fiscal_position": "Sales to NL"}
    line = lab.run_check("Mappings: taxes", taxes=[wrong])
    assert "tax 'US 8.25%' is of United States, fiscal position 'Sales to NL' has a foreign tax ID" in line.found
    assert line.todo == "name a tax of Netherlands in its rule"


def test_a_service_product_that_was_never_made_is_to_be_created(lab: Lab) -> None:
    lab.change("product.product", "default_code", "ADJ-PLUS", default_code="PLUS")
    line = lab.run_check("Mappings: service products")
    assert line.found == "no product ADJ-PLUS: it does not exist"
    assert "create" in line.todo


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("asset_cash", "the bank account itself"),
        ("asset_receivable", "receivable or payable"),
        (None, "would make no entry"),
    ],
)
def test_an_invalid_clearing_account_is_refused(lab: Lab, kind: str | None, found: str) -> None:
    env = lab.odoo.db.env("admin")
    (journal,) = [
        row for row in env["account.journal"].rows.values() if row["code"] == "CARD" and row["company_id"] == 1
    ]
    account = (
        lab.make("account.account", name="Wrong", code="199999", account_type=kind, company_ids=[[6, 0, [1]]])
        if kind
        else False
    )
    lab.change("account.payment.method.line", "journal_id", journal["id"], payment_account_id=account)
    line = lab.run_check("Books: payment journals")
    assert line.status is Status.ERROR
    assert found in line.found
    assert "clearing" in line.todo


def test_an_administrator_sees_modules_and_parameters_and_thereby_more_risks(lab: Lab) -> None:
    lab.make("ir.module.module", name="magento2_connector", state="installed")
    lab.make("ir.module.module", name="l10n_xx_edi", state="installed")
    lab.make("ir.config_parameter", key="sale.automatic_invoice", value="True")
    lines = lab.examine(key="admin-key")
    assert "magento2_connector" in lines["Odoo: other connectors"].found
    assert status(lines, "Odoo: automatic invoicing") == "error"
    assert "l10n_xx_edi" in lines["Books: e-invoicing"].found


@pytest.mark.parametrize(
    ("url", "version", "changes", "found"),
    [
        ("https://books.example.com", Version(19), {}, ["a server of your own"]),
        ("https://notodoo.com", Version(19), {}, ["a server of your own"]),
        ("https://shop.odoo.com", Version(19), {}, ["up to 4 calls run at once"]),
        ("https://books.example.com", Version(19, 2), {}, ["up to 4 calls run at once"]),  # only Odoo Online runs it
        ("https://shop.odoo.com", Version(19), {"parallel": 1}, []),
        ("https://shop.odoo.com", Version(19), {"parallel": 1, "write_timeout": 901.0}, ["ended by the server after"]),
        ("https://shop.odoo.com", Version(19), {"parallel": 1, "settle_seconds": 899}, ["settle_seconds is 899"]),
    ],
)
def test_what_odoos_cloud_limits_is_named_as_far_as_address_and_version_show_it(
    url: str, version: Version, changes: dict[str, Any], found: list[str]
) -> None:
    parallel = changes.get("parallel", 4)
    connection = OdooConnection(
        url,
        "odoo",
        "key",
        1,
        parallel_reads=parallel,
        parallel_writes=1,
        write_timeout=changes.get("write_timeout", 120.0),
    )
    instance = SimpleNamespace(settle_seconds=changes.get("settle_seconds", 900))
    client = SimpleNamespace(connection=connection, rpc=SimpleNamespace(version=version))
    line = hosting(cast("Subject", SimpleNamespace(odoo=client, instance=instance))).line("us", "Odoo: hosting")
    told = [
        words
        for words in ("a server of your own", "at once", "ended by the server", "settle_seconds is")
        if words in line.found
    ]
    assert len(told) == len(found)
    assert all(words in line.found for words in found)
    assert (line.status is Status.WARNING) is (bool(found) and "own" not in found[0])


def test_since_20_the_company_says_whether_odoo_makes_invoices_by_itself(lab: Lab) -> None:
    lab.odoo.db.models["res.company"].add_field(boolean().named("sale_automatic_invoice"))
    assert lab.run_check("Odoo: automatic invoicing").status is Status.OK
    lab.change("res.company", "id", 1, sale_automatic_invoice=True)
    line = lab.run_check("Odoo: automatic invoicing")
    assert (line.status, "after an online payment" in line.found) == (Status.ERROR, True)


def test_an_administrator_sees_modules_that_are_missing_or_change_what_is_written(lab: Lab) -> None:
    assert lab.run_check("Odoo: modules", key="admin-key").status is Status.OK
    lab.make("ir.module.module", name="account_accountant", state="installed")
    lab.make("ir.module.module", name="account_followup", state="installed")
    line = lab.run_check("Odoo: modules", key="admin-key")
    assert (line.status, "*In Payment* until the bank statement" in line.found) == (Status.WARNING, True)
    line = lab.run_check("Odoo: modules", key="admin-key", invoices={"in_payment_counts": True})
    assert (line.status, "*In Payment* until the bank statement" in line.found) == (Status.WARNING, False)
    assert "Odoo Enterprise (account_accountant), on which this project was never run: *In Payment*" in line.found
    line = lab.run_check("Odoo: automatic invoicing", key="admin-key")
    assert (line.status, line.found) == (Status.WARNING, "follow-ups are installed: account_followup")
    lab.change("ir.module.module", "name", "sale_stock", state="uninstalled")
    line = lab.run_check("Odoo: modules", key="admin-key")
    assert (line.status, "not installed: sale_stock" in line.found) == (Status.ERROR, True)


def test_an_odoo_that_lacks_a_field_is_a_warning(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rpc, "has_field", lambda *_: False)
    assert "transfers have no tracking reference" in lab.run_check("Odoo: modules").found


def test_with_e_invoicing_drafts_are_the_default_and_posting_is_a_decision(lab: Lab) -> None:
    name = "Books: e-invoicing"
    assert lab.run_check(name, key="admin-key").found == "no electronic invoicing; invoices post, credit_memos post"
    lab.make("ir.module.module", name="account_edi", state="installed")
    unwritten = lab.run_check(name, key="admin-key")
    assert unwritten.status is Status.WARNING
    assert "account_edi; invoices, credit_memos become drafts" in unwritten.found
    assert "write to_odoo of invoices, credit_memos" in unwritten.todo
    post, draft = {"to_odoo": "post"}, {"to_odoo": "draft"}
    posting = lab.run_check(name, key="admin-key", invoices=post, credit_memos=draft)
    assert (posting.status, "invoices are posted" in posting.found) == (Status.WARNING, True)
    written = lab.run_check(name, key="admin-key", invoices=draft, credit_memos=draft)
    assert (written.status, written.found.endswith("; invoices draft, credit_memos draft")) == (Status.OK, True)


def test_e_invoicing_is_seen_by_a_user_who_may_not_list_modules(lab: Lab) -> None:
    move = lab.odoo.db.store.find("ir.model", "model", "account.move")[0]
    status = {"name": "l10n_it_edi_state", "ttype": "char", "field_description": "SDI", "model_id": move}
    lab.make("ir.model.fields", **status)
    assert "electronic invoicing is active: l10n_it_edi;" in lab.run_check("Books: e-invoicing").found


# What is wrong in Magento, in the settings, in the house


def test_a_missing_right_to_write_counts_only_where_magento_is_written(lab: Lab) -> None:
    reading = {
        "Magento_Sales::actions_view", "Magento_Sales::sales_invoice", "Magento_Sales::shipment", "Magento_Sales::sales_creditmemo",
        "Magento_Sales::transactions_fetch", "Magento_Backend::store", "Magento_Tax::manage_tax", "Magento_InventoryApi::source",
    }  # fmt: skip
    token = lab.magento.shop.accounts.add_integration(resources=reading).access_token
    name = "Magento: connection and rights"
    only_odoo = lab.examine(token=token, mode={"kinds": {"odoo_invoice": "apply"}})
    both = lab.examine(token=token, mode={"kinds": {"odoo_invoice": "apply", "magento_invoice": "apply"}})
    assert (status(only_odoo, name), status(both, name)) == ("warning", "error")
    assert "Magento_Sales::invoice" in both[name].todo
    assert "Magento: stores" in both


def test_a_wrong_key_is_reported_once_and_the_other_system_is_still_examined(lab: Lab) -> None:
    lines = lab.examine(key="wrong-key")
    assert status(lines, "Odoo: connection and rights") == "error"
    assert not any(name.startswith(("Mappings: taxes", "Books")) for name in lines)
    assert status(lines, "Magento: stores") == "OK"


def test_a_shop_that_is_away_is_an_error_and_no_crash(lab: Lab) -> None:
    lab.magento.stop()
    lines = lab.examine()
    assert status(lines, "Magento: connection and rights") == "error"
    assert status(lines, "Odoo: version") == "OK"


def test_a_connection_that_could_not_be_opened_says_why(lab: Lab) -> None:
    subject = replace(
        lab.subject(),
        magento_client=None,
        unopened={"magento": ("Airflow has no connection shop", "make init asks for it")},
    )
    lines = {line.name: line for line in preflight.run(subject)}
    assert "Airflow has no connection shop" in lines["Magento: connection and rights"].found


@pytest.mark.parametrize(
    ("changes", "check", "expected", "found"),
    [
        ({"books_from": None}, "Books: cut-over", "error", "not set"),
        ({"books_from": "2027-01-01 00:00"}, "Books: cut-over", "warning", "future"),
        ({"stores": [1, 99]}, "Magento: stores", "error", "no store 99"),
        ({"taxes": []}, "Mappings: taxes", "error", "no tax rules"),
        ({"taxes": [{"rate": 0, "odoo_tax": "0% Exempt"}]}, "Mappings: taxes", "error", "by the rate alone"),
        ({"odoo": {"sales_journal": "NOPE"}}, "Books: sales journal", "error", "NOPE"),
        ({"odoo": {}}, "Books: currencies and pricelists", "error", "several pricelists in USD"),
        ({"odoo": {"pricelists": {"USD": "Nope"}}}, "Books: currencies and pricelists", "error", "no single pricelist 'Nope' in USD"),
        ({"books_from": None}, "Books: lock dates", "OK", "no lock date is set"),
        ({"others": {"twin": TWIN}}, "Books: sales journal", "warning", "the sales journal is shared with twin"),
        ({"others": {"twin": TWIN}}, "House: neighbours", "warning", "twin keeps its books in the same company"),
        (
            {"payment_methods": {name: {"captured_by_provider": True, "journal": "CARD"} for name in ("card", "wallet")}},
            "Books: payment journals", "warning", "several methods share the journal CARD",
        ),
        ({"payment_methods": {"card": {"invoice_means_paid": True}}}, "Books: policies", "warning", "card: every Magento invoice counts"),
        (
            {"taxes": [{"rate": "8.25", "odoo_tax": "US 8.25%", "fiscal_position": "Nowhere"}]},
            "Mappings: taxes", "error", "no single fiscal position Nowhere",
        ),
        ({"odoo": {"warehouses": {"XX": "default"}}}, "Odoo: warehouses", "error", "no warehouse XX"),
        ({"odoo": {"warehouses": {"WH": "nowhere"}}}, "Magento: sources", "error", "no enabled source nowhere"),
        ({"odoo": {"delivery_key_field": "x_other"}}, "Odoo: delivery key", "error", "x_other"),
        ({"odoo": {"delivery_key_field": "sale_id"}}, "Odoo: delivery key", "error", "holds no text"),
        ({"stores": [1], "deleted_stores": "ignore"}, "Magento: stores", "warning", "store view that was deleted"),
        ({"payment_methods": {"card": {"captured_by_provider": True}}}, "Books: payment journals", "error", "without journal"),
        ({"payment_methods": {"card": {"journal": "INV"}}}, "Books: payment journals", "error", "no single bank or cash"),
        ({"payment_methods": {"card": {"payment_term": "Soon"}}}, "Mappings: payment methods", "error", "Soon"),
        ({"settle_seconds": 60}, "House: times", "error", "shorter than a write"),
        ({"lease_seconds": 600}, "House: times", "error", "a lease ends"),
        ({"recipients": {}}, "House: mails", "warning", "nobody"),
        ({"invoices": {"to_magento": "when_posted"}}, "Books: policies", "warning", "as soon as Odoo posts"),
        ({"notify_customers": True}, "Books: policies", "warning", "mail the customer"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_the_systems_are_named(
    lab: Lab, changes: dict[str, Any], check: str, expected: str, found: str
) -> None:
    line = lab.run_check(check, **changes)
    assert (line.status.value, found in line.found) == (expected, True), line


def rules_line(lab: Lab, *rules: dict[str, Any], **changes: Any) -> str:
    """What preflight finds about tax rules of 0 % for GB that lead to the same tax of Odoo unless they say otherwise."""
    taxes = [{"rate": 0, "country": "GB", "odoo_tax": "0% Exempt", **rule} for rule in rules]
    return lab.run_check("Mappings: taxes", taxes=taxes, **changes).found


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({}, {}),
        ({}, {"postcodes": "BT*"}),
        ({"postcodes": ["BT*", "SW*"]}, {"postcodes": "bt1*"}),
        ({"region": "jersey"}, {"region": "Jersey", "kind": "goods"}),
        ({"has_vat": True}, {"vat_checked": True}),
        ({"vat_checked": False}, {"has_vat": False}),
        ({"valid_from": "2026-01-01"}, {"valid_from": "2026-07-01"}),
        ({"consignment_above": 100}, {"consignment_above": 135, "consignment_up_to": 150}),
        ({"from_country": "PL"}, {"from_source": "lodz"}),
        ({"customer_group": 3}, {"customer_group": 3, "from_country": "PL"}),
    ],
)
def test_a_tax_rule_that_is_never_reached_is_named_with_its_line(
    lab: Lab, tmp_path: Path, earlier: dict[str, Any], later: dict[str, Any]
) -> None:
    never = "rule 2 of `taxes` is never reached: rule 1 of `taxes` fits all that it fits"
    countries = {"source_countries": {"lodz": "PL"}}
    assert never in rules_line(lab, earlier, later, **countries)
    if earlier != later:
        assert "never reached" not in rules_line(lab, later, earlier, **countries)
    rules = [{"rate": 0, "country": "GB", "odoo_tax": "0% Exempt", **rule} for rule in (earlier, later)]
    file = tmp_path / "magodoo.yaml"
    lines = "".join(f"      - {json.dumps(rule)}\n" for rule in rules)
    file.write_text(
        f"instances:\n  us:\n    magento_connection: m\n    odoo_connection: o\n    taxes:\n{lines}", encoding="utf-8"
    )
    read = read_settings(file).instances["us"]
    subject = replace(lab.subject(), instance=read.model_copy(update=countries))
    assert (
        "rule 2 of `taxes` (line 7) is never reached: rule 1 of `taxes` (line 6)"
        in mappings.taxes(subject).line("us", "").found
    )


def test_two_tax_rules_that_can_fit_the_same_line_are_named(lab: Lab) -> None:
    both = "rule 1 of `taxes` and rule 2 of `taxes` can fit the same line and name different taxes"
    group, region = {"customer_group": 3, "fiscal_position": "A"}, {"region": "Jersey"}
    assert both in rules_line(lab, group, region)
    assert both not in rules_line(lab, group, {**region, "fiscal_position": "A"}), "the same tax either way"
    apart = (
        ({}, {"customer_group": 4}),
        ({"has_vat": False}, {"vat_checked": True}),
        ({"postcodes": "BT*"}, {"postcodes": "SW*"}),
        ({"consignment_up_to": 135}, {"consignment_above": 135}),
        ({"from_country": "DE"}, {"from_source": "lodz"}),
    )
    for one, two in apart:
        found = rules_line(lab, {**group, **one}, {**region, **two}, source_countries={"lodz": "PL"})
        assert "same line" not in found, (one, two)


def test_a_tax_as_charged_needs_a_tax_above_zero(lab: Lab) -> None:
    rule = {"rate": "any", "amount": "as charged", "country": "US", "region": "TX", "odoo_tax": "US 8.25%"}
    line = lab.run_check("Mappings: taxes", taxes=[rule])
    assert (line.status, line.found) == (Status.OK, "1 rule: tax as charged in TX, US")
    found = lab.run_check("Mappings: taxes", taxes=[{**rule, "odoo_tax": "0% Exempt"}])
    assert (found.status, "is 0 %: Odoo would keep no amount on it" in found.found) == (Status.ERROR, True)
    exact = {"rate": "8.25", "country": "US", "region": "TX", "odoo_tax": "US 8.25%"}
    assert "rule 2 of `taxes` is never reached" in lab.run_check("Mappings: taxes", taxes=[rule, exact]).found
    assert lab.run_check("Mappings: taxes", taxes=[exact, rule]).status is Status.OK


def test_tax_that_a_marketplace_collects_needs_an_account_of_its_own(lab: Lab) -> None:
    theirs = {
        "rate": "any",
        "amount": "as charged",
        "payment_method": "amazon",
        "tax_collected_by": "marketplace",
        "odoo_tax": "AT 20%",
    }
    own = {"rate": "8.25", "country": "US", "odoo_tax": "US 8.25%"}
    line = lab.run_check("Mappings: taxes", taxes=[theirs, own])
    assert (line.status, "names no account: its tax would be booked as revenue" in line.found) == (Status.ERROR, True)
    one, two = (
        lab.make("account.account", code=code, name=code, account_type="liability_current") for code in ("2190", "2191")
    )
    for name, account in (("AT 20%", one), ("US 8.25%", one)):
        tax = lab.id_of("account.tax", name)
        lab.change("account.tax.repartition.line", "tax_id", tax, account_id=account)
    line = lab.run_check("Mappings: taxes", taxes=[theirs, own])
    assert "goes to 2190 2190 as the shop's own tax 'US 8.25%' does" in line.found
    lab.change("account.tax.repartition.line", "tax_id", lab.id_of("account.tax", "AT 20%"), account_id=two)
    assert lab.run_check("Mappings: taxes", taxes=[theirs, own]).status is Status.OK
    same = {**own, "odoo_tax": "AT 20%", "rate": 20}
    assert "is of rules with and without" in lab.run_check("Mappings: taxes", taxes=[theirs, same]).found


def test_a_tax_rule_for_a_source_or_country_that_no_setting_names_is_a_warning(lab: Lab) -> None:
    found = rules_line(lab, {"from_source": "nowhere"}, {"from_country": "PL"})
    assert "is for the source 'nowhere', which no setting names: it never fits" in found
    assert "rule 2 of `taxes` is for goods from PL, and no source of `source_countries` is there" in found


FOREIGN_ORDER = """insert into document (instance, side, kind, source_id, number, state, currency, company_currency, request_began_at, version)
    values ('us', 'magento', 'order', '9', '9', 'processing', 'EUR', :base, now(), 1)"""


@pytest.mark.parametrize(
    ("base", "choice", "status", "words"),
    [
        ("USD", None, "error", "company_rate is not set: whether Magento's rate or Odoo's"),
        ("USD", "magento", "OK", "documents in EUR have Magento's base amounts in USD, to the cent, or are held"),
        ("USD", "odoo", "OK", "documents in EUR are converted to USD at Odoo's rate of their day"),
        ("GBP", "magento", "error", "Magento's base currency is GBP and the company's is USD"),
        ("GBP", "odoo", "OK", "at Odoo's rate"),
    ],
)
def test_a_shop_with_orders_in_another_currency_needs_a_company_rate(
    lab: Lab, base: str, choice: str | None, status: str, words: str
) -> None:
    assert lab.run_check("Books: company rate", company_rate=None).status.value == "OK"
    with lab.engine.begin() as connection:
        connection.execute(text(FOREIGN_ORDER), {"base": base})
    try:
        line = lab.run_check("Books: company rate", company_rate=choice)
        assert (line.status.value, words in line.found) == (status, True), line
        observed = {"mode": {"kinds": {"odoo_tracking": "apply"}}}
        expected = "warning" if status == "error" else "OK"
        assert lab.run_check("Books: company rate", company_rate=choice, **observed).status.value == expected
    finally:
        with lab.engine.begin() as connection:
            connection.execute(text("delete from document where source_id = '9'"))


def test_several_sources_without_a_mapping_keep_shipments_from_being_written(lab: Lab) -> None:
    lab.magento.shop.add_source("berlin")
    assert lab.run_check("Magento: sources").status.value == "error"
    assert lab.run_check("Magento: sources", mode={"kinds": {"odoo_invoice": "apply"}}).status.value == "warning"


def test_a_warehouse_without_a_source_is_a_warning_where_others_have_one(lab: Lab) -> None:
    lab.make("stock.warehouse", name="Second", code="W2", company_id=1)
    line = lab.run_check("Odoo: warehouses", odoo={"warehouses": {"WH": "default"}})
    assert (line.status, line.found) == (Status.WARNING, "warehouses without a source: W2")


def test_quantities_finer_than_odoo_keeps_are_named(lab: Lab) -> None:
    name = "Mappings: decimal accuracy"
    assert lab.run_check(name).found == "Odoo keeps quantities to 0.01"
    insert = """insert into line (instance, side, kind, source_id, line_id, sku, qty_ordered)
        values ('us', 'magento', 'order', '1', '2', 'SHIPPING', 3330)"""
    with lab.engine.begin() as connection:
        connection.execute(text(insert))
    try:
        line = lab.run_check(name)
        assert line.status is Status.WARNING
        assert "SHIPPING (0.333 Units, kept to 0.01)" in line.found
        assert "Decimal Accuracy" in line.todo
        lab.change("decimal.precision", "name", "Product Unit", digits=3)
        assert lab.run_check(name).status is Status.OK
    finally:
        with lab.engine.begin() as connection:
            connection.execute(text("delete from line where line_id = '2'"))


def test_extensions_of_magento_are_examined_as_far_as_the_access_rights_allow(lab: Lab) -> None:
    name, token = "Magento: extensions", lab.magento.shop.accounts.add_integration(resources=set()).access_token
    assert lab.run_check(name).found == "no other connector, no gift cards, store credit or points"
    lab.magento.shop.tables.modules += ["Vendor_OdooBridge", "Magento_GiftCardAccount"]
    line = lab.run_check(name)
    assert line.status is Status.ERROR
    assert line.found == "the shop has another connector: Vendor_OdooBridge; installed: Magento_GiftCardAccount"
    assert lab.run_check(name, token=token).found == "the integration may not list the shop's modules"


def test_a_magento_tax_rate_without_a_mapping_is_a_warning(lab: Lab) -> None:
    name, token = (
        "Mappings: tax rates of the shop",
        lab.magento.shop.accounts.add_integration(resources=set()).access_token,
    )
    lab.magento.shop.add_tax_rate("DE", 19)
    assert "without a rule: 19 % DE" in lab.run_check(name).found
    line = lab.run_check(name, token=token)
    assert (line.status, "cannot be read" in line.found) == (Status.WARNING, True)
    assert "Magento_Tax::manage_tax" in line.todo


@pytest.mark.parametrize(
    ("published", "modules", "found", "status"),
    [
        ("Magento/2.4 (Community)", [], "Magento 2.4, of which the release is not published", Status.OK),
        ("Magento/2.4 (Enterprise)", ["Magento_OrderCancellation"], "Adobe Commerce 2.4.7 or later", Status.OK),
        ("", ["Magento_OrderCancellation", "Magento_OpenSearch"], "Magento 2.4.7 or later", Status.OK),
        ("", ["MageOS_Base", "Magento_OpenSearch"], "Mage-OS 2.4.6 or later", Status.OK),
        ("", ["Magento_Sales"], "is unknown: it is not published, and the modules do not show it", Status.WARNING),
        ("Magento/2.3 (Community)", [], "Magento 2.3: nothing is known of it", Status.WARNING),
        (
            "Magento/2.5 (Community)",
            ["Magento_OrderCancellation"],
            "Magento 2.5: nothing is known of it",
            Status.WARNING,
        ),
    ],
)
def test_the_version_of_magento_is_told_as_far_as_it_shows_and_none_is_refused_for_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, published: str, modules: list[str], found: str, status: Status
) -> None:
    monkeypatch.setattr(MagentoClient, "version", lambda _: published)
    monkeypatch.setattr(MagentoClient, "modules", lambda _: modules)
    line = lab.run_check("Magento: version")
    assert (line.status, found in line.found) == (status, True)


def test_a_version_that_may_not_be_read_is_said_to_be_unknown_with_what_to_grant(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MagentoClient, "version", lambda _: "")
    token = lab.magento.shop.accounts.add_integration(resources={"Magento_Sales::sales"}).access_token
    line = lab.run_check("Magento: version", token=token)
    assert (line.status, "the modules may not be read (grant" in line.found) == (Status.WARNING, True)


def test_a_store_that_nobody_reads_is_a_warning(lab: Lab) -> None:
    lab.magento.shop.add_store("eu", name="Europe")
    line = lab.run_check("Magento: stores", stores=[1])
    assert line.status is Status.WARNING
    assert "(eu)" in line.found


def test_two_instances_on_the_same_stores_are_refused(lab: Lab) -> None:
    twin = {"id": "twin", "magento_connection": "shop", "odoo_connection": "other"}
    assert lab.run_check("House: neighbours", others={"twin": twin}).status.value == "error"
    assert lab.run_check("House: neighbours", others={"twin": {**twin, "stores": [7]}}, stores=[1]).status.value == "OK"


def test_a_clock_that_is_far_off_is_only_a_warning(lab: Lab) -> None:
    near, far = datetime.now(UTC), datetime.now(UTC) + timedelta(hours=2)
    lab.at = near
    assert lab.run_check("Odoo: clock").status.value == "OK"
    lab.at = far
    assert lab.run_check("Odoo: clock").status.value == lab.run_check("Magento: clock").status.value == "warning"


def test_the_clock_of_a_server_without_a_date_header_is_left_to_a_manual_check() -> None:
    line = clock.compare("http://127.0.0.1:9/", True, NOW).line("us", "clock")
    assert (line.status, line.found) == (Status.WARNING, "the server tells no time (ConnectionError)")


def test_a_staging_database_that_cannot_be_used_says_why(lab: Lab) -> None:
    lab.engine = connect("postgresql+psycopg2://nobody@127.0.0.1:9/none")
    line = lab.run_check("House: staging schema")
    assert line.status is Status.ERROR
    assert "the staging database cannot be used: connection to server" in line.found


def test_before_anything_is_staged_the_preflight_is_to_be_run_again(lab: Lab, staging_url: str) -> None:
    lab.engine = connect(staging_url)
    line = lab.run_check("House: staged data")
    lab.engine.dispose()
    assert (line.status, line.found) == (Status.WARNING, "no Magento documents are staged yet")
    assert "run preflight again" in line.todo


def test_a_mail_server_that_does_not_answer_is_an_error(lab: Lab) -> None:
    def refused() -> str:
        raise FixConfiguration("ConnectionRefusedError")

    assert lab.run_check("House: mails", smtp=refused).status.value == "error"


def test_mails_that_wait_are_a_warning_that_says_why(lab: Lab) -> None:
    with lab.engine.begin() as connection:
        mail_id = outbox.queue(
            connection, outbox.Mail("t", ("books@example.com",), "s", "<p>h</p>", "p", instance="us"), utc_now()
        )
        outbox.kept(connection, [mail_id], "there is no connection smtp_default")
    line = lab.run_check("House: mails")
    with lab.engine.begin() as connection:
        connection.execute(text("delete from mail"))
    assert line.status.value == "warning"
    assert "1 mail waits since" in line.found and "no connection smtp_default" in line.found


def test_a_mail_that_was_given_up_is_a_warning_that_names_the_recipient(lab: Lab) -> None:
    mail = outbox.Mail("t", ("books@example.com", "gone@example.com"), "figures", "<p>h</p>", "p", instance="us")
    with lab.engine.begin() as connection:
        outbox.queue(connection, mail, utc_now())
        (mail,) = outbox.waiting(connection, "us")
        outbox.sent(connection, mail, utc_now(), ["books@example.com"])
        outbox.unknown(connection, mail, {"gone@example.com": "550 no such mailbox"}, utc_now())
    line = lab.run_check("House: mails")
    with lab.engine.begin() as connection:
        connection.execute(text("delete from mail"))
    assert line.status.value == "warning"
    assert "1 mail was not delivered and given up" in line.found and "gone@example.com" in line.found
    assert "550 no such mailbox" in line.found and "wait since" not in line.found


def test_a_staging_database_of_an_older_schema_is_an_error_and_keeps_nothing(lab: Lab, staging_url: str) -> None:
    old = connect(staging_url)
    with old.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '0001'"))
    lab.engine = old
    line = lab.examine()["House: staging schema"]
    with old.connect() as connection:
        kept = connection.execute(text("select count(*) from preflight")).scalar_one()
    old.dispose()
    assert "is 0001, not" in line.found
    assert kept == 0


# Whether the instance may write


def may_write(lab: Lab, **changes: Any) -> str | None:
    instance = lab.subject(**changes).instance
    with lab.engine.connect() as connection:
        assert passed(connection, instance) is (why_not(connection, instance) is None)
        return why_not(connection, instance)


def test_an_instance_may_write_only_after_a_preflight_without_errors(lab: Lab, staging_url: str) -> None:
    lab.engine = connect(staging_url)
    assert "no preflight was run" in str(may_write(lab))
    lab.examine(books_from=None)
    assert "found errors" in str(may_write(lab, books_from=None))
    lab.at += timedelta(minutes=1)
    lab.examine()
    assert may_write(lab) is None
    lab.engine.dispose()


def test_a_preflight_in_observe_judges_everything_so_that_apply_may_follow(lab: Lab) -> None:
    lab.examine(mode={"default": "observe"})
    assert may_write(lab, mode={"default": "apply"}) is None


def test_a_kind_that_is_switched_on_later_needs_a_new_preflight(lab: Lab) -> None:
    lab.at += timedelta(hours=1)
    lab.examine(mode={"kinds": {"odoo_invoice": "apply"}})
    assert may_write(lab, mode={"kinds": {"odoo_invoice": "apply"}}) is None
    assert "odoo_payment was switched on" in str(
        may_write(lab, mode={"kinds": {"odoo_invoice": "apply", "odoo_payment": "apply"}})
    )


def test_a_mapping_that_is_changed_later_needs_a_new_preflight_and_a_recipient_does_not(lab: Lab) -> None:
    lab.at += timedelta(hours=2)
    lab.examine()
    assert "settings were changed" in str(may_write(lab, odoo={"sales_journal": "INV"}))
    assert "settings were changed" in str(may_write(lab, invoices={"to_odoo": "post"})), "it may have meant draft"
    assert may_write(lab, recipients={"it": ["other@example.com"]}, schedule="@hourly") is None


# How it is shown


def test_the_table_keeps_its_width_and_names_what_to_do() -> None:
    lines = [
        CheckLine("us", "Odoo: version", Status.OK, "Odoo 19.0"),
        CheckLine("us", "Books: cut-over", Status.ERROR, "word " * 60, "set it"),
    ]
    shown = table(lines, width=100).splitlines()
    assert shown[0].split() == ["status", "instance", "check", "found"]
    assert max(map(len, shown)) <= 100
    assert any(row.strip() == "-> set it" for row in shown)


# In Airflow


@pytest.fixture
def airflow(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module_staging_url: str) -> Path:
    """Airflow's connections to the lab, and a settings file of one sound and one broken instance."""
    file = tmp_path / "magodoo.yaml"
    entries = {"us": INSTANCE, "broken": {"magento_connection": "shop", "odo_connection": "books"}}
    file.write_text(json.dumps({"instances": entries}))
    connections = {
        "SHOP": {
            "conn_type": "magento",
            "host": lab.magento.url,
            "password": lab.magento.token,
            "extra": {"auth": "bearer"},
        },
        "BOOKS": {"conn_type": "odoo", "host": lab.odoo.url, "schema": "odoo", "login": "sync", "password": "sync-key"},
    }
    for name, values in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(values))
    monkeypatch.setenv("AIRFLOW_CONN_MAGODOO_STAGING", module_staging_url.replace("+psycopg2", ""))
    monkeypatch.setenv("MAGODOO_SETTINGS", str(file))
    return file


@pytest.mark.usefixtures("airflow")
def test_the_task_fails_with_its_errors_and_shows_the_table() -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from magodoo_airflow.operators.preflight import PreflightOperator

    with pytest.raises(AirflowFailException, match=r"\[us\] errors keep `apply` from running: House: mails"):
        PreflightOperator(task_id="check", instance="us").execute({})


@pytest.mark.usefixtures("airflow")
def test_a_broken_instance_is_examined_as_far_as_its_settings() -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from magodoo_airflow.operators.preflight import PreflightOperator
    from magodoo_airflow.schedule import names

    assert names() == ["us", "broken"]
    with pytest.raises(AirflowFailException, match=r"instances\.broken\.odoo_connection: this setting is missing"):
        PreflightOperator(task_id="check", instance="broken").execute({})


def test_make_preflight_prints_the_table_and_fails_for_errors(
    airflow: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from magodoo_airflow.preflight import main

    monkeypatch.delenv("AIRFLOW_CONN_SHOP")
    monkeypatch.setattr("sys.argv", ["preflight", "us"])
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    assert main() == 1
    told = capsys.readouterr().out
    assert "Airflow has no connection shop" in told
    assert "Odoo 19.0 over JSON-2" in told
    assert "sync-key" not in told


def test_settings_in_another_order_ask_for_no_new_preflight() -> None:
    def said(**names: str) -> str:
        odoo = {"pricelists": names}
        given = {"id": "us", "magento_connection": "m", "odoo_connection": "o", "odoo": odoo}
        return settings_hash(Instance.model_validate(given))

    assert said(USD="Dollar", EUR="Euro") == said(EUR="Euro", USD="Dollar") != said(EUR="Euro", USD="Other")
