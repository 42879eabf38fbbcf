"""Watches what the pipeline does to both systems, and says afterwards, document by document, what is not as it must be.

It reads the two systems and the ledger of the fixture. From the pipeline it takes what it reports: matches and findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shop_and_books import ShopAndBooks, amount
from sqlalchemy import text

from cutover.history import Expected, Fate, Ledger

WATCHED = (
    "sale.order", "sale.order.line", "account.move", "account.move.line", "account.payment", "stock.picking", "stock.move",
)  # fmt: skip
PEOPLE = ("name", "email", "vat", "street", "city", "zip", "country_id", "parent_id", "active", "phone")
MADE_OF = {"order": ("sale.order", "order"), "invoice": ("account.move", "inv"), "credit_memo": ("account.move", "cm")}
SHOP = {"orders": "order", "invoices": "invoice", "shipments": "shipment", "creditmemos": "credit_memo"}
Snapshot = dict[str, dict[int, dict[str, Any]]]


class Watch:
    """What the pipeline made and changed while it ran; what people did in between is not counted."""

    def __init__(self, pair: ShopAndBooks) -> None:
        self.pair = pair
        self.made: dict[str, set[int]] = {name: set() for name in (*WATCHED, *SHOP)}
        self.changed: dict[str, dict[int, set[str]]] = {name: {} for name in (*WATCHED, "res.partner", *SHOP)}

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        before = self._snapshot()
        yield
        after = self._snapshot()
        for table, rows in after.items():
            if table in self.made:
                self.made[table] |= rows.keys() - before[table].keys()
            for number, row in before[table].items():
                names = {name for name in row if rows.get(number, {}).get(name) != row[name]}
                if names:
                    self.changed[table].setdefault(number, set()).update(names)

    def _snapshot(self) -> Snapshot:
        tables = self.pair.odoo.db.tables
        shot = {name: {number: _plain(row) for number, row in tables[name].items()} for name in WATCHED}
        shot["res.partner"] = {
            number: {name: row.get(name) for name in PEOPLE} for number, row in tables["res.partner"].items()
        }
        for name in SHOP:
            rows = getattr(self.pair.shop.tables, name)
            shot[name] = {row["entity_id"]: _plain(row) for row in rows.values()}
        return shot


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: repr(value) if isinstance(value, (list, dict)) else value for name, value in row.items()}


def check(pair: ShopAndBooks, ledger: Ledger, watch: Watch) -> tuple[Counter[str], list[str]]:
    """How many documents met each fate, and a line for each that did not."""
    checking = _Checking(pair, ledger, watch)
    met: Counter[str] = Counter()
    for each in ledger.documents:
        complaint = checking.of[each.fate](each)
        if complaint:
            what = f"{each.kind} {each.magento_id} of order {each.order} ({each.way.value})"
            checking.lines.append(f"{what}: {complaint}, instead of {each.fate.value}")
        else:
            met[each.fate.name.lower()] += 1
    checking.nothing_more_was_made()
    checking.nothing_else_was_touched()
    return met, checking.lines


class _Checking:
    def __init__(self, pair: ShopAndBooks, ledger: Ledger, watch: Watch) -> None:
        self.pair, self.ledger, self.watch = pair, ledger, watch
        self.tables = pair.odoo.db.tables
        self.lines: list[str] = []
        self.names = {
            (row["model"], row["res_id"]): f"{row['module']}.{row['name']}"
            for row in self.tables["ir.model.data"].values()
        }
        self.by_name = {name: key for key, name in self.names.items()}
        self.pairs, self.findings = self._reported()
        self.claimed: set[tuple[str, int]] = set()
        self.of: dict[Fate, Callable[[Expected], str | None]] = {
            Fate.ADOPTED: self._adopted, Fate.COVERED: self._covered, Fate.REPORTED: self._reported_only,
            Fate.WRITTEN: self._written, Fate.PUSHED: self._pushed,
        }  # fmt: skip

    def _reported(self) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], set[str]]]:
        with self.pair.engine.connect() as connection:
            rows = connection.execute(text("select kind, magento_id, odoo_id from pair where ended_at is null"))
            pairs = {(kind, magento): odoo for kind, magento, odoo in rows}
            found: dict[tuple[str, str], set[str]] = {}
            told = "select kind, magento_id, type from finding where resolved_at is null and magento_id is not null"
            for kind, magento, type_ in connection.execute(text(told)):
                found.setdefault((kind, magento), set()).add(type_)
        return pairs, found

    # One document

    def _ours(self, each: Expected) -> int | None:
        """The record that we gave the document's external id, if there is one."""
        if each.kind == "shipment":
            key = f"ship_{self.pair.instance.id}_{each.magento_id}"
            found = [row["id"] for row in self.tables["stock.picking"].values() if row.get("x_magento_key") == key]
            if len(found) > 1:
                self.lines.append(f"shipment {each.magento_id} was delivered {len(found)} times")
            return found[0] if found else None
        model, word = MADE_OF[each.kind]
        known = self.by_name.get(self.pair.instance.external_id(word, each.magento_id))
        return known[1] if known and known[1] in self.tables[model] else None

    def _adopted(self, each: Expected) -> str | None:
        if self._ours(each):
            return "it was made again"
        found = self.pairs.get((each.kind, str(each.magento_id)))
        return None if found == str(each.odoo_id) else f"matched with {found} and not with {each.odoo_id}"

    def _covered(self, each: Expected) -> str | None:
        if self._ours(each):
            return "it was made again"
        return f"{sorted(said)}" if (said := self._said(each)) & {"missing_in_odoo", "possible_duplicate"} else None

    def _reported_only(self, each: Expected) -> str | None:
        if self._ours(each):
            return "it was made"
        said = self._said(each)
        return None if said & set(each.findings) else f"reported as {sorted(said) or 'nothing'}"

    def _written(self, each: Expected) -> str | None:
        made = self._ours(each)
        if made is None:
            return f"it was not made; reported as {sorted(self._said(each)) or 'nothing'}"
        model = "stock.picking" if each.kind == "shipment" else MADE_OF[each.kind][0]
        self.claimed.add((model, made))
        row = self.tables[model][made]
        if each.kind == "shipment":
            return None if row["state"] == "done" else f"the delivery is {row['state']}"
        total, wanted = (
            amount(row["amount_total"]),
            amount(self.pair.shop_row(each.kind, each.magento_id)["grand_total"]),
        )
        if total != wanted or row["state"] not in ("sale", "posted"):
            return f"{total} {row['state']} instead of {wanted}"
        return None

    def _pushed(self, each: Expected) -> str | None:
        """`magento_id` is the order's; the delivery is Odoo's."""
        found = self.pair.shipments(each.order)
        if len(found) != 1:
            return f"{len(found)} shipments"
        self.claimed.add(("shipments", found[0]["entity_id"]))
        matched = self.pairs.get(("shipment", str(found[0]["entity_id"])))
        return None if matched == str(each.odoo_id) else f"matched with {matched}"

    def _said(self, each: Expected) -> set[str]:
        return self.findings.get((each.kind, str(each.magento_id)), set())

    # The whole

    def nothing_more_was_made(self) -> None:
        """Every order, move, and Magento document that the pipeline made is one that the ledger asks for, each once."""
        for model in ("sale.order", "account.move"):
            for number in self.watch.made[model]:
                row = self.tables[model][number]
                if (model, number) not in self.claimed and row.get("move_type") != "entry":
                    self.lines.append(
                        f"{model} {number} {self.names.get((model, number))} was made and is not asked for"
                    )
        for table in SHOP:
            for number in self.watch.made[table]:
                if (table, number) not in self.claimed:
                    self.lines.append(f"Magento's {table} {number} was made and is not asked for")
        for number in self.watch.made["account.payment"]:
            settled = self.tables["account.payment"][number].get("invoice_ids") or []
            if any(
                ("account.move", move) not in self.claimed and self._order_of_move(move) not in self.ledger.live
                for move in settled
            ):
                self.lines.append(f"payment {number} settles what is not ours to settle")

    def nothing_else_was_touched(self) -> None:
        """Records from before the pipeline ran are as they were, but for those of orders that live on."""
        for model in (*WATCHED, "res.partner"):
            for number, names in self.watch.changed[model].items():
                if number in self.watch.made.get(model, ()):
                    continue
                if self._order_of(model, number) not in self.ledger.live:
                    self.lines.append(f"{model} {number} was touched: {sorted(names)}")
        for table, kind in SHOP.items():
            for number, names in self.watch.changed[table].items():
                row = self.pair.shop_row(kind, number)
                order = row["entity_id"] if kind == "order" else row["order_id"]
                if order not in self.ledger.live and number not in self.watch.made[table]:
                    self.lines.append(f"Magento's {kind} {number} was touched: {sorted(names)}")

    def _order_of(self, model: str, number: int) -> int | None:
        row = self.tables[model].get(number)
        if row is None:
            return None
        if model == "sale.order":
            return self._order_of_sale(number)
        if model == "sale.order.line":
            return self._order_of_sale(row["order_id"])
        if model == "stock.picking":
            return self._order_of_sale(row.get("sale_id"))
        if model == "stock.move":
            return self._order_of("stock.picking", row["picking_id"]) if row.get("picking_id") else None
        if model == "account.move":
            return self._order_of_move(number)
        return self._order_of_move(row["move_id"]) if model == "account.move.line" else None

    def _order_of_sale(self, sale: int | None) -> int | None:
        sales = {each.odoo_id: each.order for each in self.ledger.documents if each.kind == "order" and each.odoo_id}
        self._sales = getattr(self, "_sales", sales)
        if sale in self._sales:
            return self._sales[sale]
        name = self.names.get(("sale.order", sale or 0), "")
        return int(name.rsplit("_", 1)[1]) if name.startswith(self.pair.instance.external_id("order", "")) else None

    def _order_of_move(self, move: int) -> int | None:
        moves = {each.odoo_id: each.order for each in self.ledger.documents if each.kind in ("invoice", "credit_memo")}
        self._moves = getattr(self, "_moves", moves)
        if move in self._moves:
            return self._moves[move]
        name = self.names.get(("account.move", move), "")
        for kind, word in (("invoice", "inv"), ("credit_memo", "cm")):
            if name.startswith(self.pair.instance.external_id(word, "")):
                return int(self.pair.shop_row(kind, int(name.rsplit("_", 1)[1]))["order_id"])
        return None
