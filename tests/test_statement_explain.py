"""The explanation of a month by itself: for any history the steps lead from Magento's total to Odoo's, cell by cell."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from magodoo.domain.vocabulary import FindingType, Side
from magodoo.settings import Instance
from magodoo.statement import explanation
from magodoo.statement.documents import Document, Found, Sales
from magodoo.statement.figures import Amount, Cell, Figures, LineSum, added, split
from magodoo.statement.periods import Month

MONTH = Month(date(2026, 3, 1), ZoneInfo("Europe/Berlin"))
INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o")
CELLS = [Cell("US", "8.25"), Cell("DE", "19"), Cell("DE", "0")]

figures = st.dictionaries(
    st.sampled_from(CELLS), st.tuples(st.integers(0, 10**7), st.integers(0, 10**6)), min_size=1, max_size=3
).map(lambda cells: Figures({cell: Amount(*parts) for cell, parts in cells.items() if any(parts)}))
days = st.integers(-20, 50).map(lambda number: date(2026, 3, 1) + timedelta(days=number))


@st.composite
def documents(draw: st.DrawFn, number: int) -> list[Document]:
    """A document of one side, or two that are matched, which may differ in everything."""
    kind, currency = draw(st.sampled_from(["invoice", "credit_memo"])), draw(st.sampled_from(["USD", "EUR"]))
    sides = draw(st.sampled_from([("magento",), ("odoo",), ("magento", "odoo")]))
    first = draw(figures)
    made = []
    for side in sides:
        own = first if side == "magento" or draw(st.booleans()) else draw(figures)
        cents = (
            Figures({CELLS[0]: Amount(draw(st.integers(-300, 300)), 0)})
            if draw(st.booleans()) and side == "odoo"
            else Figures()
        )
        made.append(Document(
            side=side, kind=kind, id=f"{number}", number=f"{side} {number}", order_key=f"{draw(st.integers(1, 4))}", order_number="",
            currency=currency if side == "magento" or draw(st.integers(0, 5)) else "CHF", figures=own + cents, day=draw(days),
            state=draw(st.sampled_from(["posted", "draft"])), is_active=draw(st.integers(0, 5)) > 0,
            scope=draw(st.sampled_from(["in_scope", "in_scope", "excluded", "not_expected"])), early_order=draw(st.booleans()),
            early=draw(st.booleans()), partner=f"{number}" if len(sides) == 2 else None,
            shared_orders=("1", "2") if side == "odoo" and len(sides) == 1 and kind == "invoice" and draw(st.booleans()) else (),
        ))  # fmt: skip
    return made


@st.composite
def histories(draw: st.DrawFn) -> Sales:
    all_of_them = [one for number in range(draw(st.integers(0, 8))) for one in draw(documents(number))]
    found = []
    for one in all_of_them:
        if draw(st.booleans()):
            side = "magento" if one.of_magento else "odoo"
            amounts = {"magento_amount": None, "odoo_amount": None} | (
                {f"{side}_amount": one.total} if draw(st.booleans()) else {}
            )
            ids = {"magento_id": None, "odoo_id": None} | {f"{side}_id": one.id}
            type_ = draw(st.sampled_from(list(FindingType))).value
            found.append(Found(id=len(found), type=type_, kind=one.kind, order_key=one.order_key, **ids, **amounts))
    return Sales(MONTH, {one.key: one for one in all_of_them}, found)


@settings(max_examples=300, deadline=None)
@given(histories())
def test_the_steps_always_lead_from_magento_to_odoo(sales: Sales) -> None:
    told = explanation.explain(sales, INSTANCE)
    places = {(one.currency, one.kind) for one in sales.documents.values()}
    for currency, kind in places:
        totals = [
            added(one.figures for one in sales.in_month(side) if (one.currency, one.kind) == (currency, kind))
            for side in (Side.MAGENTO, Side.ODOO)
        ]
        steps = added(explanation.sums(told.steps, currency, kind).values())
        assert not totals[0] + steps - totals[1]
    in_month = {one.key for side in Side for one in sales.in_month(side)}
    assert set(told.lines) == in_month, "every document of the month stands on one line, and no other does"


@settings(max_examples=200, deadline=None)
@given(histories())
def test_an_unexplained_amount_names_its_documents(sales: Sales) -> None:
    for step in explanation.unexplained(explanation.explain(sales, INSTANCE).steps):
        assert step.documents
        assert step.why


@given(st.lists(st.tuples(st.sampled_from(["item", "shipping", "discount"]), st.sampled_from([None, Decimal(0), Decimal("8.25"), Decimal(19)]),
                          st.integers(-10**6, 10**7), st.integers(-10**5, 10**6)), max_size=5), st.integers(-10**7, 10**8), st.integers(0, 10**7))  # fmt: skip
def test_a_document_s_cells_are_its_header_to_the_last_unit(rows: list, net: int, tax: int) -> None:
    assert split(net, tax, "US", [LineSum(*row) for row in rows]).sum == Amount(net, tax)
