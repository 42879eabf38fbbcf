"""The roll-forward of taxes that are due on payment is that of Odoo's cash-basis entries; of the sandbox and of a live 19."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tax_month import Sold, TaxMonth, rows

from magodoo.connectors.odoo.client import OdooClient
from magodoo.money import to_units
from magodoo.settings import Instance
from magodoo.statement import cash_basis, tax_tables
from magodoo.statement.periods import MONTH, Month

INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o", time_zone="America/Chicago")
SEPTEMBER = Month.read("2026-09", INSTANCE.zone)
OCTOBER = SEPTEMBER.next


@pytest.fixture
def month(admin: OdooClient) -> TaxMonth:
    made = TaxMonth.made(admin)
    made.on_payment()
    return made


def rolled(client: OdooClient, of: TaxMonth, month: Month) -> dict[str, tuple[int, int, int, int]]:
    found = cash_basis.read(client, month, [of.journal], "USD")
    assert {(row["tax_name"], row["rate"], row["currency"]) for row in found} <= {("Cash", "10", "USD")}
    return {row["what"]: (row["opening"], row["new"], row["cleared"], row["closing"]) for row in found}


def grids(client: OdooClient, of: TaxMonth, month: Month) -> dict[Any, int]:
    found = tax_tables.read(client, INSTANCE, month, [of.journal], lambda ids: {}, "USD")["tax_grids"]
    return {(row["grid"], row["country"]): row["total"] for row in found if row["span"] == MONTH}


def test_a_tax_is_not_due_before_it_is_paid_and_then_by_the_part_that_was(client: OdooClient, month: TaxMonth) -> None:
    first, _, memo = month.sell([
        Sold(Decimal("100"), ("Cash",), "DE", date(2026, 9, 10)),
        Sold(Decimal("300"), ("Cash",), "FR", date(2026, 10, 5)),
        Sold(Decimal("20"), ("Cash",), "DE", date(2026, 10, 6), refund=True),
    ])  # fmt: skip
    month.pay(first, Decimal("66.00"), date(2026, 10, 20))
    assert rolled(client, month, SEPTEMBER) == {"net": (0, 1_000_000, 0, 1_000_000), "tax": (0, 100_000, 0, 100_000)}
    assert rolled(client, month, OCTOBER) == {
        "net": (1_000_000, 2_800_000, 600_000, 3_200_000), "tax": (100_000, 280_000, 60_000, 320_000),
    }  # fmt: skip
    assert grids(client, month, SEPTEMBER) == {}, "nothing was due"
    assert grids(client, month, OCTOBER) == {("VAT_BASE", "DE"): 600_000, ("VAT_TAX", "DE"): 60_000}
    month.pay(memo, Decimal("22.00"), date(2026, 10, 21))
    month.pay(first, Decimal("44.00"), date(2026, 10, 31))
    assert rolled(client, month, OCTOBER)["tax"] == (100_000, 280_000, 80_000, 300_000)
    assert {row["journal"] for row in cash_basis.read(client, OCTOBER, [month.journal], "USD")} == {"CABA"}


def test_what_is_not_due_is_the_balance_of_the_transition_account(
    client: OdooClient, admin: OdooClient, month: TaxMonth
) -> None:
    sold = [
        Sold(Decimal(price) / 3, ("Cash", "State"), "DE", date(2026, 10, day))
        for day, price in ((1, 100), (2, 50), (3, 10))
    ]
    first, second, _ = month.sell(sold)
    month.pay(first, Decimal("11.11"), date(2026, 10, 11))
    month.pay(second, Decimal("7"), date(2026, 10, 12))
    month.pay(first, Decimal("22.22"), date(2026, 10, 13))
    found = rolled(client, month, OCTOBER)
    held = rows(
        admin, "account.move.line", [["account_id.code", "=", "252910"], ["parent_state", "=", "posted"]], "balance"
    )
    assert found["tax"][3] == -sum(to_units(row["balance"]) for row in held)
    assert 0 < found["tax"][3] < found["tax"][1]


def test_a_matching_that_is_undone_makes_the_tax_not_due_again(client: OdooClient, month: TaxMonth) -> None:
    (invoice,) = month.sell([Sold(Decimal("100"), ("Cash",), "DE", date(2026, 10, 1))])
    month.pay(invoice, Decimal("110"), date(2026, 10, 11))
    assert rolled(client, month, OCTOBER)["tax"] == (0, 100_000, 100_000, 0)
    month.unpay(invoice)
    later = Month.read("2027-12", INSTANCE.zone)
    assert rolled(client, month, later)["tax"] == (100_000, 0, 0, 100_000)


def test_without_such_a_tax_there_is_nothing_to_roll(client: OdooClient, admin: OdooClient) -> None:
    plain = TaxMonth.made(admin)
    plain.sell([Sold(Decimal("100"), ("VAT",), "DE", date(2026, 10, 1))])
    assert rolled(client, plain, OCTOBER) == {}
