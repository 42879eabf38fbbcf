"""`make init`: facts of both systems become proposals; what money depends on stays open; what a person chose is never changed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.magento.http import Http
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.discovery import books as books_
from magodoo.discovery import draft, proposals
from magodoo.discovery import shop as shop_
from magodoo.discovery.books import Books, Journal, Tax
from magodoo.discovery.proposals import Proposal
from magodoo.discovery.shop import Extra, MethodUse, Shop, Source, Store, TaxUse
from magodoo.settings import Instance, read_settings
from magodoo.settings.read import read_with_problems
from magodoo.settings.undecided import open_lines
from magodoo_sandbox.magento import RunningSandbox as RunningMagento
from magodoo_sandbox.odoo import OdooDatabase
from magodoo_sandbox.odoo import RunningSandbox as RunningOdoo
from magodoo_sandbox.seed.write import fill

CHECKOUT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHOP = Shop(since=NOW - timedelta(days=90), until=NOW, stores=(Store(1, "default", "Shop", 1, "EUR", "EUR"),))
BOOKS = Books("19.0", 1, "Shop GmbH", "DE", "EUR")
ANSWERS = draft.Answers("us", "magento_us", "odoo_us", datetime.fromisoformat("2026-11-01"), "Europe/Berlin")


@dataclass
class Pair:
    magento: RunningMagento
    odoo: RunningOdoo

    def variables(self) -> dict[str, str]:
        return {
            "MAGENTO_URL": self.magento.url, "MAGENTO_TOKEN": self.magento.token, "ODOO_URL": self.odoo.url, "ODOO_DB": "odoo",
            "ODOO_KEY": "sync-key", "ODOO_LOGIN": "sync",
        }  # fmt: skip


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A shop of a hundred orders of the last days, half of them in Odoo."""
    database = OdooDatabase()
    database.provision()
    seeded, _ = fill(
        database, lambda moment: setattr(database, "now", moment), orders=100, seed=7, until=datetime.now(UTC)
    )
    seeded.magento.now = database.now = None
    with RunningMagento(seeded.magento) as magento, RunningOdoo(database) as odoo:
        yield Pair(magento, odoo)


def init(
    folder: Path, pair: Pair, *words: str, answers: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as `make init` does without an Airflow."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "_AIRFLOW", "MAGODOO_", "MAGENTO", "ODOO"))
    }
    return subprocess.run(
        [sys.executable, "-m", "magodoo_airflow.init", *words], cwd=folder, input=answers, text=True, capture_output=True,
        env=kept | pair.variables() | variables, check=False,
    )  # fmt: skip


def said(found: list[Proposal], section: str) -> list[str]:
    return [line for proposal in found if proposal.section == section for line in draft.rendered(proposal)]


def test_a_draft_is_written_from_both_systems_and_read_back_as_settings(tmp_path: Path, pair: Pair) -> None:
    calls = len(pair.magento.shop.tables.orders) if hasattr(pair.magento.shop.tables, "orders") else 0
    done = init(tmp_path, pair, "--books-from", "2026-11-01", "--instance", "us", answers="\n")
    assert done.returncode == 0, done.stderr
    assert not calls or calls == len(pair.magento.shop.tables.orders)
    file = tmp_path / "magodoo.yaml"
    text = file.read_text(encoding="utf-8")
    instance = read_settings(file).instances["us"]
    assert not instance.mode.any_apply
    assert instance.time_zone == "UTC", "that of the store"
    assert instance.odoo.sales_journal == "INV" and instance.odoo.warehouses == {"WH": "default"}
    assert instance.odoo.pricelists == {"USD": "Magento USD", "EUR": "Magento EUR"}
    assert [(rule.rate, rule.country, rule.odoo_tax) for rule in instance.taxes] == [
        (Decimal("8.25"), "US", "US 8.25%")
    ]
    assert "card" not in instance.payment_methods and not instance.payment_methods["checkmo"].captured_by_provider
    left = [setting for _, setting in open_lines(text)]
    assert any(setting.startswith("card: ...") for setting in left), "captured by the provider is a person's choice"
    assert any(setting.startswith("company_rate: ...") for setting in left), "orders in EUR"
    assert any(setting.startswith("- {rate: 19, country: DE") for setting in left), "may be one-stop-shop"
    assert any(setting.startswith("fixed_product_tax: ...") for setting in left)
    assert "missing in Odoo: SKU-NEW" in text and "with a captured transaction" in text
    assert f"{len(left)} open" in done.stdout and "Next: decide the open lines" in done.stdout
    for number, _ in open_lines(text):
        assert f"line {number} is open" in done.stdout


