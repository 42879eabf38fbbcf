"""Build tables for `load`: one head row, further rows for its lines, every cell text (docs/facts/odoo-19.0.md#6).

Requests build them; right before the write they are fitted to the version of Odoo and put together, so that one call
writes many.

Odoo before 19 has no `extra_tax_data`: prices are sent with the digits that it keeps, so that it comes to the net amounts by
itself, and the tax line is forced (docs/facts/pair.md#2). A sale order has no tax line: `flows.order_cents` decides about
one that Odoo rounds otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from magodoo.connectors.odoo.bulk_load import Loaded
from magodoo.connectors.odoo.client import OdooClient
from magodoo.domain.order_cents import SoldLine, sent
from magodoo.errors import FixDocument, MagodooError
from magodoo.money import from_units, plain, shown, to_units

CREATE_OR_IGNORE: Mapping[str, Any] = {"mode": "update", "noupdate": True, "tracking_disable": True}


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold rows of one model for `load`; the first row of a record carries its head."""

    model: str
    fields: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def call(self) -> dict[str, Any]:
        """Return the call as a dry run shows it."""
        body = {
            "fields": list(self.fields),
            "data": [list(row) for row in self.rows],
            "context": dict(CREATE_OR_IGNORE),
        }
        return {"system": "odoo", "model": self.model, "method": "load", "body": body}


class CompanyAmounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the units in company currency that a document in another currency must show before it is posted.

    Attributes:
        nets: The untaxed amount of each line, by its external id.
    """

    untaxed: int
    tax: int
    currency: str
    nets: dict[str, int]

    @property
    def total(self) -> int:
        """Return the untaxed amount and the tax together, in units."""
        return self.untaxed + self.tax


class ExpectedTotals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the totals in units that Odoo must show before a document is confirmed or posted."""

    untaxed: int
    tax: int
    total: int
    currency: str


def table(
    model: str, head: Mapping[str, str | None], one2many: str = "", lines: Sequence[Mapping[str, str]] = ()
) -> Table:
    """Return the table of a record with its lines, which may differ in their columns.

    Of the head's cells, "" is left to Odoo, None is empty on purpose.
    """
    columns = [name for name, cell in head.items() if cell != ""]
    inner = list(dict.fromkeys(name for line in lines for name in line))
    fields = (*columns, *(f"{one2many}/{name}" for name in inner))
    blank = tuple("" for _ in columns)
    top = tuple(head[name] or "" for name in columns)
    rows = [
        (*(top if index == 0 else blank), *(line.get(name, "") for name in inner))
        for index, line in enumerate(lines or [{}])
    ]
    return Table(model, fields, tuple(rows))


def call(model: str, method: str, **body: Any) -> dict[str, Any]:
    """Return a call to Odoo as a dry run shows it; records that do not exist yet are named by their external ids."""
    return {"system": "odoo", "model": model, "method": method, "body": body}


def figure(number: Decimal) -> str:
    """Return a number as a cell: no exponent, no trailing zeros."""
    return f"{number.normalize():f}" if number else "0"


Load = Callable[[Sequence[str], Sequence[Sequence[str]]], Loaded]


def load_all(client: OdooClient, load: Load, tables: Iterable[Table]) -> tuple[dict[str, int], dict[str, MagodooError]]:
    """Load the tables, those with the same columns in one call; a record that is in several tables is sent once.

    Returns the database ids and the refusals, by external id.
    """
    grouped: dict[tuple[str, ...], dict[str, list[list[str]]]] = {}
    for asked in tables:
        table = fit(client, asked)
        rows = [list(row) for row in table.rows]
        grouped.setdefault(table.fields, {}).setdefault(rows[0][0], rows)
    ids: dict[str, int] = {}
    refused: dict[str, MagodooError] = {}
    for fields, records in grouped.items():
        loaded = load(fields, [row for rows in records.values() for row in rows])
        ids |= loaded.ids
        refused |= loaded.refused
    return ids, refused


