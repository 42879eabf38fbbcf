"""Name what changed in the settings of an instance, key by key, as the decisions' log keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from magodoo.money import dump_json
from magodoo.settings.model import Instance

OF_DUTIES = (
    *("limits", "taxes", "source_countries", "extra_totals", "gift_cards_sold", "adjustment_tax", "company_rate"),
    *("payment_methods", "odoo.sales_journal", "mode", "separate_duties"),
)
"""Limits, taxes, accounts and mode: who changed one of them last does not approve or release what follows."""
_ADDRESSES = ("recipients", "exclude.email_patterns")


def flat(instance: Instance) -> dict[str, str]:
    """Return what the settings file says of an instance, by dotted key, each value as JSON.

    Of e-mail addresses only their number and a digest are kept: the log outlives the people.
    """
    return dict(_flat("", instance.model_dump(mode="json", exclude_unset=True)))


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), below)
    elif _is_of(path, _ADDRESSES):
        text = dump_json(value)
        yield path, f"{len(value)} ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
    else:
        yield path, dump_json(value)


def different(
    before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Return the keys whose values differ, as they were and as they are; None where a key was not there."""
    keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return {key: before.get(key) for key in keys}, {key: after.get(key) for key in keys}


def concerns_duties(key: str) -> bool:
    """Return whether a dotted key is one of OF_DUTIES or below one."""
    return _is_of(key, OF_DUTIES)


def _is_of(key: str, names: tuple[str, ...]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in names)
