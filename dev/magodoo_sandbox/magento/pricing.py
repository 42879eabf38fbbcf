"""What a cart costs: Magento's discount and tax arithmetic in its documented modes (docs/facts/magento-2.4.7-more.md#1)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from magodoo_sandbox.magento.amounts import ZERO, Carry, cents

HUNDRED = Decimal(100)
_TINY = 0.000001  # Magento's first rounding difference: it tips exact halves


@dataclass(frozen=True)
class TaxSettings:
    """A website's tax configuration; the defaults are a fresh installation's.

    `algorithm` is "unit", "row" or "total". `shipping_class` is the tax class of shipping, "" for untaxed.
    `gross_shipping_refunds`: a refund's shipping amount is sent with tax (tax/sales_display/shipping = 2).
    """

    algorithm: str = "total"
    prices_include_tax: bool = False
    shipping_includes_tax: bool = False
    after_discount: bool = True
    discount_includes_tax: bool = False
    shipping_class: str = ""
    country: str = "US"
    gross_shipping_refunds: bool = False


@dataclass(frozen=True)
class Coupon:
    """A cart rule: a percentage, or a fixed amount (base currency) off the whole cart."""

    code: str
    percent: Decimal = ZERO
    amount: Decimal = ZERO
    applies_to_shipping: bool = False
    label: str = ""
    rule_id: int = 1


@dataclass
class Priced:
    """One taxable thing of the cart, a line or shipping, in one currency. Filled by `price_cart`."""

    price: Decimal
    qty: Decimal
    rate: Decimal
    store_rate: Decimal
    original: Decimal = ZERO
    discount: Decimal = ZERO
    discount_percent: Decimal = ZERO
    net_price: Decimal = ZERO
    price_incl_tax: Decimal = ZERO
    row_total: Decimal = ZERO
    row_total_incl_tax: Decimal = ZERO
    tax: Decimal = ZERO
    compensation: Decimal = ZERO


@dataclass
class Cart:
    """Lines and shipping in one currency, with the rules that apply. `money_rate` converts the coupon's base amount."""

    lines: list[Priced]
    shipping: Priced
    settings: TaxSettings
    coupon: Coupon | None = None
    money_rate: Decimal = Decimal(1)


def price_cart(cart: Cart) -> None:
    """Fill net prices, discounts, tax and compensation of every line and of shipping."""
    first = Carry(_TINY)
    for line in cart.lines:
        _price(line, cart.settings, cart.settings.prices_include_tax, first)
    _price(cart.shipping, cart.settings, cart.settings.shipping_includes_tax, Carry(_TINY))
    if cart.coupon:
        _discount(cart, cart.coupon)
    last = Carry(_TINY)
    for line in cart.lines:
        _price(line, cart.settings, cart.settings.prices_include_tax, last)
    _price(cart.shipping, cart.settings, cart.settings.shipping_includes_tax, last)


def _discount(cart: Cart, coupon: Coupon) -> None:
    gross = cart.settings.discount_includes_tax
    bases = [(line.price_incl_tax if gross else line.net_price) * line.qty for line in cart.lines]
    if coupon.percent:
        carry = Carry()
        for line, base in zip(cart.lines, bases, strict=True):
            line.discount_percent = coupon.percent
            line.discount = min(carry.round(base * coupon.percent / HUNDRED), base)
    else:
        _spread(cart.lines, bases, cents(coupon.amount * cart.money_rate))
    if coupon.applies_to_shipping:
        shipping = cart.shipping.price_incl_tax if gross else cart.shipping.net_price
        cart.shipping.discount = cents(shipping * coupon.percent / HUNDRED)


def _spread(lines: list[Priced], bases: list[Decimal], amount: Decimal) -> None:
    """Divide a fixed amount over the lines in proportion; the last line takes what rounding left."""
    total, left, carry = sum(bases, ZERO), min(amount, sum(bases, ZERO)), Carry()
    for position, (line, base) in enumerate(zip(lines, bases, strict=True)):
        share = left if position == len(lines) - 1 else carry.round(amount * base / total)
        line.discount = min(share, base, left)
        left -= line.discount


