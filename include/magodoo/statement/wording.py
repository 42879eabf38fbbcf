"""The names of the statement's lines, the same on the page, in the PDF, in the CSV and in the email."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from magodoo.domain import labels
from magodoo.money import from_units
from magodoo.reconcile import catalogue
from magodoo.statement import explanation

KINDS = {"invoice": "Invoices", "credit_memo": "Credit memos"}
FIRST, LAST, LEDGER = "Magento's total", "Odoo's total", "Balance of the revenue and tax accounts in Odoo's ledger"
COMPANY_LINES = {"odoo": LAST, "others": "Not of this instance", "ledger": LEDGER, "unexplained": "Unexplained"}
STEPS = {
    explanation.EXCLUDED: "Excluded by the settings",
    explanation.NOT_IMPORTED: "Orders in a state that is not imported",
    explanation.EARLY: "Orders from before the cut-over",
    explanation.DRAFT: "Drafts in Odoo, as the settings ask for",
    explanation.LATER: "Timing: in Odoo in another month",
    explanation.EARLIER: "Timing: of another month in Magento",
    explanation.SHARED: "Odoo invoices over several orders",
    explanation.RATES: "Between tax rates, same total and tax",
    explanation.WITHIN: "Tax within adjustments: Magento takes none back, the books do, as `adjustment_tax` says",
    explanation.ROUNDING: "Rounding",
    explanation.UNEXPLAINED: "Unexplained between Magento and Odoo",
}
LEDGER_STEPS = {
    "not_magento": "Invoices and credit notes that are not Magento's",
    "other_instance": "Documents of other instances",
    "entries_by_hand": "Entries in the sales journal without an invoice",
    "quarantined": "Documents that cannot be read (quarantine)",
    "unexplained": "Unexplained between Odoo and its ledger",
}
SCHEDULES = {
    "unreadable": "Incomplete: records that cannot be read (quarantine)",
    "critical": "Open critical findings about the month's orders",
    "timing": "Timing: booked in one system and not yet in the other, from the month's opening to its closing",
    "lasting": "Of these, each document that is open since before the month",
    "tax_by_country": "Net and tax by Odoo's tax and country of delivery, in company currency",
    "tax_grids": "Grids of Odoo's tax report by country of delivery, in company currency",
    "cash_basis": "Taxes that are due on payment: not due yet, from the month's opening to its closing",
    "zero_rated": "Sales without tax, by reason",
    "zero_rated_lacking": "Of these, each document that lacks evidence",
    "invoiced_not_delivered": "Invoiced and not delivered at the month's end",
    "delivered_not_invoiced": "Delivered and not invoiced at the month's end",
    "cut_off": "Shipped in one month and delivered in Odoo in another, or not yet",
    "open_receivables": "Open receivables at the month's end",
    "refunds_to_pay": "Refunds to pay at the month's end",
    "deposits": "Money received and not invoiced at the month's end",
    "posted_after_closing": "Posted after closing: the accounting month is later than the document's",
    "deducted": "Paid, less what was deducted: discounts for early payment, charges of the bank or provider",
    "unread_stores": "Stores of the shop that no instance reads: their documents are not in this statement",
    "without_store": "Documents without a store, which every instance ignores: they are not in this statement",
    "gaps": "Gaps in the numbers",
    "rate_differences": "Rate differences: documents in another currency, in company currency",
    "rounding": "Rounding, summed",
    "residues": "Refunded in full, with a rest that Magento cannot refund",
    "remainders": "Amounts that stand in no field, mapped by payment method",
    "entries_by_hand": "Entries in the sales journal without an invoice",
    "booked_by_others": "Booked by others in the same journals",
    "muted": "Muted findings",
    "muted_steps": "What of the month stands on muted findings",
}
_AS_OF = (
    "Open now, and what was matched since. A payment entered later with a date up to the month's end counts as paid in time;"
    " a matching that was undone since leaves no trace in Odoo, and its document counts as open."
)
# What a schedule cannot show; printed below its heading.
_CUT_OFF = (
    "Shipped is the earlier of Magento's local day and Odoo's. Cost is Odoo's value of the stock moves where it shows one, else the"
    " product's cost when the statement was made."
)
_RATES = (
    "Compared: documents that both systems have with the same amounts. In Magento is their total in its base currency, in Odoo in the"
    " company's; the difference is that of the two rates, expected under company_rate: odoo. Other: without a counterpart, or with other"
    " amounts. In Odoo, compared and other together are Odoo's documents in company currency above."
)
_DEPOSITS = (
    "Payment without invoice: in a journal of the payment methods, posted and not matched at the month's end; it may belong to anything of the"
    " company. Captured and not posted: the shop's invoice is paid at the provider, and Odoo has no posted invoice for it yet."
)
_TAXES = (
    "Journal items of the instance's sales journals, less credit notes. Net and tax of a span are the balance of their revenue and tax accounts."
    " Quarter to date: the calendar quarter up to the month's end. Country: of Odoo's delivery address, else of Magento's order. Net under"
    " several taxes counts for each, and is taken off again in a line of its own."
)
_GRIDS = (
    "As Odoo's tax report shows them, of the instance's sales journals only: what was bought, or sold elsewhere, is not in them. Taxes that are"
    " due on payment count when they were paid. A tax without tags is in no grid."
)
_CASH_BASIS = (
    "Opening and invoiced, less what Odoo's entries in the cash-basis journal transferred when it was paid, give what is not due yet. An invoice"
    " in another currency is transferred at the rate of its payment: the difference between the rates stays in the closing."
)
_ZERO_RATED = (
    "From the journal items without tax, in company currency. The reason follows from the country of delivery, the company's, whether a VAT"
    " number is there, and at home the tax's category. Evidence: the day on which Magento found the order's VAT number valid, and a shipment"
    " with a tracking number. No number was checked for this statement; Northern Ireland and other special territories are as their country."
)
_TIMING = "What Magento has and Odoo has not yet is positive, the reverse negative. Opening, new and cleared (subtracted) give closing."
NOTES = {
    "rate_differences": _RATES, "cut_off": _CUT_OFF, "open_receivables": _AS_OF, "refunds_to_pay": _AS_OF, "timing": _TIMING, "deposits": _DEPOSITS,
    "tax_by_country": _TAXES, "tax_grids": _GRIDS, "cash_basis": _CASH_BASIS,
    "zero_rated": _ZERO_RATED,
}  # fmt: skip
# The column of a schedule that is summed in its heading.
SUMMED = {
    "invoiced_not_delivered": "net", "delivered_not_invoiced": "net", "cut_off": "cost",
    "open_receivables": "open", "refunds_to_pay": "open", "deducted": "amount", "residues": "open",
    "remainders": "net", "rate_differences": "total", "timing": "closing", "lasting": "total",
    "deposits": "open", "zero_rated": "net", "zero_rated_lacking": "net",
}  # fmt: skip
OPEN_FINDING, INFORMATION = "Open finding: ", "For information: "
# Columns of the schedules: heading, key, kind of value.
_ORDER = ("Order", "order_number", "text")
_CURRENCY = ("Currency", "currency", "text")
_SPAN = (("Span", "span", "word"), ("From", "first", "text"), ("To", "last", "text"))
COLUMNS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "unreadable": (("Side", "side", "word"), ("Kind", "kind", "word"), ("Id", "source_id", "text"), ("Since", "day", "text")),
    "critical": (
        ("Finding", "type", "word"), ("Kind", "kind", "word"), _ORDER, ("Magento", "magento_number", "text"), ("Odoo", "odoo_number", "text"),
        ("In Magento", "magento_amount", "money"), ("In Odoo", "odoo_amount", "money"), _CURRENCY,
    ),
    "timing": (
        ("Kind", "kind", "word"), ("First in", "side", "word"), ("#", "opening_count", "text"), ("Opening", "opening", "money"),
        ("#", "new_count", "text"), ("New", "new", "money"), ("#", "cleared_count", "text"),
        ("Cleared", "cleared", "money"), ("#", "closing_count", "text"), ("Closing", "closing", "money"), _CURRENCY,
    ),
    "lasting": (
        ("Kind", "kind", "word"), ("Only in", "side", "word"), ("Number", "number", "text"), _ORDER, ("Since", "day", "text"),
        ("In the other on", "until", "text"), ("Total", "total", "money"), _CURRENCY,
    ),
    "tax_by_country": (
        *_SPAN, ("Tax", "tax_name", "text"), ("%", "rate", "text"), ("Country", "country", "text"), ("Grids", "grids", "text"),
        ("Net", "net", "money"), ("Tax amount", "tax", "money"), _CURRENCY,
    ),
    "tax_grids": (*_SPAN, ("Grid", "grid", "text"), ("Country", "country", "text"), ("Amount", "total", "money"), _CURRENCY),
    "cash_basis": (
        ("Tax", "tax_name", "text"), ("%", "rate", "text"), ("Amount", "what", "word"), ("Opening", "opening", "money"),
        ("Invoiced", "new", "money"), ("Transferred", "cleared", "money"), ("Not due yet", "closing", "money"),
        ("Journal", "journal", "text"), _CURRENCY,
    ),
    "zero_rated": (
        ("Reason", "reason", "word"), ("Country", "country", "text"), ("Tax", "tax_name", "text"), ("Documents", "count", "text"),
        ("Net", "net", "money"), ("Lacking evidence", "lacking", "text"), ("Net of these", "without", "money"), _CURRENCY,
    ),
    "zero_rated_lacking": (
        ("Reason", "reason", "word"), ("Number", "number", "text"), _ORDER, ("Date", "day", "text"), ("Country", "country", "text"),
        ("VAT no. checked", "vat_checked", "text"), ("Shipped", "shipped", "text"), ("Lacking", "missing", "text"), ("Net", "net", "money"), _CURRENCY,
    ),
    "invoiced_not_delivered": (_ORDER, ("SKU", "sku", "text"), ("Quantity", "quantity", "quantity"), ("Net", "net", "money"), _CURRENCY),
    "delivered_not_invoiced": (_ORDER, ("SKU", "sku", "text"), ("Quantity", "quantity", "quantity"), ("Net", "net", "money"), _CURRENCY),
    "cut_off": (
        _ORDER, ("Shipment", "magento_number", "text"), ("Delivery", "number", "text"), ("Shipped", "day", "text"),
        ("Recorded later in", "later", "text"), ("On", "other_day", "text"), ("SKU", "sku", "text"), ("Quantity", "quantity", "quantity"),
        ("Cost", "cost", "money"), _CURRENCY,
    ),
    "open_receivables": (
        ("Number", "number", "text"), ("Magento number", "magento_number", "text"), _ORDER, ("Date", "day", "text"),
        ("Due", "due_date", "text"), ("Total", "total", "money"), ("Open", "open", "money"), _CURRENCY,
        ("Payment method", "payment_method", "text"),
    ),
    "refunds_to_pay": (
        ("Number", "number", "text"), ("Magento number", "magento_number", "text"), _ORDER, ("Date", "day", "text"),
        ("Total", "total", "money"), ("Open", "open", "money"), _CURRENCY, ("Payment method", "payment_method", "text"),
    ),
    "deposits": (
        ("What", "what", "word"), ("Number", "number", "text"), _ORDER, ("Reference", "reference", "text"), ("Date", "day", "text"),
        ("Received", "amount", "money"), ("Not invoiced", "open", "money"), _CURRENCY, ("Payment method", "payment_method", "text"),
    ),
    "posted_after_closing": (
        ("Kind", "kind", "word"), ("Number", "number", "text"), _ORDER, ("Document date", "day", "text"),
        ("Accounting date", "accounting_date", "text"), ("Total", "total", "money"), _CURRENCY,
    ),
    "unread_stores": (
        ("Store", "store", "text"), ("Code", "code", "text"), ("Invoices of the month", "invoices", "text"),
        ("Credit memos of the month", "credit_memos", "text"),
    ),
    "without_store": (("Kind", "kind", "word"), ("Number", "number", "text"), ("Id", "source_id", "text")),
    "gaps": (
        ("Side", "side", "word"), ("Kind", "kind", "word"), ("Series", "series", "text"), ("First missing", "first", "text"),
        ("Last missing", "last", "text"), ("Count", "count", "text"),
    ),
    "rounding": (
        _CURRENCY, ("Documents", "count", "text"), ("Net", "net", "money"), ("Absolute", "absolute", "money"),
        ("Above 1.00", "notable", "flag"),
    ),
    "rate_differences": (
        ("Documents in", "documents_in", "text"), ("Kind", "kind", "word"), ("What", "what", "word"), ("Count", "count", "text"),
        ("In Magento", "magento", "money"), ("In Odoo", "odoo", "money"), ("Net", "net", "money"), ("Tax", "tax", "money"),
        ("Difference", "total", "money"), _CURRENCY,
    ),
    "deducted": (
        ("Kind", "what", "word"), ("Number", "number", "text"), _ORDER, ("Date", "day", "text"), ("Entry", "entry", "text"),
        ("Deducted", "amount", "money"), _CURRENCY,
    ),
    "residues": (
        _ORDER, ("Last refund", "day", "text"), ("Invoiced", "invoiced", "money"), ("Refunded", "refunded", "money"),
        ("Left", "open", "money"), _CURRENCY,
    ),
    "remainders": (
        ("Kind", "kind", "word"), ("Number", "number", "text"), _ORDER, ("Date", "day", "text"), ("Net", "net", "money"),
        ("Tax", "tax", "money"), _CURRENCY, ("Payment method", "payment_method", "text"),
    ),
    "entries_by_hand": (
        ("Number", "number", "text"), ("Net", "net", "money"), ("Tax", "tax", "money"), ("Total", "total", "money"), _CURRENCY,
    ),
    "booked_by_others": (
        ("Line", "line", "line"), ("Kind", "kind", "word"), ("Number", "number", "text"), ("Net", "net", "money"), ("Tax", "tax", "money"),
        ("Total", "total", "money"), _CURRENCY,
    ),
    "muted": (
        ("Finding", "type", "word"), ("Kind", "kind", "word"), _ORDER, ("Magento", "magento_number", "text"), ("Odoo", "odoo_number", "text"),
        ("In Magento", "magento_amount", "money"), ("In Odoo", "odoo_amount", "money"), _CURRENCY, ("Until", "muted_until", "text"),
        ("By", "muted_by", "text"), ("Reason", "reason", "text"),
    ),
    "muted_steps": (("Line", "line", "line"), ("Kind", "kind", "word"), ("Total", "total", "money"), _CURRENCY),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of the statement as shown, amounts in units of 1/10000. `strong`: a total; `bad`: unexplained and not zero."""

    key: str
    label: str
    net: int
    tax: int
    total: int
    strong: bool = False
    bad: bool = False