def test_decided_lines_make_sound_settings_and_a_second_look_finds_nothing_new(tmp_path: Path, pair: Pair) -> None:
    init(tmp_path, pair, "--books-from", "2026-11-01", "--instance", "us", answers="\n")
    file = tmp_path / "magodoo.yaml"
    text = file.read_text(encoding="utf-8")
    again = init(tmp_path, pair, "--instance", "us")
    assert "Both systems have nothing" in again.stdout, again.stdout + again.stderr
    assert file.read_text(encoding="utf-8") == text
    for number, setting in open_lines(text):
        choice = text.split("\n")[number - 1].partition("choose one of: ")[2].split(" | ")[0]
        text = draft.choose(text, number, choice)
        assert choice and setting
    assert open_lines(text) == []
    file.write_text(text, encoding="utf-8")
    instance = read_settings(file).instances["us"]
    assert instance.payment_methods["card"].journal == "CARD" and instance.company_rate == "magento"
    again = init(tmp_path, pair, "--instance", "us")
    assert "Both systems have nothing" in again.stdout, again.stdout + again.stderr
    assert file.read_text(encoding="utf-8") == text


def test_a_later_look_shows_what_is_new_and_changes_no_choice(tmp_path: Path, pair: Pair) -> None:
    file = tmp_path / "magodoo.yaml"
    file.write_text(
        """instances:
  us:
    magento_connection: m
    odoo_connection: o
    company_rate: odoo
    payment_methods:
      card: {captured_by_provider: true, journal: PPAL}
      checkmo: {}
    taxes:
      - {rate: 8.25, country: US, odoo_tax: "my own choice"}
    odoo: {sales_journal: OTHER, pricelists: {USD: Default}}
""",
        encoding="utf-8",
    )
    before = file.read_bytes()
    done = init(tmp_path, pair, "--instance", "us")
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]
    new = done.stdout
    for line in (
        "banktransfer: {",
        "cashondelivery: {",
        "- {rate: 19, country: DE",
        "EUR: ",
        "flatrate: ",
        "WH: default",
    ):
        assert line in new
    for line in ("card:", "checkmo:", "8.25", "company_rate", "sales_journal", "USD:"):
        assert not re.search(rf"^\s*(# )?(- \{{rate: )?{re.escape(line)}", new, re.MULTILINE), line


def test_another_instance_of_the_file_is_drafted_beside_it(tmp_path: Path, pair: Pair) -> None:
    file = tmp_path / "magodoo.yaml"
    file.write_text("instances:\n  de:\n    magento_connection: m\n    odoo_connection: o\n", encoding="utf-8")
    before = file.read_bytes()
    done = init(tmp_path, pair, "--books-from", "2026-11-01", "--instance", "us", answers="\n")
    assert done.returncode == 0 and "copy the block `us:`" in done.stdout
    assert file.read_bytes() == before
    assert list(read_settings(tmp_path / "magodoo.us.yaml").instances) == ["us"]
    again = init(tmp_path, pair, "--books-from", "2026-11-01", "--instance", "us", answers="\n")
    assert again.returncode == 1 and "is not overwritten" in again.stderr


def test_what_nobody_answers_is_named_with_its_variable(tmp_path: Path, pair: Pair) -> None:
    done = init(tmp_path, pair, "--instance", "us", MAGENTO_URL="")
    assert done.returncode == 1
    assert "nobody answers" in done.stderr and "MAGENTO_URL" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_missing_scheme_is_asked_for_and_a_wrong_key_is_said(tmp_path: Path, pair: Pair) -> None:
    bare = pair.magento.url.removeprefix("http://")
    done = init(tmp_path, pair, "--instance", "us", MAGENTO_URL=bare, answers=f"{pair.magento.url}\n\n2026-11-01\n")
    assert done.returncode == 0, done.stderr
    assert f"The address begins with https://, or http:// inside your own network [https://{bare}]" in done.stdout
    done = init(tmp_path / "..", pair, "--instance", "us", "--file", f"{tmp_path}/other.yaml", ODOO_KEY="wrong")
    assert done.returncode == 1 and "key: " in done.stderr and "wrong" not in done.stderr
    assert not (tmp_path / "other.yaml").exists()


