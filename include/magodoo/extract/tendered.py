"""What of a Magento total was paid by gift card, store credit or points, and what was refunded to them: parts of the payment."""

from __future__ import annotations

from magodoo.extract import fields, paths
from magodoo.extract.fields import Row
from magodoo.settings import Instance
from magodoo.settings.extra_totals import REFUNDED_TO, TENDERED, Nature


def tendered(instance: Instance, row: Row, prefix: str = "") -> dict[str, int]:
    """Units by name of `extra_totals`: known fields of Adobe Commerce, and those that the settings name; only what is not 0.

    With the prefix `base_` in base currency; an extension that shows none is converted at the document's rate.
    """
    given = fields.inner(row, "extension_attributes")
    found = {
        name: sum(fields.units(given if given.get(field) is not None else row, f"{prefix}{field}") for field in known)
        for name, known in TENDERED.items()
    }
    for name, extra in instance.extra_totals.items():
        if extra.nature is Nature.PAYMENT_PART and extra.fields:
            found[name] = sum(_taken_off(row, path, prefix) for path in extra.fields)
    return {name: units for name, units in found.items() if units}


def refunded_to(instance: Instance, row: Row) -> dict[str, int]:
    """Units by name of `extra_totals`: what an order, or a credit memo that shows it, says was refunded to credit or points."""
    given = fields.inner(row, "extension_attributes")
    found = {
        name: max(fields.units(source, field) for source in (given, row) for field in known)
        for name, known in REFUNDED_TO.items()
    }
    for name, extra in instance.extra_totals.items():
        if extra.refunded_fields:
            found[name] = sum(abs(paths.amount(row, path)) for path in extra.refunded_fields)
    return {name: units for name, units in found.items() if units > 0}


def _taken_off(row: Row, path: str, prefix: str) -> int:
    """Extensions write it with either sign: it lowers the total."""
    shown = abs(paths.amount(row, path, prefix))
    if shown or not prefix:
        return shown
    return round(abs(paths.amount(row, path)) / fields.rate(row, "base_to_order_rate"))
