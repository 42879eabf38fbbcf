"""Define what a check is, and the columns that checks and pages need, with their types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from magodoo.domain.vocabulary import Severity
from magodoo.settings import Instance

# Every check's SELECT returns these columns, in this order. Amounts are in units of 1/10000; null where the row is not about a document.
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
    SIDE = "side"  # every change: the data of one side cannot be trusted


@dataclass(frozen=True)
class Check:
    """One expectation: a SELECT that must return no rows.

    `table` replaces `{batch}` in `select`; `{instance}` is replaced by the instance's id as an SQL literal.
    """

    name: str
    table: str
    severity: Severity
    holds: Holds
    meaning: str
    remedy: str
    select: str

    def sql(self, instance: Instance, batch: str = "(select * from {batch})") -> str:
        """Return the SELECT of this check for one instance.

        `{batch}` is left for Great Expectations, which puts a subquery there, unless `batch` names a table.
        """
        quality = instance.quality
        return self.select.format(
            batch=batch,
            instance=f"'{instance.id}'",  # an id is [a-z0-9]: settings refuse anything else
            max_age=quality.max_extract_age_minutes,
            max_unmatched=quality.max_unmatched_share,
            volume_share=quality.volume_share,
        )


def document_row(message: str, *, amounts: bool = True, alias: str = "d") -> str:
    """Return the select list of COLUMNS for a row of table `document`.

    `message` is an SQL expression of type text. With `amounts=False` both amounts are null.
    """
    amount = f"{alias}.grand_total" if amounts else "null::bigint"
    return f"""{alias}.side, {alias}.kind, {alias}.source_id, {alias}.order_key, {alias}.number,
        case when {alias}.kind = 'order' and {alias}.side = 'magento' then {alias}.number else
            (select o.number from document o where o.instance = {alias}.instance and o.side = 'magento' and o.kind = 'order'
                and o.source_id = {alias}.order_key) end as order_number,
        case when {alias}.side = 'magento' then {amount} end as magento_amount,
        case when {alias}.side = 'odoo' then {amount} end as odoo_amount,
        {alias}.currency, {message} as message"""


_REQUIRED = {
    "document": {
        "text": "instance side kind source_id order_key number state currency",
        "bigint": "subtotal shipping discount adjustment tax untaxed grand_total version",
        "boolean": "active sound",
        "timestamp with time zone": "created_at updated_at deleted_at",
    },
    "line": {"text": "instance side kind source_id line_id item_key role", "bigint": "quantity untaxed tax"},
    "pair": {"text": "instance kind order_key magento_id odoo_id rule", "timestamp with time zone": "ended_at"},
    "finding": {
        "text": "instance type kind severity message order_key magento_id odoo_id",
        "bigint": "magento_amount odoo_amount",
        "timestamp with time zone": "first_seen resolved_at",
    },
    "change": {
        "text": "instance kind target order_key source_id state verdict request_hash", "bigint": "amount"
    },
}  # fmt: skip

REQUIRED_COLUMNS: dict[str, dict[str, str]] = {
    table: {column: type_ for type_, columns in by_type.items() for column in columns.split()}
    for table, by_type in _REQUIRED.items()
}
"""Type by column by table."""

_WANTED = ", ".join(
    f"('{table}', '{column}', '{type_}')"
    for table, columns in REQUIRED_COLUMNS.items()
    for column, type_ in columns.items()
)

SCHEMA_CHECKS = (
    Check(
        "columns_as_expected",
        "document",
        Severity.CRITICAL,
        Holds.SIDE,
        "Every required column is there and has its type.",
        "Somebody changed the staging tables by hand: put the schema back (docs/operations.md).",
        f"""select 'magento', 'schema', wanted.name || '.' || wanted.col, null::text, wanted.name || '.' || wanted.col, null::text,
            null::bigint, null::bigint, null::text, coalesce('is ' || there.data_type, 'is missing') || ', not ' || wanted.type as message
            from (values {_WANTED}) wanted (name, col, type) left join information_schema.columns there
                on there.table_schema = 'magodoo' and there.table_name = wanted.name and there.column_name = wanted.col
            where there.data_type is distinct from wanted.type and not exists (select 1 from {{batch}} where false)""",
    ),
)
