"""Documents in another currency on an Odoo before 19: rate, tax and company amounts are written on the draft, or it is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.versions import Version
from magodoo.flows.load_tables import CompanyAmounts, Draft, Table, complete, unequal_in_company, unrated
from magodoo.money import from_units

CENT = Decimal("0.01")


def table(kind: str = "out_invoice", rate: str | None = "0.92") -> Table:
    """Two lines of 39.98 and 37.31 with 3.30 and 3.07 of tax 5; in company currency 43.46, 40.55, 3.59 and 3.34."""
    columns = ("id", "move_type", "invoice_currency_rate", "invoice_line_ids/id", "invoice_line_ids/extra_tax_data")
    rows = []
    for number, (net, company_net, tax, company_tax) in enumerate(
        [("39.98", "43.46", "3.30", "3.59"), ("37.31", "40.55", "3.07", "3.34")]
    ):
        taxes = {"5": {"tax_amount_currency": tax, "tax_amount": company_tax}}
        amounts = {"manual_total_excluded_currency": net, "manual_total_excluded": company_net}
        head = ["m.inv_1", kind, rate or ""] if not number else ["", "", ""]
        rows.append([*head, f"m.inv_1_l{number}", json.dumps({**amounts, "manual_tax_amounts": taxes})])
    if rate is None:
        return Table("account.move", (*columns[:2], *columns[3:]), tuple((*row[:2], *row[3:]) for row in rows))
    return Table("account.move", tuple(columns), tuple(map(tuple, rows)))


class Odoo18:
    """One draft as Odoo 18 keeps it: its own rate until one is written, and a balance that is written as it was is dropped."""

    version = Version(18)

    def __init__(self, sign: int, lacking: tuple[str, ...] = ("extra_tax_data",)) -> None:
        self.lacking = lacking
        self.rate = Decimal("0.8")
        amounts = {1: "39.98", 2: "37.31", 3: "6.38"}
        self.lines: dict[int, dict[str, Any]] = {
            id: {
                "id": id, "move_id": [7, "draft"], "tax_line_id": [5, "tax"] if id == 3 else False,
                "amount_currency": sign * Decimal(amount), "balance": Decimal(0),
                "currency_id": [2, "EUR"], "company_currency_id": [1, "USD"],
            }
            for id, amount in amounts.items()
        }  # fmt: skip
        self._convert(*self.lines)

    def has_field(self, model: str, field: str) -> bool:
        return field not in self.lacking

    @property
    def rpc(self) -> Odoo18:
        return self

    @property
    def external_ids(self) -> Odoo18:
        return self

    def of(self, model: str, ids: list[int]) -> dict[int, str]:
        return {id: f"m.inv_1_l{id - 1}" for id in ids if id < 3}

    def read(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return [{"id": 7, "invoice_currency_rate": self.rate}]

    def search_read(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return [dict(line) for line in self.lines.values()]

    def write_call(self, model: str, method: str, *, ids: list[int], vals: dict[str, Any]) -> None:
        if "invoice_currency_rate" in vals:
            self.rate = vals["invoice_currency_rate"]
            self._convert(*self.lines)
        for _, id, changed in vals.get("line_ids", ()):
            line = self.lines[id]
            given = {name: value for name, value in changed.items() if line[name] != value}
            line |= given
            if "amount_currency" in given and "balance" not in given:
                self._convert(id)

    def row(self) -> dict[str, Any]:
        lines = [
            {"name": f"SKU-{id}", "balance": self.lines[id]["balance"], "external_id": f"m.inv_1_l{id - 1}"}
            for id in (1, 2)
        ]
        untaxed, tax = -self.lines[1]["balance"] - self.lines[2]["balance"], -self.lines[3]["balance"]
        signed = {"amount_untaxed_signed": untaxed, "amount_tax_signed": tax, "amount_total_signed": untaxed + tax}
        return {"invoice_line_ids": lines, **signed}

    def _convert(self, *ids: int) -> None:
        for id in ids:
            self.lines[id]["balance"] = (self.lines[id]["amount_currency"] / self.rate).quantize(CENT)


@pytest.mark.parametrize(("kind", "sign"), [("out_invoice", -1), ("out_refund", 1)])
def test_a_draft_in_another_currency_gets_magentos_rate_tax_and_company_amounts(kind: str, sign: int) -> None:
    odoo = Odoo18(sign)
    assert unequal_in_company(odoo.row(), Draft(table(kind))), "Odoo's own rate is another one"
    complete(cast(OdooClient, odoo), {7: Draft(table(kind))})
    assert odoo.rate == Decimal("0.92")
    assert odoo.lines[3]["amount_currency"] == sign * Decimal("6.37")
    assert [abs(line["balance"]) for line in odoo.lines.values()] == [
        Decimal("43.46"),
        Decimal("40.55"),
        Decimal("6.93"),
    ]
    assert unequal_in_company(odoo.row(), Draft(table(kind))) is None


CENTS = st.integers(min_value=1, max_value=10**7).map(lambda cents: cents * 100)


@given(first=CENTS, second=CENTS, tax=CENTS, rate=st.decimals("0.01", "200", places=4), sign=st.sampled_from([-1, 1]))
def test_any_company_amounts_of_magento_are_what_the_draft_shows(
    first: int, second: int, tax: int, rate: Decimal, sign: int
) -> None:
    """The third line's amounts, whatever they are: nothing is taken from the rate."""
    kind = "out_invoice" if sign < 0 else "out_refund"
    asked = table(kind, f"{rate:f}")
    rows = [list(row) for row in asked.rows]
    rows[0][4] = json.dumps(
        {
            **json.loads(rows[0][4]),
            "manual_tax_amounts": {"5": {"tax_amount_currency": "6.37", "tax_amount": f"{from_units(tax)}"}},
        }
    )
    rows[1][4] = json.dumps({**json.loads(rows[1][4]), "manual_tax_amounts": {}})
    company = CompanyAmounts(first + second, tax, "USD", {"m.inv_1_l0": first, "m.inv_1_l1": second})
    draft, odoo = Draft(Table(asked.model, asked.fields, tuple(map(tuple, rows))), company), Odoo18(sign)
    complete(cast(OdooClient, odoo), {7: draft})
    assert unequal_in_company(odoo.row(), draft) is None
    assert odoo.rate == rate
    odoo.lines[2]["balance"] += CENT
    assert unequal_in_company(odoo.row(), draft) is not None