def _tax_of(amount: Decimal, rate: Decimal, *, included: bool) -> Decimal:
    return amount * rate / (HUNDRED + rate) if included else amount * rate / HUNDRED


def _price(line: Priced, settings: TaxSettings, included: bool, carry: Carry) -> None:
    if included and settings.algorithm == "unit":
        _price_gross_unit(line, settings)
    elif included:
        _price_gross_row(line, settings, carry)
    elif settings.algorithm == "unit":
        _price_net_unit(line, settings)
    else:
        _price_net_row(line, settings, carry)


def _round_tax(tax: Decimal, line: Priced, settings: TaxSettings, carry: Carry, kind: str) -> Decimal:
    return carry.round(tax, (kind, line.rate)) if settings.algorithm == "total" else cents(tax)


def _customer_price(line: Priced) -> Decimal:
    """Return the net price is kept for a customer with another rate than the store's: the gross one changes."""
    price = cents(line.price)
    if line.rate == line.store_rate:
        return price
    net = price - _tax_of(price, line.store_rate, included=True)
    return cents(net + _tax_of(net, line.rate, included=False))


def _price_gross_row(line: Priced, settings: TaxSettings, carry: Carry) -> None:
    line.price_incl_tax = _customer_price(line)
    line.row_total_incl_tax = cents(line.price_incl_tax * line.qty)
    before = _tax_of(line.row_total_incl_tax, line.rate, included=True)
    kind = "before" if settings.after_discount else "regular"
    line.tax, line.compensation = _round_tax(before, line, settings, carry, kind), ZERO
    line.row_total = line.row_total_incl_tax - line.tax
    line.net_price = cents(line.row_total / line.qty)
    if line.discount and settings.after_discount:
        taxable = max(line.row_total_incl_tax - line.discount, ZERO)
        after = _round_tax(_tax_of(taxable, line.rate, included=True), line, settings, carry, "regular")
        line.tax, line.compensation = after, line.tax - after


def _price_gross_unit(line: Priced, settings: TaxSettings) -> None:
    line.price_incl_tax = _customer_price(line)
    unit = cents(_tax_of(line.price_incl_tax, line.rate, included=True))
    line.net_price = line.price_incl_tax - unit
    line.row_total, line.row_total_incl_tax = cents(line.net_price * line.qty), cents(line.price_incl_tax * line.qty)
    line.tax, line.compensation = unit * line.qty, ZERO
    if line.discount and settings.after_discount:
        taxable = max(line.price_incl_tax - line.discount / line.qty, ZERO)
        after = cents(_tax_of(taxable, line.rate, included=True))
        line.tax, line.compensation = after * line.qty, (unit - after) * line.qty


def _price_net_row(line: Priced, settings: TaxSettings, carry: Carry) -> None:
    line.net_price, line.compensation = cents(line.price), ZERO
    line.row_total = cents(line.net_price * line.qty)
    kind = "before" if settings.after_discount else "regular"
    before = _round_tax(_tax_of(line.row_total, line.rate, included=False), line, settings, carry, kind)
    line.tax = before
    if settings.after_discount:
        taxable = max(line.row_total - line.discount, ZERO)
        line.tax = _round_tax(_tax_of(taxable, line.rate, included=False), line, settings, carry, "regular")
    line.row_total_incl_tax = line.row_total + before
    line.price_incl_tax = cents(line.row_total_incl_tax / line.qty)


def _price_net_unit(line: Priced, settings: TaxSettings) -> None:
    line.net_price, line.compensation = cents(line.price), ZERO
    line.row_total = cents(line.net_price * line.qty)
    before = cents(_tax_of(line.net_price, line.rate, included=False))
    line.price_incl_tax = line.net_price + before
    line.row_total_incl_tax = cents(line.price_incl_tax * line.qty)
    line.tax = before * line.qty
    if settings.after_discount:
        taxable = max(line.net_price - line.discount / line.qty, ZERO)
        line.tax = cents(_tax_of(taxable, line.rate, included=False)) * line.qty
