"""The Magento side of the seed: a catalogue, customers, and orders with invoices, shipments and credit memos over 30 days."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from magodoo_sandbox.magento.placing import Address, Line
from magodoo_sandbox.magento.pricing import Coupon
from magodoo_sandbox.magento.shop import MagentoShop

DAYS = 30
CARD = "card"  # a gateway: the provider captures and reports it
OFFLINE = ("banktransfer", "cashondelivery", "checkmo")
CARRIERS = (("ups", "United Parcel Service"), ("dhl", "DHL"), ("custom", "Courier"))

_NAMES = (
    ("Ada", "Lovelace"), ("Grace", "Hopper"), ("Alan", "Turing"), ("Edsger", "Dijkstra"), ("Barbara", "Liskov"), ("Donald", "Knuth"),
    ("Radia", "Perlman"), ("Ken", "Thompson"), ("Frances", "Allen"), ("Tony", "Hoare"), ("José", "Núñez"), ("Zoë", "O'Brien"),
    ("Jürgen", "Groß"), ("<b>Bobby</b>", "Tables'); --"), ("=1+1", "Formula"),
)  # fmt: skip
_SIMPLE = tuple((f"SKU-{number:03d}", Decimal(price)) for number, price in enumerate(
    ("19.99", "5.33", "8.39", "12.95", "49.00", "3.50", "99.90", "24.75", "7.77", "15.15", "33.33", "64.20"), start=1
))  # fmt: skip


@dataclass
class History:
    """One order and what became of it. Ids are Magento entity ids, in the order in which the documents were made."""

    order: int
    placed: datetime
    payment: str
    invoices: list[int] = field(default_factory=list)
    shipments: list[int] = field(default_factory=list)
    memos: list[int] = field(default_factory=list)
    last: datetime | None = None


class Shop:
    """Builds the Magento sandbox. `until` is the moment up to which things have happened (aware UTC)."""

    def __init__(self, seed: int, until: datetime) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a reproducible shop, no secret
        self.until = until
        self.magento = MagentoShop()
        self._catalogue()
        self.customers = [
            (
                self.magento.add_customer(f"customer{number}@example.com", first, last),
                f"customer{number}@example.com",
                first,
                last,
            )
            for number, (first, last) in enumerate(_NAMES)
        ]
        self.skus: list[str] = self._stocked()

    def _catalogue(self) -> None:
        shop = self.magento
        shop.now = self.until - timedelta(days=DAYS + 1)
        if not any(store["code"] == "eu" for store in shop.tables.stores):
            shop.add_store("eu", name="Europe", currency="EUR", rate=Decimal("0.92"))
        for country, rate, kind in (("US", "8.25", "goods"), ("DE", "19", "goods"), ("DE", "19", "shipping")):
            if not any(
                row["tax_country_id"] == country and row.get("_class", kind) == kind for row in shop.tables.tax_rates
            ):
                shop.add_tax_rate(country, Decimal(rate), f"{country}-{rate}-{kind}", kind)
        for sku, price in _SIMPLE:
            shop.add_product(sku, name=f"Article {sku[-3:]}", price=price, stock=100_000)
        shop.add_product("E-BOOK", name="A book to download", price=Decimal("14.50"), product_type="virtual", weight=0)
        for colour in ("RED", "BLUE"):
            shop.add_product(f"SHIRT-{colour}", name=f"Shirt {colour.title()}", price=Decimal("21.90"), stock=100_000)
        shop.add_product(
            "SHIRT",
            name="Shirt",
            price=Decimal("21.90"),
            product_type="configurable",
            children=("SHIRT-RED", "SHIRT-BLUE"),
        )
        shop.add_product(
            "BUNDLE-DYN",
            name="Tool set",
            product_type="bundle",
            children=(("SKU-002", 2), ("SKU-006", 1)),
            dynamic=True,
        )
        shop.add_product(
            "BUNDLE-FIX",
            name="Gift box",
            price=Decimal("39.90"),
            product_type="bundle",
            children=(("SKU-009", 1), ("SKU-010", 1)),
        )
        shop.add_product(
            "BUNDLE-SEP",
            name="Workshop",
            product_type="bundle",
            children=(("SKU-007", 1), ("SKU-011", 2)),
            dynamic=True,
            ships_separately=True,
        )
        shop.add_product(
            "BUNDLE-BOX",
            name="Hamper",
            price=Decimal("27.50"),
            product_type="bundle",
            children=(("SKU-009", 2), ("SKU-012", 1)),
            ships_separately=True,
        )

    def _stocked(self) -> list[str]:
        return [sku for sku, _ in _SIMPLE]

    # Orders

    def place(self, at: datetime, payment: str, *, lines: list[Line] | None = None, store: str = "default", coupon: Coupon | None = None,
              guest: bool | None = None, email: str = "", name: tuple[str, str] | None = None, **more: Any) -> History:  # fmt: skip
        """Places an order at a moment; a card payment is only authorised until it is invoiced."""
        shop = self.magento
        shop.now = at
        customer: int | None
        customer, own_email, first, last = self.random.choice(self.customers)
        if email or (guest if guest is not None else self.random.random() < 0.4):
            customer, own_email = None, email or f"guest{self.random.randrange(10_000)}@example.com"
        address = self.address(store, own_email, *(name or (first, last)))
        shipping_amount = more.pop("shipping_amount", Decimal("4.90") if store == "eu" else Decimal("5.00"))
        order = shop.place_order(
            lines or self.cart(), store=store, customer=customer, billing=address, payment=payment, shipping_amount=shipping_amount,
            coupon=coupon, **more,
        )  # fmt: skip
        return History(order, at, payment, last=at)

    def cart(self) -> list[Line]:
        """One to four lines, no SKU twice."""
        draw = self.random
        lines = [Line(sku, draw.randint(1, 4)) for sku in draw.sample(self.skus, draw.randint(1, 3))]
        extra = draw.random()
        if extra < 0.12:
            lines.append(Line("SHIRT", draw.randint(1, 2), child=draw.choice(("SHIRT-RED", "SHIRT-BLUE"))))
        elif extra < 0.20:
            lines.append(Line("BUNDLE-FIX" if extra < 0.16 else "BUNDLE-BOX", draw.randint(1, 2)))
        elif extra < 0.27:
            lines.append(Line("E-BOOK", 1))
        elif extra < 0.33:
            # A dynamic bundle's children share SKUs with simple lines: taken alone, as most shops sell them.
            lines = [Line("BUNDLE-DYN" if extra < 0.30 else "BUNDLE-SEP", draw.randint(1, 2))]
        return lines

    def address(self, store: str, email: str, first: str, last: str) -> Address:
        if store == "eu":
            return Address(first, last, ("Hauptstraße 5",), "Berlin", "10115", "DE", "+49301234", email)
        return Address(
            first,
            last,
            ("1 Elm St", "Apt 4"),
            "Austin",
            "73301",
            "US",
            "5551234",
            email,
            region="Texas",
            region_code="TX",
            region_id=57,
        )

    # What becomes of an order. Each step moves the clock on by hours.

    def invoice(
        self, history: History, items: Mapping[int | None, Any] | None = None, *, after: timedelta | None = None
    ) -> int:
        self._later(history, after)
        made = self.magento.invoice(history.order, items)
        history.invoices.append(made)
        return made

    def ship(self, history: History, items: Mapping[int | None, Any] | None = None, *, tracked: bool = True) -> int:
        self._later(history)
        code, title = self.random.choice(CARRIERS)
        number = f"1Z{self.random.randrange(10**9):09d}"
        tracks = [{"track_number": number, "title": title, "carrier_code": code}] if tracked else []
        made = self.magento.ship(history.order, self.shipped_by(history.order, items), tracks=tracks)
        history.shipments.append(made)
        return made

    def refund(self, history: History, items: Mapping[int | None, Any] | None = None, **amounts: Any) -> int:
        """Refunds offline, or through the provider when a card paid."""
        self._later(history)
        if history.payment == CARD and items is None:
            made = self.magento.refund_invoice(history.invoices[0], None, online=True, **amounts)
        else:
            made = self.magento.refund(history.order, items, **amounts)
        history.memos.append(made)
        return made

    def _later(self, history: History, after: timedelta | None = None) -> None:
        assert history.last is not None
        history.last = min(history.last + (after or timedelta(hours=self.random.uniform(1, 20))), self.until)
        self.magento.now = history.last

    # Reading rows

    def row(self, kind: str, entity_id: int) -> Any:
        """Return the Magento row: kind is order, invoice, shipment or credit_memo."""
        table = {"order": "orders", "invoice": "invoices", "shipment": "shipments", "credit_memo": "creditmemos"}[kind]
        return getattr(self.magento.tables, table)[entity_id]

    def money_items(self, order: int) -> list[Any]:
        """Return the order items that carry amounts: parents of configurables and fixed bundles, children of dynamic ones."""
        items = self.row("order", order)["items"]
        priced_children = {
            item["parent_item_id"]
            for item in items
            if item.get("parent_item_id") and Decimal(str(item.get("price") or 0))
        }
        return [
            item for item in items
            if item["item_id"] not in priced_children
            and (not item.get("parent_item_id") or item["parent_item_id"] in priced_children)
        ]  # fmt: skip

    def top_items(self, order: int) -> list[Any]:
        """Return the items that invoices are made by, and shipments of what ships together."""
        return [item for item in self.row("order", order)["items"] if not item.get("parent_item_id")]

    def shipped_by(self, order: int, items: Mapping[int | None, Any] | None) -> dict[int | None, Decimal] | None:
        """Return the same goods as a shipment names them: a bundle that ships separately by its parts."""
        rows = {item["item_id"]: item for item in self.row("order", order)["items"]}
        named: dict[int | None, Decimal] = {}
        for item, quantity in (items or {}).items():
            parts = [part for part in rows.values() if part.get("parent_item_id") == item]
            if parts and rows[item].get("_ships_separately"):
                share = Decimal(str(quantity)) / Decimal(str(rows[item]["qty_ordered"]))
                named |= {part["item_id"]: share * Decimal(str(part["qty_ordered"])) for part in parts}
            else:
                named[item] = Decimal(str(quantity))
        return named or None

    def half(self, order: int) -> dict[int | None, Decimal]:
        """About half of each line, at least one piece of the first."""
        picked = {item["item_id"]: Decimal(int(item["qty_ordered"]) // 2) for item in self.top_items(order)}
        if not any(picked.values()):
            picked[next(iter(picked))] = Decimal(1)
        return {item: qty for item, qty in picked.items() if qty}