def test_at_odoo_s_own_rate_only_the_tax_in_the_document_s_currency_is_written() -> None:
    odoo, draft = Odoo18(-1), Draft(table(rate=None))
    complete(cast(OdooClient, odoo), {7: draft})
    assert (odoo.rate, odoo.lines[3]["amount_currency"]) == (Decimal("0.8"), Decimal("-6.37"))
    assert odoo.lines[3]["balance"] == Decimal("-7.96")
    assert unequal_in_company(odoo.row(), draft) is None
    lacking = Odoo18(-1, lacking=("extra_tax_data", "invoice_currency_rate"))
    assert unrated(cast(OdooClient, lacking), draft.table) is None, "no rate is asked for"


def test_a_company_amount_that_is_a_cent_off_is_named_with_both_figures() -> None:
    odoo = Odoo18(-1)
    complete(cast(OdooClient, odoo), {7: Draft(table())})
    odoo.lines[3]["balance"] += CENT
    assert (
        unequal_in_company(odoo.row(), Draft(table()))
        == "its tax in company currency is 6.92 in Odoo and 6.93 in Magento"
    )
    odoo.lines[1]["balance"] += CENT
    said = unequal_in_company(odoo.row(), Draft(table()))
    assert said == "its net of 'SKU-1' in company currency is 43.45 in Odoo and 43.46 in Magento"


def test_a_document_in_another_currency_is_refused_where_odoo_takes_no_rate() -> None:
    odoo = cast(OdooClient, Odoo18(-1, lacking=("extra_tax_data", "invoice_currency_rate")))
    assert "takes no rate" in str(unrated(odoo, table()))
    assert unrated(odoo, table(rate="1")) is None
    assert unrated(cast(OdooClient, Odoo18(-1)), table()) is None
