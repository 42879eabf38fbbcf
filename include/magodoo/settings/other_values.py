"""Values for fields that a company requires on its documents and that only it knows: a closed list of fields that a setting may fill.

Fields that magodoo sets itself are excluded, as are account, tax, partner, journal, date, amount, state, company and currency.
"""

from __future__ import annotations

import re

ON_ORDERS = ("campaign_id", "medium_id", "source_id", "tag_ids", "incoterm", "incoterm_location")
ON_INVOICES = ("campaign_id", "medium_id", "source_id", "invoice_incoterm_id", "incoterm_location")
LONGEST_VALUE = 200

_OWN = re.compile(r"x_[a-z0-9_]{1,60}")
_NEVER = re.compile(
    r"account|tax|partner|customer|journal|date|amount|total|price|state|company|currency|magento|line|payment"
)
_TRANSFERS = (
    "name",
    "origin",
    "note",
    "state",
    "carrier_tracking_ref",
    "carrier_tracking_url",
    "move_type",
    "picking_type_code",
    "priority",
)


def free(field: str) -> str:
    """Return `field` if it can hold delivery keys. Raises ValueError for an invalid name and for fields that transfers use themselves."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", field) or field in _TRANSFERS:
        raise ValueError(f"{field[:70]} cannot hold our key: name a text field of its own, such as x_magento_key")
    return field


def checked(values: dict[str, str], allowed: tuple[str, ...], kept: str) -> dict[str, str]:
    """Return the values if each field is one of `allowed` or a custom field (`x_...`) other than `kept`, the field of delivery keys.

    Raises ValueError naming the field and what may be used.
    """
    for name, value in values.items():
        own = _OWN.fullmatch(name) and not _NEVER.search(name) and name != kept
        if name not in allowed and not own:
            choice = ", ".join(allowed)
            raise ValueError(
                f"{name} may not be given here: use one of {choice}, or a field of your own (x_...) whose name speaks of no account, tax,"
                " partner, journal, date, amount, state, company or currency"
            )
        if not value.strip() or len(value) > LONGEST_VALUE:
            raise ValueError(f"{name}: a text of 1 to {LONGEST_VALUE} characters is needed")
    return values
