"""What the settings mean where Odoo makes electronic documents: drafts, unless they say otherwise."""

from __future__ import annotations

from magodoo.settings.model import Instance


def drafted_by_default(instance: Instance) -> Instance:
    """Settings in which an unwritten `to_odoo` of invoices and credit memos means `draft` (RULES, *Periods and numbers*)."""
    parts = {"invoices": instance.invoices, "credit_memos": instance.credit_memos}
    drafted = {
        name: part.model_copy(update={"to_odoo": "draft"})
        for name, part in parts.items()
        if "to_odoo" not in part.model_fields_set
    }
    return instance.model_copy(update=drafted)