def test_the_dag_drafts_the_same_from_airflows_connections(
    tmp_path: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from magodoo_airflow.operators.setup import SetupOperator

    file = tmp_path / "magodoo.yaml"
    monkeypatch.setenv("MAGODOO_SETTINGS", str(file))
    connections = {
        "magento_us": {
            "conn_type": "magento",
            "host": pair.magento.url,
            "password": pair.magento.token,
            "extra": {"auth": "bearer"},
        },
        "odoo_us": {
            "conn_type": "odoo",
            "host": pair.odoo.url,
            "schema": "odoo",
            "password": "sync-key",
            "login": "sync",
        },
    }
    for name, values in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(values))
    form = {
        "instance": "us",
        "magento_connection": "magento_us",
        "odoo_connection": "odoo_us",
        "books_from": "2026-11-01",
        "time_zone": "America/Chicago",
    }
    text = SetupOperator(task_id="draft", **form).execute({})
    beside = tmp_path / "magodoo.us.yaml"
    assert beside.read_text(encoding="utf-8") == text and not file.exists()
    assert read_settings(beside).instances["us"].time_zone == "America/Chicago"
    beside.rename(file)
    assert "Both systems have nothing" in SetupOperator(task_id="draft", **form).execute({})
    for wrong, said in (
        ({"time_zone": "Berlyn"}, "unknown time zone"),
        ({"books_from": "soon"}, "is no date"),
        ({"odoo_connection": "none"}, "none"),
    ):
        with pytest.raises(AirflowFailException, match=said):
            SetupOperator(task_id="draft", **{**form, "instance": "de", **wrong}).execute({})


def test_only_reads_reach_the_systems(pair: Pair) -> None:
    magento = MagentoClient(MagentoConnection.from_mapping({"base_url": pair.magento.url, "token": pair.magento.token}))
    odoo = OdooClient.connect(OdooConnection(pair.odoo.url, "odoo", "sync-key", 1))
    with magento, odoo, pytest.MonkeyPatch.context() as patched:
        patched.setattr(Http, "write", lambda *_, **__: pytest.fail("a write to Magento"))
        patched.setattr(type(odoo.rpc), "write_call", lambda *_, **__: pytest.fail("a write to Odoo"))
        read = shop_.read_shop(
            magento, Instance(id="us", magento_connection="m", odoo_connection="o"), datetime.now(UTC), 90
        )
        books_.read_books(odoo, read.skus)
    assert read.orders > 100 and read.unread == 0


def test_a_large_shop_is_read_over_a_shorter_window(pair: Pair) -> None:
    with MagentoClient(
        MagentoConnection.from_mapping({"base_url": pair.magento.url, "token": pair.magento.token})
    ) as magento:
        instance = Instance(id="us", magento_connection="m", odoo_connection="o")
        read = shop_.read_shop(magento, instance, datetime.now(UTC), 90, most=40)
    assert 0 < read.orders <= 40
    assert read.until - read.since < timedelta(days=30)


def taxes(books: Books, *uses: TaxUse) -> list[str]:
    return said(list(proposals.taxes(replace(SHOP, taxes=uses), books)), "taxes")


def test_a_domestic_rate_with_one_tax_is_settled() -> None:
    books = replace(BOOKS, taxes=(Tax("19% USt", Decimal(19), "DE"), Tax("20% AT OSS", Decimal(20), "DE")))
    (line,) = taxes(books, TaxUse(Decimal(19), "DE", lines=12, kinds=("goods",)))
    assert line.startswith('- {rate: 19, country: DE, odoo_tax: "19% USt"}   # 12 lines (goods) at 19 % to DE; sure')


@pytest.mark.parametrize(
    ("use", "names"),
    [
        (TaxUse(Decimal(20), "AT", lines=1), ["20% AT OSS", "20% Amazon"]),
        (TaxUse(Decimal(0), "DE", lines=1), ["0% Export", "0% EU"]),
        (TaxUse(Decimal(0), "FR", lines=1, has_vat=True), ["0% Export", "0% EU"]),
        (TaxUse(Decimal(19), "FR", lines=1), ["19% USt"]),
    ],
)
def test_one_stop_shop_and_0_percent_are_always_a_person_s_choice(use: TaxUse, names: list[str]) -> None:
    found = (("19% USt", 19), ("20% AT OSS", 20), ("20% Amazon", 20), ("0% Export", 0), ("0% EU", 0))
    books = replace(BOOKS, taxes=tuple(Tax(name, Decimal(rate), "DE") for name, rate in found))
    why, line = taxes(books, use)
    assert line.startswith("# - {rate: ") and why.startswith("# 1 line ")
    assert sorted(re.findall(r'"([^"]+)"', line.partition("choose one of:")[2])) == sorted(names)


