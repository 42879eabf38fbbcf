"""Numbers that are missing between those of a month: of Magento's documents per store, of Odoo's per journal and prefix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from magodoo.settings import Instance
from magodoo.statement.documents import MONEY_KINDS
from magodoo.statement.months import Month

# A gap belongs to the month of the number after it. Deleted and cancelled documents have their numbers still; drafts have none.
_GAPS = """
    with numbered as (
        select side, kind, case side when 'magento' then 'store ' || coalesce(store_id::text, '?') else coalesce(journal, '') end as series,
            regexp_replace(number, '[0-9]+$', '') as prefix, substring(number from '[0-9]+$') as digits,
            case side when 'magento' then created_at >= :begins and created_at < :ends
                else accounting_date between :first and :last end as of_month
        from document where instance = :instance and kind = any(:kinds) and number ~ '[0-9]$' and length(substring(number from '[0-9]+$')) < 19
            and (side = 'magento' or state <> 'draft' and number not like '* %')
        union all
        select 'odoo', 'invoice', code, regexp_replace(name, '[0-9]+$', ''), substring(name from '[0-9]+$'), true
        from unnest(cast(:codes as text[]), cast(:names as text[])) as other (code, name) where name ~ '[0-9]$'),
    in_order as (
        select *, digits::bigint as n, lag(digits::bigint) over (partition by side, kind, series, prefix order by digits::bigint) as before
        from numbered)
    select side, kind, series, prefix, length(digits) as width, before + 1 as from_number, n - 1 as to_number, n - before - 1 as count
    from in_order where of_month and n - before > 1 order by side, kind, series, prefix, n"""


def read(
    connection: Connection, instance: Instance, month: Month, entries: Sequence[tuple[str, str]] = ()
) -> list[dict[str, Any]]:
    """`entries`: (journal code, number) of Odoo's entries of the month that are no documents and have numbers all the same.

    Rows: side, kind, series (store or journal), first, last (numbers as they would be written), count."""
    values = {
        "instance": instance.id, "kinds": list(MONEY_KINDS), "begins": month.begins, "ends": month.next.begins, "first": month.first,
        "last": month.last, "codes": [code for code, _ in entries], "names": [name for _, name in entries],
    }  # fmt: skip
    return [
        {
            "side": row["side"], "kind": row["kind"], "series": row["series"], "count": row["count"],
            "first": f"{row['prefix']}{row['from_number']:0{row['width']}d}", "last": f"{row['prefix']}{row['to_number']:0{row['width']}d}",
        }
        for row in connection.execute(text(_GAPS), values).mappings()
    ]  # fmt: skip
