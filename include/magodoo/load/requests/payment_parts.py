"""Gift cards, store credit and reward points (Adobe Commerce): parts of the payment, for which no account is known.

They lower Magento's grand total and no sum that was sold (`extract.magento_totals`). Nothing of such an order is written: its
invoice would be paid by more than the provider has, or not at all (RULES, *Taxes, products*).
"""

from __future__ import annotations

from magodoo.extract import fields
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.magento_totals import PAYMENT_PARTS
from magodoo.load.requests.prepared import RequestProblem
from magodoo.money import plain


def payment_parts(order: CanonicalDocument) -> list[RequestProblem]:
    """One problem per part that an order was paid with."""
    given = fields.inner(order.payload, "extension_attributes")
    amounts = {words: fields.units(given, name) for name, words in PAYMENT_PARTS.items()}
    return [
        RequestProblem(
            f"payment:{words}",
            f"{plain(amount)} {order.currency} of the order are paid by {words}: no account is set for it, a person books the order",
        )
        for words, amount in amounts.items()
        if amount
    ]
