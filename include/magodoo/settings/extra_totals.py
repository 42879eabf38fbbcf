"""Settings of amounts in a Magento total that none of its parts contains: fees, fixed product tax, gift cards, amounts of extensions."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from magodoo.settings.strict import Strict

TENDERED = {
    "gift_card": ("gift_cards_amount",),
    "store_credit": ("customer_balance_amount",),
    "reward_points": ("reward_currency_amount",),
}
"""Names of payment parts that need no fields in the settings, with their fields (Adobe Commerce)."""
REFUNDED_TO = {"store_credit": ("customer_balance_total_refunded", "customer_bal_total_refunded")}
"""Where Adobe Commerce shows what it refunded to store credit, money and credit alike: one amount under two names, sure on the order only."""

FIXED_TAX, WRAPPING = "fixed_product_tax", "gift_wrapping"
_TENDERED = re.compile(r"gift_?cards?(_|$)|store_?credit|customer_balance|reward_points|reward_currency", re.IGNORECASE)
KNOWN = (FIXED_TAX, WRAPPING, *TENDERED)
"""Names of amounts that need no fields in the settings."""


class Nature(StrEnum):
    """How an amount is treated in Odoo (docs/business-rules.md#taxes)."""

    CHARGE = "charge"
    LEVY = "levy"
    PAYMENT_PART = "payment_part"
    DISCOUNT = "discount"


class Remainder(Strict):
    """An amount that no field contains, identified by the payment method and its exact value: `amount` + `percent` of `of`."""

    payment_method: str
    """Magento payment method code of the orders that have it."""
    amount: Decimal = Decimal(0)
    """In the order's currency, without its tax; below 0 for what is taken off."""
    percent: Decimal = Decimal(0)
    """Percent of `of`, rounded to cents."""
    of: Literal["subtotal", "grand_total"] = "subtotal"
    """What `percent` is of: the goods before discount, or all other parts of the total with their tax."""
    currency: str | None = None
    """ISO code of the orders that have it; without it: any."""

    def units(self, subtotal: int, grand_total: int) -> int:
        """Return the amount in units (1/10000) for an order with these sums, in units as well."""
        share = Decimal(subtotal if self.of == "subtotal" else grand_total) * self.percent / 100
        cents = (share / 100).to_integral_value(ROUND_HALF_UP)
        return int(self.amount * 10_000) + int(cents) * 100


class ExtraTotal(Strict):
    """An amount that is in the total of a document and in none of its parts. A nature that is not named is reported, never guessed."""

    nature: Nature
    """`charge`: sold as a product of its own (fee, wrapping). `levy`: collected with the goods (fixed product tax, deposit, delivery
    fee). `payment_part`: paid by gift card, store credit or points; lines, revenue and tax stay whole. `discount`: taken off."""
    fields: tuple[str, ...] = ()
    """Where Magento shows it, on the order and its documents: `extension_attributes.fee_amount`, `items[].deposit`; several are added.
    Not for what is known by itself."""
    refunded_fields: tuple[str, ...] = ()
    """Of a payment part: where Magento shows what was refunded to it instead of money, on the order or its credit memos."""
    tax_fields: tuple[str, ...] = ()
    """Where Magento shows the tax on it."""
    including_tax: bool = False
    """Whether `fields` hold it with its tax: then name its `tax_fields`, or its `tax_percent`."""
    product: str | None = None
    """Internal reference (SKU) of the Odoo product of a charge, levy or discount: a service, invoiced on ordered quantities."""
    odoo_tax: str | None = None
    """Exact name of the Odoo tax; without it `taxes` decides by the rate, and an amount without tax carries none."""
    tax_percent: Decimal | None = None
    """Rate of the tax on it; without it: the rate of the order's items that gives its tax."""
    in_tax_base: bool = True
    """Of a levy: whether it is part of the base that tax is computed on. Outside of it, it carries no tax."""
    journal: str | None = None
    """Of a payment part: code of the Odoo journal whose outstanding account is the liability that it settles."""
    remainder: Remainder | None = None
    """Instead of fields: an amount that no field contains, by payment method. The monthly statement lists each use."""

    @model_validator(mode="after")
    def _says_its_tax(self) -> ExtraTotal:
        if self.including_tax and not (self.fields and (self.tax_fields or self.tax_percent)):
            raise ValueError("`including_tax` is of `fields`, and needs their `tax_fields` or `tax_percent`")
        return self

    @model_validator(mode="after")
    def _fits_its_nature(self) -> ExtraTotal:
        """Require the fields of each nature. A tendered part that is mapped to a product would lower revenue and tax."""
        if self.nature is Nature.PAYMENT_PART:
            if self.product or self.odoo_tax:
                raise ValueError("a payment part settles a liability: name its `journal`, no product and no tax")
            if not self.journal:
                raise ValueError("a payment part needs the `journal` whose outstanding account is the liability")
            if self.remainder:
                raise ValueError(
                    "a payment part needs its fields: a remainder cannot be told from money that is missing"
                )
        elif self.refunded_fields:
            raise ValueError(f"nothing is refunded to a {self.nature}: `refunded_fields` are of payment parts only")
        elif self.journal:
            raise ValueError(f"a {self.nature} is sold with a product: `journal` is of payment parts only")
        elif not self.product:
            raise ValueError(f"a {self.nature} needs the Odoo `product` of its lines")
        return self


def complain(totals: dict[str, ExtraTotal]) -> None:
    """Raise ValueError for names and fields that contradict the nature of an amount."""
    for name, extra in totals.items():
        if not re.fullmatch("[a-z][a-z0-9_]{0,30}", name):
            raise ValueError(f"{name!r}: a name is up to 31 small letters, digits and _, and begins with a letter")
        if any(_TENDERED.search(word) for word in (name, *extra.fields)):
            if extra.nature is not Nature.PAYMENT_PART:
                raise ValueError(f"{name} is tendered: its nature is payment_part, never a {extra.nature}")
            for known, shown_in in TENDERED.items():
                if name != known and any(path.split(".")[-1] in shown_in for path in extra.fields):
                    raise ValueError(
                        f"{name}: {shown_in[0]} is known by itself and would count twice: name it `{known}`"
                    )
        elif name in KNOWN and extra.nature is Nature.PAYMENT_PART:
            raise ValueError(f"{name} is charged, not tendered: its nature is charge or levy")
        if name not in KNOWN and not (extra.fields or extra.refunded_fields) and extra.remainder is None:
            raise ValueError(f"{name}: name the `fields` that hold it, or a `remainder`")


GIFT_CARD_TYPES = ("giftcard", "amgiftcard", "mageworx_giftcards", "aw_giftcard", "mpgiftcard", "bss_giftcard")
"""Product types of gift cards that need no setting."""


class GiftCardsSold(Strict):
    """What the sale of a gift card is. Without it an order with one is reported."""

    purpose: Literal["multi_purpose", "single_purpose"]
    """`multi_purpose`: sold without tax to the liability; `single_purpose`: taxed when it is sold."""
    product: str | None = None
    """Internal reference of the Odoo product whose income account is the liability; without it: the product of the card's own SKU."""
    product_types: tuple[str, ...] = Field(default=GIFT_CARD_TYPES)
    """Magento product types of gift cards."""
    skus: tuple[str, ...] = ()
    """SKUs of gift cards that are sold as another type of product."""
