"""Odoo before 19 has no `extra_tax_data`: prices are net of discount and the tax line is forced (facts pair 2, b and d).

That is equal to the cent on invoices and credit notes; a sale order has no tax line, so one that Odoo rounds otherwise is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from magodoo.errors import FixDocument
from magodoo.load.ledger import LeasedChange
from magodoo.load.requests.tables import figure
from magodoo.money import from_units, to_units
from magodoo.odoo.client import OdooClient
from magodoo.odoo.versions import name_of

_LINES = {"order_line": "sale.order.line", "invoice_line_ids": "account.move.line"}
_PRICE = Decimal("0.000001")


def fit(client: OdooClient, table: Mapping[str, Any]) -> Mapping[str, Any]:
    """The table with the names of this version; columns that it lacks are left out, forced amounts become net prices."""
    inner = next((name for name in _LINES if f"{name}/extra_tax_data" in table["fields"]), None)
    rows = [list(row) for row in table["rows"]]
    if inner and not client.has_field(_LINES[inner], "extra_tax_data"):
        rows = _net_prices(table["fields"], rows, inner)
    names = [_name(client, table["model"], field) for field in table["fields"]]
    kept = [index for index, name in enumerate(names) if name is not None]
    return {
        **table,
        "fields": [names[index] for index in kept],
        "rows": [[row[index] for index in kept] for row in rows],
    }


def force_taxes(client: OdooClient, moves: Sequence[int], changes: Mapping[int, LeasedChange]) -> None:
    """Write the tax of each draft's tax lines where Odoo computed another one; by move id."""
    domain = [["move_id", "in", list(moves)], ["display_type", "=", "tax"]]
    fields = ["move_id", "tax_line_id", "amount_currency"]
    lines = client.call("account.move.line", "search_read", domain=domain, fields=fields)
    for move in moves:
        wanted = _taxes(changes[move].request["load"])
        commands = []
        for line in lines:
            if line["move_id"][0] != move or not line["tax_line_id"]:
                continue
            asked, has = wanted.get(str(line["tax_line_id"][0]), 0), to_units(line["amount_currency"])
            if asked != abs(has):
                signed = -asked if has < 0 else asked
                commands.append([1, line["id"], {"amount_currency": from_units(signed)}])
        if commands:
            client.write_call("account.move", "write", ids=[move], vals={"line_ids": commands})


def _name(client: OdooClient, model: str, field: str) -> str | None:
    """A column under its name in this version: each field of its path; None when there is no such field."""
    parts = field.split("/")
    if parts[0] in ("id", ".id"):
        return field
    depth = 2 if parts[0] in _LINES and len(parts) > 1 else 1
    last = parts[depth - 1]
    if last not in ("id", ".id"):
        renamed = name_of(client.version, _LINES[parts[0]] if depth == 2 else model, last)
        if renamed is None or not client.has_field(_LINES[parts[0]] if depth == 2 else model, last):
            return None
        parts[depth - 1] = renamed
    return "/".join(parts)


def _net_prices(fields: Sequence[str], rows: list[list[str]], inner: str) -> list[list[str]]:
    extra, price, discount = (fields.index(f"{inner}/{name}") for name in ("extra_tax_data", "price_unit", "discount"))
    quantity = next(fields.index(name) for name in (f"{inner}/quantity", f"{inner}/product_uom_qty") if name in fields)
    for row in rows:
        if row[extra]:
            net = _forced(row[extra])["manual_total_excluded_currency"]
            row[price] = figure((net / Decimal(row[quantity])).quantize(_PRICE, ROUND_HALF_UP))
            row[discount] = "0"
    return rows


def _taxes(table: Mapping[str, Any]) -> dict[str, int]:
    """Units of tax by tax id that the request asks for."""
    extra = table["fields"].index("invoice_line_ids/extra_tax_data")
    taxes: dict[str, int] = {}
    for row in table["rows"]:
        amounts = _forced(row[extra])["manual_tax_amounts"] if row[extra] else {}
        for tax, forced in amounts.items():
            taxes[tax] = taxes.get(tax, 0) + to_units(forced["tax_amount_currency"])
    return taxes


def _forced(text: str) -> dict[str, Any]:
    forced = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    if not isinstance(forced, dict):
        raise FixDocument("the forced amounts of a line are damaged", system="odoo")
    return forced