def unequal(row: Mapping[str, Any], expect: ExpectedTotals) -> str | None:
    """Return both figures of the first total in which Odoo's record differs from the request; None when all are equal."""
    currency = row.get("currency_id") or {}
    name = currency.get("name") if isinstance(currency, Mapping) else None
    if name and name != expect.currency:
        return f"its currency is {name} in Odoo and {expect.currency} in Magento"
    for word, ours in (("total", expect.total), ("tax", expect.tax), ("untaxed", expect.untaxed)):
        theirs = to_units(row.get(f"amount_{word}"))
        if theirs != ours:
            return (
                f"its {word} is {shown(theirs, expect.currency)} in Odoo and {shown(ours, expect.currency)} in Magento"
            )
    return None


_LINES = {"order_line": "sale.order.line", "invoice_line_ids": "account.move.line"}
_UNIT = Decimal("0.0001")


def fit(client: OdooClient, table: Table) -> Table:
    """Return the table with the names of this version; missing columns are left out, and prices instead lead to the forced amounts."""
    inner = next((name for name in _LINES if f"{name}/extra_tax_data" in table.fields), None)
    rows = [list(row) for row in table.rows]
    if inner and not client.rpc.has_field(_LINES[inner], "extra_tax_data"):
        rows = _own_prices(client, table, rows, inner)
    names = [_name(client, table.model, field) for field in table.fields]
    kept = {index: name for index, name in enumerate(names) if name is not None}
    return Table(table.model, tuple(kept.values()), tuple(tuple(row[index] for index in kept) for row in rows))


def unrated(client: OdooClient, table: Table) -> str | None:
    """Return why a document cannot be written at Magento's rate: Odoo before 18 has no field for it. None when it can, or has Odoo's own."""
    if rate_of(table) in (None, 1) or client.rpc.has_field("account.move", "invoice_currency_rate"):
        return None
    return (
        f"Odoo {client.rpc.version} takes no rate for a document in another currency, so its amounts in company currency would be "
        "those of Odoo's own rate: enter it by hand, or upgrade to Odoo 18 or later"
    )


@dataclass(frozen=True)
class Draft:
    """Hold what is requested of a draft: its table, and its amounts in company currency where they are Magento's."""

    table: Table
    company: CompanyAmounts | None = None


def complete(client: OdooClient, drafts: Mapping[int, Draft]) -> None:
    """Write on drafts, by id, what could not be loaded: rate, taxes, and company amounts where they are Magento's."""
    if not drafts:
        return
    _write_rates(client, drafts)
    if _force_amounts(client, drafts):
        # Odoo ignores an unchanged balance and computes it again from the other amount: it is written once more.
        _force_amounts(client, drafts)


def unequal_in_company(row: Mapping[str, Any], draft: Draft) -> str | None:
    """Return both figures of the first company amount in which a document differs from its request; None when all are equal."""
    if rate_of(draft.table) is None:
        return None  # they follow Odoo's own rate
    company, nets, sign = draft.company, _nets(draft), _sign(draft.table)
    compared = [
        (f"net of {line['name'][:60]!r}", sign * to_units(line["balance"]), nets[line["external_id"]])
        for line in row["invoice_line_ids"]
        if line.get("external_id") in nets
    ]
    if company is not None:
        compared.append(("untaxed amount", -sign * to_units(row["amount_untaxed_signed"]), company.untaxed))
        compared.append(("tax", -sign * to_units(row["amount_tax_signed"]), company.tax))
        compared.append(("total", -sign * to_units(row["amount_total_signed"]), company.total))
    elif taxes := _taxes(draft.table):
        compared.append(("tax", -sign * to_units(row["amount_tax_signed"]), sum(units for _, units in taxes.values())))
    for what, theirs, units in compared:
        if theirs != units:
            return f"its {what} in company currency is {plain(theirs)} in Odoo and {plain(units)} in Magento"
    return None


