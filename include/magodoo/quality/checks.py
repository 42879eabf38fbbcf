"""What a check is. The checks themselves: `staged.py` (what came in) and `results.py` (what was made of it).

A check is a SELECT that returns the rows which should not be there, each naming a document, never a row index. PostgreSQL does the
work, whatever the number of documents. Great Expectations runs the SELECTs, keeps the result and draws the Data Docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from magodoo.settings import Instance
from magodoo.vocabulary import Severity

# Every check's SELECT returns these columns, in this order. Amounts are units; null where the row is not about a document.
COLUMNS = (
    "side",
    "kind",
    "source_id",
    "order_key",
    "number",
    "order_number",
    "magento_amount",
    "odoo_amount",
    "currency",
    "message",
)


class Holds(StrEnum):
    """What a failing check keeps from being written."""

    NOTHING = "nothing"
    DOCUMENT = "document"  # the changes of the documents that it names
    SIDE = "side"  # everything: what one side says cannot be trusted


@dataclass(frozen=True)
class Check:
    """One expectation. `table` is the table that the SELECT's `{batch}` stands for; `{instance}` is the instance's id as a literal."""

    name: str
    table: str
    severity: Severity
    holds: Holds
    meaning: str
    cure: str
    select: str

    def sql(self, instance: Instance, batch: str = "(select * from {batch})") -> str:
        """The SELECT for one instance. `{batch}` stays for Great Expectations (which puts a subquery there) unless a table is given."""
        quality = instance.quality
        return self.select.format(
            batch=batch,
            instance=f"'{instance.id}'",  # an id is [a-z0-9]: settings refuse anything else
            max_age=quality.max_extract_age_minutes,
            max_unmatched=quality.max_unmatched_share,
            volume_share=quality.volume_share,
        )


def document_row(message: str, *, amounts: bool = True, alias: str = "d") -> str:
    """The select list of COLUMNS for a row of table `document`; `message` is an SQL expression of text."""
    amount = f"{alias}.grand_total" if amounts else "null::bigint"
    return f"""{alias}.side, {alias}.kind, {alias}.source_id, {alias}.order_key, {alias}.number,
        case when {alias}.kind = 'order' and {alias}.side = 'magento' then {alias}.number else
            (select o.number from document o where o.instance = {alias}.instance and o.side = 'magento' and o.kind = 'order'
                and o.source_id = {alias}.order_key) end as order_number,
        case when {alias}.side = 'magento' then {amount} end as magento_amount,
        case when {alias}.side = 'odoo' then {amount} end as odoo_amount,
        {alias}.currency, {message} as message"""
