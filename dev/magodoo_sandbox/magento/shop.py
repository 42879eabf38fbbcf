"""Every business operation of Magento, for seeders in this process and for the REST routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from magodoo_sandbox.magento import catalog, documents, fixed_tax
from magodoo_sandbox.magento import order_rules as rules
from magodoo_sandbox.magento.accounts import Accounts
from magodoo_sandbox.magento.amounts import Row, dec
from magodoo_sandbox.magento.changes import Changes
from magodoo_sandbox.magento.placing import METHOD_TITLES, Address, Line, Sale, build_order
from magodoo_sandbox.magento.pricing import Coupon, TaxSettings
from magodoo_sandbox.magento.store import Clock, Tables, read_state, write_state

Amount = Decimal | int | str


class MagentoShop(Changes):
    """An in-memory Magento 2.4.7.

    `shop.now` is the database clock (aware UTC; None follows the real time). `shop.tables` are the rows as served:
    change them directly to damage a document. Methods raise `Refusal` exactly where the API would refuse.
    """

    def __init__(self, tables: Tables | None = None) -> None:
        self.clock = Clock()
        self.tables = tables or Tables()
        self.tax: dict[str, TaxSettings] = {}
        self.accounts = Accounts()
        self.limits: dict[str, int] = {}
        if tables is None:
            catalog.install(self.tables)

    @property
    def now(self) -> datetime | None:
        return self.clock.now

    @now.setter
    def now(self, moment: datetime | None) -> None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError("shop.now must be an aware UTC datetime")
        self.clock.now = moment

    # Catalogue -----------------------------------------------------------------------------------------------------

    def add_website(self, code: str, name: str, tax: TaxSettings | None = None) -> int:
        """Return a website with its own tax settings; returns its id."""
        if tax:
            self.tax[code] = tax
        return catalog.add_website(self.tables, code, name)

    def set_tax(self, settings: TaxSettings, website: str = "base") -> None:
        self.tax[website] = settings

    def add_store(self, code: str, website: str = "base", **options: Any) -> int:
        """Return a store view; options are those of `catalog.add_store`: base_currency, currency, rate and so on."""
        return catalog.add_store(self.tables, code, website, **options)

    def add_source(self, code: str, *, name: str = "", country: str = "US") -> None:
        catalog.add_source(self.tables, code, name=name, country=country)

    def set_stock(self, sku: str, quantity: Amount, source: str = "default") -> None:
        catalog.set_stock(self.tables, sku, dec(quantity), source)

    def add_tax_rate(
        self,
        country: str,
        rate: Amount,
        code: str = "",
        tax_class: str = "goods",
        *,
        region_id: int = 0,
        postcode: str = "*",
    ) -> int:
        """Return a percentage for a country and product tax class: "goods", "reduced", "shipping"; returns its id. Options as of `catalog`."""
        return catalog.add_tax_rate(self.tables, country, dec(rate), code, tax_class, region_id, postcode)

    def add_product(
        self,
        sku: str,
        *,
        name: str = "",
        price: Amount = 0,
        product_type: str = "simple",
        weight: Amount = 1,
        tax_class: str = "goods",
        stock: int = 1000,
        children: Sequence[Any] = (),
        dynamic: bool = False,
        qty_decimal: bool = False,
        ships_separately: bool = False,
    ) -> int:
        """Return a product in base currency; returns its id.

        `product_type`: simple, virtual, configurable (children: skus) or bundle (children: (sku, qty) pairs, `dynamic`
        for a price that is the sum of its children, `ships_separately` for parts that leave one by one).
        """
        return catalog.add_product(
            self.tables,
            self.clock,
            sku,
            name=name or sku,
            price=dec(price),
            product_type=product_type,
            weight=dec(weight),
            tax_class=tax_class,
            stock=stock,
            children=tuple(children),
            dynamic=dynamic,
            qty_decimal=qty_decimal,
            ships_separately=ships_separately,
        )

    def add_customer(
        self, email: str, firstname: str, lastname: str, *, store: str | int = "default", group_id: int = 1
    ) -> int:
        view = catalog.find_store(self.tables, store)
        return catalog.add_customer(self.tables, self.clock, email, firstname, lastname, view, group_id)

    # Orders --------------------------------------------------------------------------------------------------------

    def place_order(
        self,
        lines: Iterable[Line | tuple[str, Any]],
        *,
        store: str | int = "default",
        customer: int | None = None,
        billing: Address | None = None,
        shipping: Address | None = None,
        payment: str = "checkmo",
        shipping_amount: Amount = 0,
        coupon: Coupon | None = None,
        rate: Amount | None = None,
        group_id: int = 0,
        po_number: str = "",
        payment_title: str = "",
        edit_of: int | None = None,
        increment_id: str = "",
        shipping_method: str = "flatrate_flatrate",
        shipping_description: str = "Flat Rate - Fixed",
    ) -> int:
        """Place an order and return its id. Lines are `Line` or (sku, qty). Amounts are in base currency.

        Without `shipping` the billing address is used; an order of virtual lines only has none. `rate` overrides the
        store's base to order rate. `edit_of` cancels that order and numbers this one `...-1`. A gateway method leaves
        the order pending until `authorize`.
        """
        cart = [line if isinstance(line, Line) else Line(line[0], line[1]) for line in lines]
        view = catalog.find_store(self.tables, store)
        address = billing or Address()
        sale = Sale(
            store=view,
            website=self._website_of(view)["name"],
            settings=self.tax_of(view),
            billing=address,
            shipping=None if self._is_virtual(cart) else shipping or address,
            payment=payment,
            shipping_amount=dec(0 if self._is_virtual(cart) else shipping_amount),
            rate=view["_rate"] if rate is None else dec(rate),
            coupon=coupon,
            customer=self._customer(customer),
            group_id=group_id,
            po_number=po_number,
            payment_title=payment_title,
            shipping_method=shipping_method,
            shipping_description=shipping_description,
        )
        number = increment_id or (self._edit(edit_of) if edit_of else "")
        number = number or documents.next_increment(self.tables, "orders", view["id"])
        order = build_order(self.tables, cart, sale, self.clock.stamp(), number)
        if edit_of:
            self._relate(order, self.order(edit_of))
        self.tables.orders[order["entity_id"]] = order
        return int(order["entity_id"])

    def charge_fixed_tax(self, order_id: int, a_piece: Amount) -> None:
        """Charge an order that was just placed with fixed product tax on each of its pieces."""
        order = self.order(order_id)
        fixed_tax.charge(order, dec(a_piece), [rules.is_dummy(order, item) for item in order["items"]])

    def tax_of(self, store: Row) -> TaxSettings:
        return self.tax.get(self._website_of(store)["code"], TaxSettings())

    def _website_of(self, store: Row) -> Row:
        return next(row for row in self.tables.websites if row["id"] == store["website_id"])

    def _is_virtual(self, cart: Sequence[Line]) -> bool:
        products = [self.tables.product(line.sku) for line in cart]
        return all(product is not None and product["type_id"] == "virtual" for product in products)

    def _customer(self, identifier: int | None) -> Row | None:
        if identifier is None:
            return None
        return next(row for row in self.tables.customers if row["id"] == identifier)

    def _edit(self, order_id: int) -> str:
        """Cancel the old order and count the root number up: 4000000081-1, then -2 (docs/facts/magento-2.4.7-more.md#4)."""
        old = self.order(order_id)
        self.cancel(order_id)
        return f"{_root_number(old)}-{int(old.get('edit_increment') or 0) + 1}"

    def _relate(self, order: Row, old: Row) -> None:
        order |= {
            "original_increment_id": _root_number(old),
            "relation_parent_id": str(old["entity_id"]),
            "relation_parent_real_id": old["increment_id"],
            "edit_increment": int(old.get("edit_increment") or 0) + 1,
        }

    # State ---------------------------------------------------------------------------------------------------------

    def dump(self, path: str | Path | None = None) -> dict[str, Any]:
        """Return the whole state as JSON data, written to a file if one is named. Accounts are left out: they are secrets."""
        state = self.tables.as_state()
        state["tax"] = {website: vars(settings) for website, settings in self.tax.items()}
        state["limits"] = self.limits
        if path:
            write_state(Path(path), state)
        return state

    def copy(self) -> MagentoShop:
        """Return an independent copy of the current data, with the same accounts."""
        twin = MagentoShop(deepcopy(self.tables))
        twin.tax, twin.accounts, twin.limits = self.tax, self.accounts, self.limits
        return twin

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any]) -> MagentoShop:
        """Return a Magento from `dump()`'s file or data."""
        state = dict(source) if isinstance(source, Mapping) else read_state(Path(source))
        shop = cls(Tables.from_state(state))
        shop.tax = {website: TaxSettings(**settings) for website, settings in state.get("tax", {}).items()}
        shop.limits = dict(state.get("limits", {}))
        return shop

    def is_gateway(self, order: Row) -> bool:
        """Whether a provider handles the money, so that a refund by invoice is possible."""
        return order["payment"]["method"] not in METHOD_TITLES

    def is_open(self, order_id: int) -> bool:
        """Whether anything is left to invoice or ship."""
        order = self.order(order_id)
        return rules.can_invoice(order) or rules.can_ship(order)


def _root_number(order: Row) -> str:
    return str(order.get("original_increment_id") or order["increment_id"])