def _write_rates(client: OdooClient, drafts: Mapping[int, Draft]) -> None:
    """Write the currency rate on drafts: Odoo 18 ignores a loaded rate and takes its own; a written one is kept (docs/facts/odoo-versions.md#4)."""
    rates = {id: rate for id, draft in drafts.items() if (rate := rate_of(draft.table)) is not None}
    if not rates or not client.rpc.has_field("account.move", "invoice_currency_rate"):
        return
    for row in client.rpc.read("account.move", list(rates), ["invoice_currency_rate"]):
        rate = rates[row["id"]]
        if Decimal(str(row["invoice_currency_rate"])) != rate:
            client.rpc.write_call("account.move", "write", ids=[row["id"]], vals={"invoice_currency_rate": rate})


def _force_amounts(client: OdooClient, drafts: Mapping[int, Draft]) -> bool:
    """Write what Odoo computed otherwise: the tax of tax lines, and at Magento's rate the company amounts of all lines.

    Returns whether anything was written.
    """
    domain = [["move_id", "in", list(drafts)], ["display_type", "in", ["tax", "product"]]]
    fields = ["move_id", "tax_line_id", "amount_currency", "balance", "currency_id", "company_currency_id"]
    lines = client.rpc.search_read("account.move.line", domain, fields)
    foreign = [line["id"] for line in lines if line["currency_id"] != line["company_currency_id"]]
    names = client.external_ids.of("account.move.line", foreign) if foreign else {}
    written = False
    for move, draft in drafts.items():
        own = [line for line in lines if line["move_id"][0] == move]
        wanted = _wanted(draft, own, names)
        commands = [
            [1, line["id"], {name: from_units(units) for name, units in wanted[line["id"]].items()}]
            for line in own
            if any(to_units(line[name]) != units for name, units in wanted[line["id"]].items())
        ]
        if commands:
            client.rpc.write_call("account.move", "write", ids=[move], vals={"line_ids": commands})
            written = True
    return written


