"""Tax that a marketplace collects and pays: `tax_collected_by: marketplace` puts it on an account of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from shop_and_books import ShopAndBooks, amount, shop_and_books

from magodoo.pipeline import statement
from magodoo.settings.tax_rules import TaxRule
from magodoo.statement.periods import Month

NAME = "Collected by marketplaces"
OF_MARKETPLACE = {
    "rate": "any", "amount": "as charged", "odoo_tax": NAME, "payment_method": "checkmo", "tax_collected_by": "marketplace",
}  # fmt: skip


@pytest.fixture(scope="module")
def pair(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopAndBooks]:
    with shop_and_books(module_staging_url, tmp_path_factory.mktemp("data_docs")) as made:
        account = {"code": "219900", "name": "Due to marketplaces", "account_type": "liability_current"}
        (liability,) = made.call("account.account", "create", vals_list=[account])
        a_tax(made, NAME, liability)
        own = made.instance.model_dump()["taxes"]
        with made.policy(taxes=[OF_MARKETPLACE, *own]):
            yield made


def a_tax(pair: ShopAndBooks, name: str, account: int | bool) -> None:
    """A sales tax of 1 %, whose amounts go to an account, or to none."""
    parts = [
        [0, 0, {"document_type": document, "repartition_type": of, "account_id": account if of == "tax" else False}]
        for document in ("invoice", "refund")
        for of in ("base", "tax")
    ]
    by_document = {
        f"{document}_repartition_line_ids": [part for part in parts if part[2]["document_type"] == document]
        for document in ("invoice", "refund")
    }
    values = {"name": name, "amount": 1, "amount_type": "percent", "type_tax_use": "sale", **by_document}
    pair.call("account.tax", "create", vals_list=[values])


def tax_lines(pair: ShopAndBooks, entry: dict[str, Any]) -> dict[str, str]:
    """The accounts of an entry's tax, with what stands there."""
    rows = pair.rows(
        "account.move.line", [["move_id", "=", entry["id"]], ["tax_line_id", "!=", False]], "account_id balance"
    )
    return {row["account_id"][1]: f"{-amount(row['balance']):.2f}" for row in rows}


def test_tax_that_a_marketplace_collects_is_magento_s_amount_on_an_account_of_its_own(pair: ShopAndBooks) -> None:
    sold, theirs = pair.order({"SKU-001": 1}), pair.order({"SKU-001": 1}, payment="checkmo")
    for order in (sold, theirs):
        pair.shop.invoice(order)
    pair.run()
    ((_, own), (name, collected)) = [
        next(iter(tax_lines(pair, pair.moves(order)[0]).items())) for order in (sold, theirs)
    ]
    assert "Due to marketplaces" in name
    assert own == collected == f"{amount(pair.invoices(theirs)[0]['tax_amount']):.2f}"
    assert not pair.reported(theirs, type="tax_mismatch")
    assert pair.find_more_to_do() == {}


def test_the_tax_table_tells_it_from_the_shop_s_own(pair: ShopAndBooks) -> None:
    order = pair.order({"SKU-002": 1}, payment="checkmo")
    pair.shop.invoice(order)
    pair.run()
    body = statement.make(pair.context(), Month.of(datetime.now(UTC), pair.instance.zone)).body
    names = {row["tax_name"] for row in body["annexes"]["tax_by_country"]}
    assert f"{NAME} (collected by a marketplace)" in names
    assert "US 8.25% (collected by a marketplace)" not in names


def test_the_rule_says_how_orders_of_the_marketplace_are_known() -> None:
    rule = {name: value for name, value in OF_MARKETPLACE.items() if name != "payment_method"}
    with pytest.raises(ValidationError, match="add `payment_method`, `store` or `customer_group`"):
        TaxRule.model_validate(rule)
    assert TaxRule.model_validate({**rule, "store": 2}).is_of_marketplace
    with pytest.raises(ValidationError, match="add `country` and `region`"):
        TaxRule.model_validate({**OF_MARKETPLACE, "tax_collected_by": "shop"})
