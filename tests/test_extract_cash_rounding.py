"""Amounts of an Odoo invoice that are on none of its invoice lines: cash rounding, and a discount that lowers the tax at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from magodoo.extract import odoo_documents
from magodoo.money import parse_json
from magodoo.settings import Instance

INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o")


def invoice(**more: Any) -> Any:
    line = {
        "id": 1,
        "quantity": 1,
        "price_unit": 10.02,
        "price_subtotal": 10.02,
        "price_total": 10.82,
        "balance": -10.02,
    }
    row = {
        "id": 7, "name": "INV/1", "state": "posted", "move_type": "out_invoice", "currency_id": {"id": 1, "name": "CHF"},
        "amount_untaxed": 10.02, "amount_tax": 0.80, "amount_total": 10.82, "amount_residual": 0, "invoice_line_ids": [line],
        "amount_total_signed": 10.82, "amount_tax_signed": 0.8, **more,
    }  # fmt: skip
    return odoo_documents.invoice(INSTANCE, parse_json(json.dumps(row)), datetime.now(UTC))


@pytest.mark.parametrize(
    "amounts",
    [{"amount_untaxed": 10.05, "amount_total": 10.85}, {"amount_tax": 0.83, "amount_total": 10.85}],
)
def test_cash_rounding_is_named_and_no_discount(amounts: dict[str, Any]) -> None:
    found = invoice(invoice_cash_rounding_id={"id": 1, "name": "0.05", "rounding": 0.05}, **amounts)
    assert (found.sound, found.discount, found.details["cash_rounding"]) == (True, 0, 300)


def test_a_difference_above_the_rounding_does_not_add_up() -> None:
    rounding = {"id": 1, "name": "0.05", "rounding": 0.05}
    found = invoice(invoice_cash_rounding_id=rounding, amount_untaxed=11.02, amount_total=11.82)
    assert not found.sound and "cash_rounding" not in found.details


def test_a_discount_that_lowers_the_tax_at_once_is_named() -> None:
    term = {"id": 1, "name": "2/10 net 30", "early_discount": True, "early_pay_discount_computation": "mixed"}
    found = invoice(invoice_payment_term_id=term, amount_tax=0.75, amount_total=10.77)
    assert (found.sound, found.details["discounted_tax"]) == (True, "2/10 net 30")


@pytest.mark.parametrize(
    ("percent", "written_off", "paid"), [(2, 0.22, 108_200), (2, 0.30, 105_200), (0, 0.22, 106_000)]
)
def test_a_discount_granted_on_payment_counts_as_paid_up_to_what_the_term_grants(
    percent: float, written_off: float, paid: int
) -> None:
    term = {"id": 1, "name": "2/10", "early_discount": bool(percent), "discount_percentage": percent}
    entry = {
        "id": 9, "name": "PBNK1/1", "move_type": "entry", "journal": "Bank", "is_payment": True,
        "other": int(written_off * 10_000), "gross": 108_200, "accounts": ["Cash Discount Loss"],
    }  # fmt: skip
    found = invoice(invoice_payment_term_id=term, settlements=[{"amount": 108_200, "entry": entry}])
    assert found.captured_amount == paid
    listed = [row["amount"] for row in found.details["settlement"].get("deductions", [])]
    assert listed == ([int(written_off * 10_000)] if paid == 108_200 else [])
    assert ("granted as discount" in found.details["settlement"]["words"]) == (paid == 108_200)
