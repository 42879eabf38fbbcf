"""Sales orders of another company of the same database that mirror our orders: its warehouse delivers to our customers.

A mirror is a sales order whose customer is our company's partner. Its customer reference and source document link it to our order: they
contain the name of our order, or of our purchase order for it, which inter-company modules also link by id. Nothing is ever written in
the other company; every read of it goes through `Rpc.in_company`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from magodoo.connectors.odoo.documents import Documents
from magodoo.connectors.odoo.rpc import ARCHIVED_TOO, Row, Rpc
from magodoo.domain.states import OdooOrderState
from magodoo.errors import FixConfiguration, FixDocument, Forbidden

_WORDS = re.compile(r"[\s,;|]+")
_PART = 50  # names in one search


@dataclass(frozen=True)
class Mirror:
    """A sales order of another company that mirrors ours.

    Attributes:
        id: Its database id.
        name: Its number.
        orders: Our sales orders that it names; a mirror that names several is assigned to none.
        sold: Product ids by its order lines.
    """

    id: int
    name: str
    orders: tuple[int, ...]
    sold: Mapping[int, int]


class MirrorCompany:
    """Another company whose sales orders mirror ours. `documents` are those of them that concern our company."""

    def __init__(self, ours: Rpc, company_id: int) -> None:
        self._ours, self._there = ours, ours.in_company(company_id)
        self.documents = Documents(self._there, condition=self._of_our_orders)

    def _of_our_orders(self) -> list[Any]:
        return [["sale_id.partner_id.commercial_partner_id", "=", our_partner(self._ours)]]

    def mirrors(self, ids: Collection[int]) -> dict[int, Mirror]:
        """Return which of these sales orders of the company mirror ours, by id, including cancelled ones."""
        return self._mirrors([["id", "in", sorted(set(ids))]]) if ids else {}

    def mirrors_of(self, orders: Collection[int]) -> dict[int, Mirror]:
        """Return the mirrors of these sales orders of ours, by id, without cancelled ones."""
        wanted = set(orders)
        names = sorted(_names_of(self._ours, wanted))
        found: dict[int, Mirror] = {}
        for start in range(0, len(names), _PART):
            part = names[start : start + _PART]
            terms = [[field, "ilike", name] for name in part for field in ("client_order_ref", "origin")]
            domain = [["state", "!=", OdooOrderState.CANCEL], *["|"] * (len(terms) - 1), *terms]
            found |= self._mirrors(domain)
        return {id: mirror for id, mirror in found.items() if wanted.intersection(mirror.orders)}

    def _mirrors(self, domain: list[Any]) -> dict[int, Mirror]:
        there = self._there
        fields = ["name", "client_order_ref", "origin", "order_line"]
        purchase = "auto_purchase_order_id" if there.has_field("sale.order", "auto_purchase_order_id") else ""
        rows = _rows(
            there,
            "sale.order",
            [_own(there), ["partner_id.commercial_partner_id", "=", our_partner(self._ours)], *domain],
            [*fields, *([purchase] if purchase else [])],
        )
        words = {row["id"]: _words(row["client_order_ref"], row["origin"]) for row in rows}
        bought = {row["id"]: row[purchase][0] for row in rows if purchase and row[purchase]}
        tied = _orders_named(self._ours, {word for each in words.values() for word in each}, set(bought.values()))
        sold = lines_of(there, [row["id"] for row in rows])
        return {
            row["id"]: Mirror(
                row["id"],
                row["name"],
                tuple(sorted({o for key in (*words[row["id"]], bought.get(row["id"], 0)) for o in tied.get(key, ())})),
                sold[row["id"]],
            )
            for row in rows
        }


def lines_of(rpc: Rpc, orders: Collection[int]) -> dict[int, dict[int, int]]:
    """Return, by sales order of the client's company, the product id by line, sorted by line id."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    domain = [["order_id", "in", sorted(set(orders))]]
    for line in _rows(rpc, "sale.order.line", domain, ["order_id", "product_id"]) if orders else ():
        if line["product_id"]:
            found[line["order_id"][0]][line["id"]] = line["product_id"][0]
    return found


