"""The sale of a gift card: to the liability without tax where it can buy anything, taxed at once where it can buy one thing only."""

from __future__ import annotations

from magodoo.extract.canonical import CanonicalLine
from magodoo.load.requests.prepared import RequestProblem
from magodoo.load.requests.sources import Sources
from magodoo.money import shown
from magodoo.settings.extra_totals import GIFT_CARD_TYPES


def is_gift_card(sources: Sources, line: CanonicalLine) -> bool:
    """Return whether a line of the order sells a gift card, by its product type or as the settings list its SKU."""
    sold = sources.instance.gift_cards_sold
    types = sold.product_types if sold else GIFT_CARD_TYPES
    return line.role == "item" and (line.product_type in types or bool(sold and line.sku in sold.skus))


def sku_of(sources: Sources, line: CanonicalLine) -> str:
    """Return the internal reference of the Odoo product that a gift card is sold as."""
    sold = sources.instance.gift_cards_sold
    return (sold.product if sold else None) or line.sku


def is_untaxed(sources: Sources, line: CanonicalLine) -> bool:
    """Return whether a line sells a card that is taxed when it is redeemed."""
    sold = sources.instance.gift_cards_sold
    return is_gift_card(sources, line) and sold is not None and sold.purpose == "multi_purpose"


def gift_card_problems(sources: Sources, line: CanonicalLine, tax: int, currency: str) -> list[RequestProblem]:
    """Return why a gift card cannot be sold as it stands: its purpose is not set, or a card for anything carries tax (units)."""
    if not is_gift_card(sources, line):
        return []
    if sources.instance.gift_cards_sold is None:
        said = f"{line.sku} is a gift card ({line.product_type}): say under `gift_cards_sold` what its sale is"
        return [RequestProblem(f"gift_card:{line.sku}", said)]
    if is_untaxed(sources, line) and tax:
        said = f"the gift card {line.sku} was sold with tax {shown(tax, currency)}, and `gift_cards_sold` says multi_purpose, which carries none"
        return [RequestProblem(f"gift_card:{line.sku}", said)]
    return []