def _wanted(draft: Draft, lines: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> dict[int, dict[str, int]]:
    """Return the units that a draft's journal items must have, by item id and field. `names` are external ids of product lines."""
    taxes, nets, sign = _taxes(draft.table), _nets(draft), _sign(draft.table)
    wanted: dict[int, dict[str, int]] = {}
    for line in lines:
        amounts = wanted[line["id"]] = {}
        if line["tax_line_id"]:
            amount, company = taxes.get(str(line["tax_line_id"][0]), (0, 0))
            amounts |= {"amount_currency": sign * amount, "balance": sign * company}
        elif names.get(line["id"]) in nets:
            amounts |= {"balance": sign * nets[names[line["id"]]]}
        if line["currency_id"] == line["company_currency_id"] or rate_of(draft.table) is None:
            amounts.pop("balance", None)  # it is the same amount, or Odoo's own rate gives it
    return wanted


def _name(client: OdooClient, model: str, field: str) -> str | None:
    """Return a column under its name in this version, each field of its path; None when there is no such field."""
    parts = field.split("/")
    if parts[0] in ("id", ".id"):
        return field
    depth = 2 if parts[0] in _LINES and len(parts) > 1 else 1
    last = parts[depth - 1]
    if last not in ("id", ".id"):
        renamed = client.rpc.name_of(_LINES[parts[0]] if depth == 2 else model, last)
        if renamed is None or not client.rpc.has_field(_LINES[parts[0]] if depth == 2 else model, last):
            return None
        parts[depth - 1] = renamed
    return "/".join(parts)


def _own_prices(client: OdooClient, table: Table, rows: list[list[str]], inner: str) -> list[list[str]]:
    """Return the rows with the prices and discounts from which an Odoo that takes no forced amounts computes them."""
    price, discount = (table.fields.index(f"{inner}/{name}") for name in ("price_unit", "discount"))
    rounding, decimals = client.rounding.of_company(), decimals_of(client, table)
    lines = [row for row in rows if _has_line(table, row, inner)]
    for row, line in zip(lines, sold_lines(client, table), strict=True):
        row[price], row[discount] = (figure(each) for each in sent(line, rounding, decimals))
    return rows


def sold_lines(client: OdooClient, table: Table) -> list[SoldLine]:
    """Return the lines of an order, invoice or credit note. A tax whose rate is not a percentage counts as 0 %."""
    inner = next(name for name in _LINES if f"{name}/extra_tax_data" in table.fields)
    cells = [
        {name.removeprefix(f"{inner}/"): cell for name, cell in zip(table.fields, row, strict=True)}
        for row in table.rows
        if _has_line(table, row, inner)
    ]
    return [_sold(client, line, line.get("quantity") or line["product_uom_qty"]) for line in cells]


def _has_line(table: Table, row: Sequence[str], inner: str) -> bool:
    """Return whether a row is of a line: a document without lines has one row with its own fields."""
    return any(cell for name, cell in zip(table.fields, row, strict=True) if name.startswith(f"{inner}/"))


def _sold(client: OdooClient, line: Mapping[str, str], quantity: str) -> SoldLine:
    number, price, discount = (Decimal(cell) for cell in (quantity, line["price_unit"], line["discount"]))
    if not line["extra_tax_data"]:
        return SoldLine(
            number,
            price,
            discount,
            to_units((price * number * (100 - discount) / 100).quantize(_UNIT, ROUND_HALF_UP)),
            0,
        )
    forced, tax = _forced(line["extra_tax_data"]), line["tax_ids/.id"]
    return SoldLine(
        number, price, discount,
        to_units(forced["manual_total_excluded_currency"]), to_units(forced["manual_tax_amounts"][tax]["tax_amount_currency"]),
        tax, client.rounding.rates().get(int(tax), Decimal(0)),
    )  # fmt: skip


def decimals_of(client: OdooClient, table: Table) -> int:
    """Return the decimals of a table's currency, as its forced amounts name it; 2 without any."""
    extra = next(index for index, name in enumerate(table.fields) if name.endswith("/extra_tax_data"))
    named = [_forced(row[extra])["currency_id"] for row in table.rows if row[extra]]
    return client.rounding.decimals(int(named[0])) if named else 2


def rate_of(table: Table) -> Decimal | None:
    """Return how many units of the document's currency equal one of the company's; None where Odoo's own rate is taken."""
    if "invoice_currency_rate" not in table.fields:
        return None
    return Decimal(table.rows[0][table.fields.index("invoice_currency_rate")])


def _sign(table: Table) -> int:
    """Return the sign of a positive amount's journal item: revenue is a credit, below zero."""
    return 1 if table.rows[0][table.fields.index("move_type")] == "out_refund" else -1


def _taxes(table: Table) -> dict[str, tuple[int, int]]:
    """Return (tax in the document's currency, tax in the company's), in units, by tax id, of the request; 0 where Odoo's rate is taken."""
    extra = table.fields.index("invoice_line_ids/extra_tax_data")
    taxes: dict[str, tuple[int, int]] = {}
    for row in table.rows:
        amounts = _forced(row[extra])["manual_tax_amounts"] if row[extra] else {}
        for tax, forced in amounts.items():
            amount, company = taxes.get(tax, (0, 0))
            amount += to_units(forced["tax_amount_currency"])
            taxes[tax] = amount, company + to_units(forced.get("tax_amount"))
    return taxes


def _nets(draft: Draft) -> dict[str, int]:
    """Return net units in company currency by line: of all lines where the request has them, else of those whose amounts are forced."""
    if draft.company is not None:
        return draft.company.nets
    table = draft.table
    name, extra = (table.fields.index(f"invoice_line_ids/{field}") for field in ("id", "extra_tax_data"))
    forced = {row[name]: _forced(row[extra]) for row in table.rows if row[extra]}
    return {
        name: to_units(amounts["manual_total_excluded"])
        for name, amounts in forced.items()
        if "manual_total_excluded" in amounts
    }


def _forced(text: str) -> dict[str, Any]:
    forced = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    if not isinstance(forced, dict):
        raise FixDocument("the forced amounts of a line are damaged", system="odoo")
    return forced
