"""Identify the goods that deliveries and returns move: by sale order line, and those of a kit by its components."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import text

from magodoo.connectors.magento.bundles import BUNDLE
from magodoo.domain.vocabulary import Kind
from magodoo.errors import MagodooError
from magodoo.extract.odoo_transfers import moves_of, order_of
from magodoo.flows.order_plan import Item
from magodoo.flows.references import Reference, resolve
from magodoo.flows.sources import Sources, finer_than_odoo
from magodoo.ledger.behaviour import DependencyPending
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Request, RequestProblem
from magodoo.money import from_units, plain

if TYPE_CHECKING:
    from magodoo.context import Context


Row = Mapping[str, Any]
Goods = dict[tuple[int, str], int]
"""Units by sale order line and, of a kit that is delivered by its components, the component's SKU ("" otherwise)."""


class Moved(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Hold what is moved of a sale order line, in units; of a kit that is delivered by its components, one of them by its SKU."""

    order_line: Reference
    units: int
    component: str | None = None


class TransferRequest(Request, frozen=True, kw_only=True):
    """Hold the goods of an order to deliver or to take back.

    Attributes:
        key: What distinguishes our transfer from others.
        key_field: The field of the transfer that holds the key.
    """

    order: Reference
    items: tuple[Moved, ...]
    key: str
    key_field: str

    def as_json(self) -> dict[str, Any]:
        """Return the request as the ledger stores it; an item without a component has two elements."""
        items = [[*item[:2], *filter(None, item[2:])] for item in msgspec.to_builtins(self.items)]
        return {**super().as_json(), "items": items}


def items_to_move(
    sources: Sources, order_key: str, wanted: Iterable[Item]
) -> tuple[tuple[Moved, ...], list[RequestProblem]]:
    """Return what is moved for the wanted items, and the problems: none at all is one, as it could mean everything."""
    items: list[Moved] = []
    problems: list[RequestProblem] = []
    order = sources.magento(Kind.ORDER, order_key)
    skus = {line.item_key: line.sku for line in order.lines if line.role == "item"} if order else {}
    for item_key, units in wanted:
        sold, *part = _sold_as(sources, order_key, item_key)
        line = sources.order_line(order_key, sold)
        if line is None:
            problems.append(RequestProblem(f"item:{item_key}", f"the matched Odoo order has no line for item {sold}"))
        elif units:
            items.append(Moved(line, units, *part))
            problems += finer_than_odoo(sources, skus.get(item_key, ""), units)
    if not items and not problems:
        problems.append(RequestProblem("items", "nothing to move is left in the document"))
    return tuple(items), problems


def _sold_as(sources: Sources, order_key: str, item_key: str) -> list[str]:
    """Return the item that Odoo's order has a line for; for a part of a fixed-price bundle the bundle's, and the part's SKU."""
    order = sources.magento(Kind.ORDER, order_key)
    lines = {line.item_key: line for line in order.lines if line.role == "item"} if order else {}
    line = lines.get(item_key)
    bundle = lines.get(line.parent_item_key) if line is not None and not line.is_money else None
    if line is None or bundle is None or bundle.product_type != BUNDLE or not bundle.is_money:
        return [item_key]
    return [str(bundle.item_key), line.sku]


def sale_lines(context: Context, changes: Sequence[LeasedChange[TransferRequest]]) -> dict[int, Goods | MagodooError]:
    """Return, by change id, what it moves; `DependencyPending` while the order's lines are not in Odoo."""
    references = [item.order_line for change in changes for item in change.request.items]
    ids = resolve(context, changes, references)
    wanted: dict[int, Goods | MagodooError] = {}
    for change in changes:
        goods: Goods = {}
        for item in change.request.items:
            key = ids.get(item.order_line, 0), item.component or ""
            goods[key] = goods.get(key, 0) + item.units
        absent = any(line == 0 for line, _ in goods)
        wanted[change.id] = DependencyPending("the order's lines are not in Odoo yet") if absent else goods
    return wanted


def goods_of(move: Row) -> tuple[int, str]:
    """Return what a stock move brings: its sale order line, and the SKU of a kit's component ("" otherwise)."""
    line = id_of(move.get("sale_line_id"))
    return line, str(move["product_id"].get("default_code") or "-") if is_component(move) else ""


def is_component(move: Row) -> bool:
    """Return whether a stock move brings another product than its order line sold."""
    sold = move["sale_line_id"].get("product_id") if isinstance(move.get("sale_line_id"), Mapping) else None
    return bool(sold) and id_of(sold) != id_of(move["product_id"])


def orders_of(row: Row) -> set[int]:
    """Return the sale orders whose goods a transfer carries; the one that Odoo names where no move has an order line."""
    return {int(found) for move in moves_of(row) if (found := order_of(move))} or {id_of(row["sale_id"])}


def id_of(value: Any) -> int:
    """Return the id of a many2one, however it is read; 0 for none."""
    if isinstance(value, Mapping):
        return int(value["id"])
    return int(value[0]) if isinstance(value, list | tuple) else int(value or 0)


def inexact(context: Context, shares: Iterable[tuple[Row, int]]) -> MagodooError | None:
    """Return `DependencyPending` where Odoo would round a quantity: finer than its accuracy, or no whole part of the transfer's unit.

    It waits because the request does not change when somebody raises the accuracy in Odoo: refused, it would never be
    planned again.
    """
    for move, units in shares:
        if not context.odoo.units.holds(move, from_units(units)):
            sku = (move.get("product_id") or {}).get("default_code") or "a product"
            return DependencyPending(
                f"Odoo's transfer cannot hold {plain(units, 0)} of {sku} exactly: raise the decimal accuracy of units there"
                " (Settings, Technical, Decimal Accuracy), or deliver it by hand"
            )
    return None


@contextmanager
def locked(context: Context, model: str, ids: Collection[int]) -> Iterator[set[int]]:
    """Keep these records from other workers until the block ends; yield those that no other worker holds.

    Leases are per order, and a transfer may carry the goods of several. The locks belong to a transaction, so that
    they end with the worker, and work behind a connection pooler.
    """
    if not ids:
        yield set()
        return
    lock = text("select pg_try_advisory_xact_lock(hashtext(:name), hashtext(:id))")
    with context.engine.begin() as connection:
        name = f"magodoo {context.instance.id} {model}"
        yield {id for id in sorted(ids) if connection.scalar(lock, {"name": name, "id": str(id)})}
