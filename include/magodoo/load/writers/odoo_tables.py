"""`load` tables of many requests, put together so that one call writes them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from magodoo.errors import MagodooError
from magodoo.load.writers.older_odoo import fit
from magodoo.money import shown, to_units
from magodoo.odoo.client import OdooClient
from magodoo.odoo.loading import Loaded

Load = Callable[[Sequence[str], Sequence[Sequence[str]]], Loaded]


def load_all(
    client: OdooClient, load: Load, tables: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, int], dict[str, MagodooError]]:
    """Load the tables, those with the same columns in one call; a record that stands in several is sent once.

    Returns the database ids and the refusals, by external id.
    """
    grouped: dict[tuple[str, ...], dict[str, list[list[str]]]] = {}
    for asked in tables:
        table = fit(client, asked)
        rows = [[str(cell) for cell in row] for row in table["rows"]]
        grouped.setdefault(tuple(table["fields"]), {}).setdefault(rows[0][0], rows)
    ids: dict[str, int] = {}
    refused: dict[str, MagodooError] = {}
    for fields, records in grouped.items():
        loaded = load(fields, [row for rows in records.values() for row in rows])
        ids |= loaded.ids
        refused |= loaded.refused
    return ids, refused


def unequal(row: Mapping[str, Any], expect: Mapping[str, Any]) -> str | None:
    """Both figures of the first total in which Odoo's record is not what was asked for; None when all are equal."""
    currency = row.get("currency_id") or {}
    name = currency.get("name") if isinstance(currency, Mapping) else None
    if name and name != expect["currency"]:
        return f"its currency is {name} in Odoo and {expect['currency']} in Magento"
    for word in ("total", "tax", "untaxed"):
        theirs = to_units(row.get(f"amount_{word}"))
        if theirs != expect[word]:
            return f"its {word} is {shown(theirs, expect['currency'])} in Odoo and {shown(expect[word], expect['currency'])} in Magento"
    return None