def test_two_taxes_of_one_rate_and_a_rate_without_one_are_open() -> None:
    books = replace(BOOKS, taxes=(Tax("19% Goods", Decimal(19), "DE"), Tax("19% Services", Decimal(19), "DE")))
    why, line = taxes(books, TaxUse(Decimal(19), "DE", lines=2))
    assert "2 taxes of this rate" in why and line.endswith('"19% Goods" | "19% Services"')
    why, line = taxes(books, TaxUse(Decimal(7), "DE", lines=2))
    assert "create a sales tax of 7 %" in why and "choose one of: the exact name of the tax" in line


def test_the_fiscal_position_of_the_destination_is_part_of_the_candidate() -> None:
    books = replace(BOOKS, taxes=(Tax("20% AT", Decimal(20), "AT"),), positions={"OSS Austria": "AT", "Domestic": "DE"})
    _, line = taxes(books, TaxUse(Decimal(20), "AT", lines=3))
    assert line.endswith('"20% AT", fiscal_position: "OSS Austria"')


def test_rates_of_0_with_and_without_vat_number_are_two_choices() -> None:
    uses = [TaxUse(Decimal(0), "FR", lines=3, has_vat=vat) for vat in (True, False)]
    lines = [line for line in taxes(BOOKS, *uses) if "rate: 0" in line]
    assert ["has_vat: true" in line for line in lines] == [True, False] and "has_vat: false" in lines[1]


def test_a_region_of_many_rates_is_proposed_as_charged() -> None:
    books = replace(
        BOOKS, country="US", currency="USD", taxes=(Tax("Texas", Decimal("8.25"), "US"), Tax("Ohio", Decimal(6), "US"))
    )
    uses = [TaxUse(Decimal(rate), "US", "TX", lines=2) for rate in ("6.25", "7.1", "8", "8.25")]
    why, line = taxes(books, *uses)
    assert "4 rates in TX (6.25 to 8.25 %)" in why
    assert line.startswith('# - {country: US, region: "TX", rate: any, amount: as charged, odoo_tax: ...}')


def methods(journals: tuple[Journal, ...], *uses: MethodUse) -> list[str]:
    return said(
        list(proposals.payment_methods(replace(SHOP, methods=uses), replace(BOOKS, journals=journals))),
        "payment_methods",
    )


def test_captured_by_the_provider_is_always_a_person_s_choice() -> None:
    journals = (Journal("STRP", "Stripe", "bank", True), Journal("BNK1", "Bank", "bank"))
    why, line = methods(journals, MethodUse("stripe_payments", 80, 78))
    assert "80 orders, 78 with a captured transaction" in why and "STRP is Stripe" in why and "BNK1" not in why
    assert line == "# stripe_payments: ...   # choose one of: {captured_by_provider: true, journal: STRP} | {}"
    why, line = methods(journals, MethodUse("klarna_kp", 3, 0))
    assert "KLARN is new, make provision makes it" in why and "journal: KLARN" in line and line.endswith("| {}")
    why, line = methods(journals, MethodUse("checkmo", 5, 2))
    assert line.startswith("# checkmo: ..."), "captured transactions contradict a method without a provider"
    (line,) = methods(journals, MethodUse("checkmo", 5, None))
    assert line.startswith("checkmo: {}   # 5 orders, transactions may not be read")


def test_codes_of_new_journals_are_free() -> None:
    assert proposals.new_code("stripe_payments", set()) == "STRIP"
    assert proposals.new_code("stripe_payments", {"STRIP", "STRI2"}) == "STRI3"
    assert proposals.new_code("支付", set()) == "PAY"


def test_stores_of_several_websites_are_a_person_s_choice() -> None:
    stores = (Store(1, "us", "US", 1, "USD", "USD", orders=3), Store(2, "de", "DE", 2, "EUR", "EUR", orders=1))
    lines = said(list(proposals.stores(replace(SHOP, stores=stores), BOOKS)), "")
    assert lines[-1] == "# stores: ...   # choose one of: [1] | [2] | [1, 2]"
    assert "# store 2: DE (de), EUR, 1 order" in lines


