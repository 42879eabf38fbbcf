"""Gift cards, store credit and reward points: parts of the payment, each settled against the liability that its journal stands for.

They lower Magento's grand total and no sum that was sold (`extract.tendered`). While one is not set, nothing of the order is
written: its invoice would be paid by more than the provider has, or not at all (RULES, *Taxes, products*).
"""

from __future__ import annotations

from magodoo.extract.canonical import CanonicalDocument
from magodoo.load.requests.prepared import RequestProblem
from magodoo.load.requests.sources import Sources
from magodoo.money import shown
from magodoo.settings.extra_totals import TENDERED, Nature


def payment_parts(sources: Sources, order: CanonicalDocument) -> list[RequestProblem]:
    """One problem per part that an order was paid with and that the settings do not name."""
    return [
        _unset(name, f"{shown(units, order.currency)} {order.currency}")
        for name, units in parts_of(order).items()
        if not is_set(sources, name)
    ]


def _unset(name: str, amount: str) -> RequestProblem:
    words, fields = name.replace("_", " "), ", ".join(TENDERED.get(name, ()))
    said = f"{amount} of the order are paid by {words} ({fields}): no account is set for it"
    step = f"Name under `extra_totals.{name}` the journal whose outstanding account is its liability; else a person books the order"
    return RequestProblem(f"payment:{words}", said, next_step=step, who="accounting")


def parts_of(document: CanonicalDocument) -> dict[str, int]:
    """Units by name of what a document was paid with beside its payment method."""
    return {str(name): int(units) for name, units in (document.details.get("tendered") or {}).items()}


def is_set(sources: Sources, name: str) -> bool:
    extra = sources.instance.extra_totals.get(name)
    return extra is not None and extra.nature is Nature.PAYMENT_PART