def label(line: str) -> str:
    """Return the name of a line of the statement or of a document."""
    if line == explanation.AGREES:
        return "Agrees"
    if type_ := explanation.finding_type(line):
        return f"{OPEN_FINDING if explanation.is_uncorrected(line) else INFORMATION}{catalogue.of(type_).title}"
    if line.startswith("ledger:"):
        return f"Ledger: {LEDGER_STEPS.get(line.removeprefix('ledger:'), line)}"
    return {"magento": FIRST, "odoo": LAST, "ledger": LEDGER}.get(line) or STEPS.get(line) or labels.spaced(line)


def title(row: Mapping[str, Any]) -> str:
    """Return the title of the table of one currency and kind."""
    return f"{KINDS.get(row['kind'], row['kind'])} in {row['currency']}"


def counted(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the length of a schedule and its sum by currency: "48, open 2,912.11 USD"."""
    key = SUMMED.get(name)
    if not rows or key is None:
        return str(len(rows) or "none")
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + (row[key] or 0)
    return f"{len(rows)}, {key} " + ", ".join(f"{amount(total)} {currency}" for currency, total in sorted(sums.items()))


def lines(row: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the lines of one currency and kind, from Magento's total to the ledger."""
    yield Line("magento", FIRST, **row["magento"], strong=True)
    for key in in_order(row["steps"]):
        yield _line(key, label(key), row["steps"][key], bad=key == explanation.UNEXPLAINED)
    yield Line("odoo", LAST, **row["odoo"], strong=True)
    for key in LEDGER_STEPS:
        if key in row["ledger_steps"]:
            yield _line(f"ledger:{key}", LEDGER_STEPS[key], row["ledger_steps"][key], bad=key == "unexplained")
    yield Line("ledger", LEDGER, **row["ledger"], strong=True)


def in_order(steps: Mapping[str, Any]) -> list[str]:
    """Return the keys in display order: settings, timing, findings, rounding; unexplained last."""
    known = list(STEPS)
    before = [key for key in known[: known.index(explanation.SHARED)] if key in steps]
    findings = sorted(key for key in steps if key.startswith(explanation.FINDING))
    after = [key for key in known[known.index(explanation.SHARED) :] if key in steps]
    return [*before, *findings, *after]


def cell_lines(cell: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the lines of one country and tax rate."""
    known = cell["lines"]
    if "magento" in known:
        yield Line("magento", FIRST, **known["magento"], strong=True)
    for key in in_order({key: one for key, one in known.items() if key not in ("magento", "odoo")}):
        yield _line(key, label(key), known[key], bad=key == explanation.UNEXPLAINED)
    if "odoo" in known:
        yield Line("odoo", LAST, **known["odoo"], strong=True)


def amount(units: int | None) -> str:
    """Return units of 1/10000 as `1,234.50`; with four decimals where they are not zero, as on Magento's credit memos."""
    if units is None:
        return ""
    number = from_units(units)
    decimals = 2 if units % 100 == 0 else 4
    return f"{number:,.{decimals}f}"


def value(raw: Any, kind: str) -> str:
    """Return a value of a schedule as text."""
    if raw is None:
        return ""
    if kind == "money":
        return amount(raw)
    if kind == "quantity":
        return f"{from_units(raw).normalize():f}"
    if kind == "flag":
        return "yes" if raw else ""
    if kind == "line":
        return label(raw)
    return labels.in_sentence(raw) if kind == "word" else str(raw)


def _line(key: str, label: str, amounts: Mapping[str, int], *, bad: bool) -> Line:
    return Line(key, label, amounts["net"], amounts["tax"], amounts["total"], bad=bad and any(amounts.values()))
