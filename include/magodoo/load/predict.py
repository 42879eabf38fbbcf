"""What Magento would make of explicit items: totals computed before it is asked, so that nothing else is ever written.

Of a line's last open quantity the rest of its amounts is taken, of a part the share, rounded per line
(facts magento-2.4.7-more 1.1: the documents of an order sum to the order).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from magodoo.errors import FixDocument
from magodoo.extract import paths
from magodoo.extract.magento_orders import read_items
from magodoo.extract.magento_rows import applied_fixed_taxes, fixed_tax, tax_on_fixed_tax
from magodoo.extract.magento_totals import Totals
from magodoo.magento.bundles import BUNDLE, is_priced_by_parts, with_own_prices
from magodoo.money import rounded, shown, to_units

Row = Mapping[str, Any]


def unpredictable(order: Row, tendered: int) -> str | None:
    """Return why no document of an order can be predicted: its total holds what is no part of it, as a fee of an extension is.

    tendered: units of the order that gift cards and credit paid; they lower Magento's total and not what it sells.
    """
    _, read = read_items(order)
    beside = Totals.of(order, tendered, adjusted=False).beside
    if beside in (0, fixed_tax(item for item in order["items"] if str(item["item_id"]) in read.gross)):
        return None
    currency = str(order.get("order_currency_code") or "")
    where = ", ".join(paths.holding(order, beside)) or "no field of the order holds it"
    return (
        f"{shown(beside, currency)} {currency} of the order's total are in no part of it ({where}), and only the extension that adds them knows"
        " which of its documents holds them: make this one in Magento, and the two are matched"
    )


def predicted_invoice(order: Row, items: Sequence[Sequence[int]]) -> int:
    """Units of the invoice over [[order item id, units]]: the first one of an order takes all its shipping.

    Raises FixDocument for an order whose rows have no single reading.
    """
    _, read = read_items(order)
    if read.flaw:
        raise FixDocument(f"what Magento would invoice is not known: {read.flaw}", system="magento")
    total = sum(
        _invoiced(row, read.gross.get(str(row["item_id"]), 0), units) for row, units in _money_rows(order, items)
    )
    if not to_units(order.get("shipping_invoiced")):
        total += to_units(order.get("shipping_amount")) + to_units(order.get("shipping_tax_amount"))
        total += to_units(order.get("shipping_discount_tax_compensation_amount"))
        total -= to_units(order.get("shipping_discount_amount"))
    return total


def predicted_credit_memo(order: Row, request: Row) -> int:
    """Units of the credit memo of a request: its items' shares, shipping with its tax, adjustments (base currency)."""
    rate = Decimal(order.get("base_to_order_rate") or 1)
    total = sum(_refunded(row, units) for row, units in _money_rows(order, request["items"]))
    total += _shipping(order, request["shipping_amount"])
    adjustment = request["adjustment_positive"] - request["adjustment_negative"]
    return total + _half_up(Decimal(adjustment) * rate)


def _money_rows(order: Row, items: Iterable[Sequence[int]]) -> list[tuple[Row, Decimal]]:
    """Rows that carry money with the units of each: the parts of a dynamic bundle stand for it (facts magento-2.4.7 5.4)."""
    rows = {int(row["item_id"]): row for row in with_own_prices(order["items"])}
    wanted: list[tuple[Row, Decimal]] = []
    for item_id, units in items:
        row = rows[int(item_id)]
        parts = [part for part in rows.values() if part.get("parent_item_id") == row["item_id"]]
        by_parts = row.get("product_type") == BUNDLE and parts and is_priced_by_parts(row, parts)
        for money in parts if by_parts else [row]:
            ordered = to_units(row["qty_ordered"])
            wanted.append((money, Decimal(units) * to_units(money["qty_ordered"]) / ordered if ordered else Decimal(0)))
    return wanted


def _invoiced(row: Row, gross: int, wanted: Decimal) -> int:
    left = to_units(row["qty_ordered"]) - to_units(row.get("qty_invoiced")) - to_units(row.get("qty_canceled"))
    everything = wanted >= left and not to_units(row.get("qty_canceled"))
    price = _part(gross, wanted, row, to_units(row.get("row_invoiced")), everything)
    tax = _part(to_units(row.get("tax_amount")), wanted, row, to_units(row.get("tax_invoiced")), everything)
    discount = _part(
        to_units(row.get("discount_amount")), wanted, row, to_units(row.get("discount_invoiced")), everything
    )
    hidden = _part(
        to_units(row.get("discount_tax_compensation_amount")),
        wanted, row, to_units(row.get("discount_tax_compensation_invoiced")), everything,
    )  # fmt: skip
    return price + tax + hidden - discount + _fixed_tax(row, wanted, everything, "invoiced")


def _fixed_tax(row: Row, wanted: Decimal, everything: bool, done: str) -> int:
    """Fixed product tax with the tax on it (docs/facts/magento-versions.md); `done`: what of it earlier documents hold."""
    applied = applied_fixed_taxes(row)
    # Magento adds the whole of an item to each of its taxes: the first one says it.
    before = next((each for each in applied if each.get(f"weee_amount_{done}") is not None), {})
    net = _part(
        to_units(row.get("weee_tax_applied_row_amount")),
        wanted,
        row,
        to_units(before.get(f"weee_amount_{done}")),
        everything,
    )
    tax = _part(tax_on_fixed_tax(row), wanted, row, to_units(before.get(f"weee_tax_amount_{done}")), everything)
    return net + tax


def _refunded(row: Row, wanted: Decimal) -> int:
    """Shares of what was invoiced; of the last piece the rest."""
    if not wanted:
        return 0
    invoiced, refunded = to_units(row.get("qty_invoiced")), to_units(row.get("qty_refunded"))
    if not invoiced:
        return 0
    everything = wanted >= invoiced - refunded

    def share(name: str, done: str) -> int:
        of, gone = to_units(row.get(name)), to_units(row.get(done))
        return of - gone if everything else _half_up(Decimal(of) * wanted / invoiced)

    price = share("row_invoiced", "amount_refunded")
    hidden = share("discount_tax_compensation_invoiced", "discount_tax_compensation_refunded")
    return (
        price + share("tax_invoiced", "tax_refunded") + hidden - share("discount_invoiced", "discount_refunded")
        + _fixed_tax(row, wanted, everything, "refunded")
    )  # fmt: skip


def _part(amount: int, wanted: Decimal, row: Row, done: int, everything: bool) -> int:
    if everything:
        return amount - done
    ordered = to_units(row["qty_ordered"])
    return _half_up(Decimal(amount) * wanted / ordered) if ordered else 0


def _shipping(order: Row, base_amount: int) -> int:
    """Shipping before its discount, in base currency (facts magento-2.4.7 5.3), with its tax and discount in proportion."""
    whole = to_units(order.get("base_shipping_amount"))
    if not base_amount or not whole:
        return 0
    share = Decimal(base_amount) / whole

    def of(name: str) -> int:
        return _half_up(Decimal(to_units(order.get(name))) * share)

    return (
        of("shipping_amount")
        + of("shipping_tax_amount")
        + of("shipping_discount_tax_compensation_amount")
        - of("shipping_discount_amount")
    )


def _half_up(units: Decimal) -> int:
    return rounded(int(units.to_integral_value(ROUND_HALF_UP)))
