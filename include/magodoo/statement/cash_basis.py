"""The roll-forward of taxes that are due on payment: not due yet before the month, invoiced, made due by payments, not due yet at its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Any

from magodoo.statement.figures import written
from magodoo.statement.general_ledger import SALE_TYPES
from magodoo.statement.periods import Month

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient

Row = dict[str, Any]
NET, TAX = "net", "tax"
_ITEMS = ((NET, "tax_ids"), (TAX, "tax_line_id"))
_OPENING, _NEW, _DUE = range(3)


def read(client: OdooClient, month: Month, journals: Collection[int], currency: str) -> list[Row]:
    """Return one row per tax for its net and one for itself: opening, invoiced, transferred, closing, in units of the company's currency.

    Opening plus invoiced less transferred is closing. Transferred is what Odoo's entries in the cash-basis journal made due in the month, for
    invoices of `journals` (ids); `journal` is the code of theirs.
    """
    ledger = client.general_ledger
    taxes = {id_: tax for id_, tax in ledger.taxes().items() if tax.on_payment}
    if not taxes or not journals:
        return []
    of_invoices = [["journal_id", "in", sorted(journals)], ["move_id.move_type", "in", list(SALE_TYPES)]]
    due = [["move_id.tax_cash_basis_origin_move_id.journal_id", "in", sorted(journals)]]
    before, inside = _until(month.before.last), [["date", ">=", f"{month.first}"], *_until(month.last)]
    sums: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    used: dict[int, set[int]] = defaultdict(set)
    for what, name in _ITEMS:
        of_taxes = [name, "in", sorted(taxes)]
        for place, sign, domain in (
            (_OPENING, -1, [*of_invoices, *before]), (_NEW, -1, [*of_invoices, *inside]),
            (_OPENING, 1, [*due, *before]), (_DUE, -1, [*due, *inside]),
        ):  # fmt: skip
            for row in ledger.sums([*domain, of_taxes], [name, "journal_id"], ["balance"]):
                if row[name] in taxes:
                    sums[row[name], what][place] += sign * row["balance"]
                    if domain[0] == due[0]:
                        used[row[name]].add(row["journal_id"])
    codes = {row["id"]: str(row["code"]) for row in client.master_data.journals()} if used else {}
    return [
        {
            "tax_name": taxes[tax].name, "rate": written(taxes[tax].rate), "what": what, "opening": opening, "new": new, "cleared": transferred,
            "closing": opening + new - transferred, "journal": ", ".join(sorted(codes.get(each, "") for each in used[tax])), "currency": currency,
        }
        for (tax, what), (opening, new, transferred) in sorted(sums.items(), key=lambda item: (taxes[item[0][0]].name, item[0]))
        if opening or new or transferred
    ]  # fmt: skip


def _until(day: date) -> list[list[Any]]:
    return [["date", "<=", f"{day}"]]
