"""Recorded documents of a live Magento and a live Odoo, as the clients hand them over."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from magodoo.money import parse_json

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"
Row = dict[str, Any]


@cache
def _parsed(path: str) -> Any:
    return parse_json((RECORDINGS / path).read_bytes())


def magento() -> Iterator[tuple[str, Row]]:
    """(kind, row) of the shop's documents, and of those made in other tax modes, currencies and quantities."""
    for name in ("magento.json", "magento_more.json"):
        for kind, rows in _parsed(f"extract/{name}")["documents"].items():
            for row in rows:
                yield kind, row


def magento_row(kind: str, entity_id: int) -> Row:
    return next(row for each, row in magento() if each == kind and row["entity_id"] == entity_id)


def odoo() -> Iterator[tuple[str, Row]]:
    """(kind, row) as the client read them from an Odoo 19."""
    for kind, rows in _parsed("odoo-client/documents.json")["rows"].items():
        if kind != "payment":
            for row in rows:
                yield kind, row


def odoo_row(kind: str) -> Row:
    return next(row for each, row in odoo() if each == kind)