def test_a_new_store_is_news_and_a_chosen_one_is_not() -> None:
    found = list(proposals.stores(replace(SHOP, stores=(Store(1, "a", "A", 1), Store(2, "b", "B", 1))), BOOKS))
    instance = Instance(id="us", magento_connection="m", odoo_connection="o", stores=(1,))
    assert [each.text for each in draft.news(found, instance, "")] == ["stores: [1, 2]"]
    assert draft.news(found, instance.model_copy(update={"stores": (1, 2, 3)}), "") == []


def test_the_tax_of_adjustments_is_asked_for_only_where_a_taxed_order_has_one() -> None:
    assert said(list(proposals.tax_of_adjustments(SHOP, BOOKS)), "")[0].startswith("# adjustment_tax: not needed")
    told = said(list(proposals.tax_of_adjustments(replace(SHOP, adjusted=1), BOOKS)), "")
    assert told[0].startswith("# 1 taxed order with an adjustment on a credit memo")
    assert told[1] == "# adjustment_tax: ...   # choose one of: none | as the order's rates"


def test_company_rate_is_asked_for_only_with_orders_in_another_currency() -> None:
    assert said(list(proposals.rate_of_currencies(replace(SHOP, currencies={"EUR": 3}), BOOKS)), "")[0].startswith(
        "# company_rate: not needed"
    )
    shop = replace(SHOP, currencies={"EUR": 3, "USD": 1}, base_currencies=("EUR",))
    assert (
        said(list(proposals.rate_of_currencies(shop, BOOKS)), "")[1]
        == "# company_rate: ...   # choose one of: magento | odoo"
    )
    shop = replace(shop, base_currencies=("USD",))
    assert said(list(proposals.rate_of_currencies(shop, BOOKS)), "")[1].endswith("choose one of: odoo")


def test_extra_totals_ask_for_their_nature_and_name_their_field() -> None:
    extras = (
        Extra("gift_card", (), 2),
        Extra("fee", ("extension_attributes.fee_amount",), 3),
        Extra("deduction", (), 1, True),
    )
    lines = said(list(proposals.extra_totals(replace(SHOP, extras=extras), BOOKS)), "extra_totals")
    assert "{nature: payment_part, journal: GIFT}" in lines[1]
    assert '{nature: charge, product: PAYFEE, fields: ["extension_attributes.fee_amount"]}' in lines[3]
    assert "no field that all of them share" in lines[4] and "nature: discount" in lines[5]


def test_warehouses_and_carriers_are_taken_by_name_or_left_open() -> None:
    books = replace(BOOKS, warehouses={"WH": "Main", "LODZ": "Lodz"}, carriers=("UPS Ground", "Pickup"))
    shop = replace(SHOP, sources=(Source("default", "Default"), Source("lodz", "Lodz")), carriers={"ups": 4, "dpd": 1})
    lines = said(list(proposals.warehouses(shop, books)), "odoo.warehouses")
    assert lines[1] == "# WH: ...   # choose one of: default | lodz" and lines[2].startswith("LODZ: lodz")
    lines = said(list(proposals.carriers(shop, books)), "odoo.carriers")
    assert lines[0].startswith('ups: "UPS Ground"') and lines[2].startswith("# dpd: ...   # choose one of:")


def test_names_from_outside_cannot_break_the_file(tmp_path: Path) -> None:
    """A tax, a journal and a store with line breaks, quotes and marks are data in the draft, never its structure."""
    evil = 'x"\n  de:\n    mode: {default: apply} # '
    books = replace(
        BOOKS, taxes=(Tax(evil, Decimal(19), "DE"),), pricelists={"EUR": (evil,)}, companies={1: "a", 2: "b\nc"}
    )
    shop = replace(
        SHOP, stores=(Store(1, "a", "b\nc: d", 1, "EUR", "EUR"),), taxes=(TaxUse(Decimal(19), "DE", lines=1),), currencies={"EUR": 1},
        methods=(MethodUse("a: b\n#", 1, 0),), carriers={"u\n- x": 1},
    )  # fmt: skip
    file = tmp_path / "magodoo.yaml"
    file.write_text(draft.text(ANSWERS, shop, books, proposals.proposals(shop, books)), encoding="utf-8")
    reading = read_with_problems(file)
    assert reading.problems == [] and list(reading.settings.instances) == ["us"]
    assert reading.settings.instances["us"].taxes[0].odoo_tax == evil
