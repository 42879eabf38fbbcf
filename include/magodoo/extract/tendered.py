"""What of a Magento total was paid by gift card, store credit or points: parts of the payment, in the total of what was sold."""

from __future__ import annotations

from magodoo.extract import fields, paths
from magodoo.extract.fields import Row
from magodoo.settings import Instance
from magodoo.settings.extra_totals import TENDERED, Nature


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


def _taken_off(row: Row, path: str, prefix: str) -> int:
    """Extensions write it with either sign: it lowers the total."""
    shown = abs(paths.amount(row, path, prefix))
    if shown or not prefix:
        return shown
    return round(abs(paths.amount(row, path)) / fields.rate(row, "base_to_order_rate"))