def our_partner(rpc: Rpc) -> int:
    """Return the id of the partner that represents our company."""
    (row,) = _rows(rpc, "res.company", [["id", "=", rpc.company_id]], ["partner_id"])
    return int(row["partner_id"][0])


def may_read_purchases(rpc: Rpc) -> bool:
    """Return whether this user may list purchase orders. Otherwise only our order's name or number identifies a mirror."""
    try:
        rpc.call("purchase.order", "search", domain=[_own(rpc)], limit=1)
    except (FixConfiguration, FixDocument, Forbidden):
        return False
    return True


def _orders_named(rpc: Rpc, words: Collection[str], purchases: Collection[int]) -> dict[str | int, set[int]]:
    """Return our sales orders by the words that name them (own name or number, purchase order's name) and by purchase order id."""
    tied: dict[str | int, set[int]] = defaultdict(set)
    named = ["|", ["name", "in", sorted(words)], ["client_order_ref", "in", sorted(words)]]
    for row in _rows(rpc, "sale.order", [_own(rpc), *named], ["name", "client_order_ref"]):
        for word in (row["name"], *_words(row["client_order_ref"])):
            tied[word].add(row["id"])
    if may_read_purchases(rpc):
        either = ["|", ["name", "in", sorted(words)], ["id", "in", sorted(purchases)]]
        bought = _purchases(rpc, either)
        for row, orders in bought:
            for key in (row["name"], row["id"]):
                tied[key] |= orders
    return tied


def _names_of(rpc: Rpc, orders: Collection[int]) -> set[str]:
    """Return the words by which a mirror may name our orders: their names and numbers, and the names of their purchase orders."""
    rows = _rows(rpc, "sale.order", [["id", "in", sorted(orders)]], ["name", "client_order_ref"])
    names = {word for row in rows for word in (row["name"], *_words(row["client_order_ref"]))}
    if may_read_purchases(rpc):
        for_them: list[Any] = [["origin", "in", sorted(names)]]
        if rpc.has_field("purchase.order.line", "sale_line_id"):
            for_them = ["|", *for_them, ["order_line.sale_line_id.order_id", "in", sorted(orders)]]
        names |= {row["name"] for row, _ in _purchases(rpc, for_them)}
    return names


def _purchases(rpc: Rpc, domain: list[Any]) -> list[tuple[Row, set[int]]]:
    """Return our purchase orders of a domain, each with the sales orders that it is for: by its lines, else by its source document."""
    rows = _rows(rpc, "purchase.order", [_own(rpc), *domain], ["name", "origin"])
    orders: dict[int, set[int]] = {row["id"]: set() for row in rows}
    if rpc.has_field("purchase.order.line", "sale_line_id"):
        lines = [["order_id", "in", sorted(orders)], ["sale_line_id", "!=", False]]
        fields = ["order_id", "sale_order_id"]
        for line in _rows(rpc, "purchase.order.line", lines, fields):
            orders[line["order_id"][0]] |= {line["sale_order_id"][0]} if line["sale_order_id"] else set()
    origins = {row["id"]: _words(row["origin"]) for row in rows if not orders[row["id"]]}
    names = sorted({word for words in origins.values() for word in words})
    sales = _rows(rpc, "sale.order", [_own(rpc), ["name", "in", names]], ["name"]) if names else []
    by_name = {row["name"]: row["id"] for row in sales}
    for id, words in origins.items():
        orders[id] = {by_name[word] for word in words if word in by_name}
    return [(row, orders[row["id"]]) for row in rows]


def _own(rpc: Rpc) -> list[Any]:
    return ["company_id", "=", rpc.company_id]


def _rows(rpc: Rpc, model: str, domain: list[Any], fields: list[str]) -> list[Row]:
    return rpc.search_read(model, domain, fields, order="id", context=ARCHIVED_TOO)


def _words(*texts: Any) -> tuple[str, ...]:
    """Return the texts and their words, without `#` and brackets."""
    plain = [str(text).strip() for text in texts if text]
    words = [word.strip("#()[]") for text in plain for word in _WORDS.split(text)]
    return tuple(dict.fromkeys(word for word in (*plain, *words) if word))
