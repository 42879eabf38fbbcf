"""Keep duties apart: who released or muted large amounts of a month does not sign its statement (docs/how-to/give-rights.md#duties)."""

from __future__ import annotations

from sqlalchemy import Connection, text

from magodoo.decision_log import Decision
from magodoo.money import to_units
from magodoo.settings import Instance
from magodoo.statement.periods import Month


def why_not_sign(connection: Connection, instance: Instance, month: Month, who: str) -> str | None:
    """Return why a person may not sign a month's statement; None when they may.

    It is the first document above `limits.document_amount` that they released in spite of a check, or whose finding they muted: one of
    the month, or decided on in it.
    """
    if not instance.separate_duties:
        return None
    values = {
        "instance": instance.id, "who": who, "limit": to_units(instance.limits.document_amount), "first": month.first, "last": month.last,
        "begins": month.begins, "ends": month.next.begins,
    }  # fmt: skip
    row = connection.execute(text(_LARGE), values).first()
    if row is None:
        return None
    verb = "released" if row.decision == Decision.RELEASE else "muted a finding about"
    return (
        f"You {verb} {row.number or 'a document'}, which is above the limit {instance.limits.document_amount}: another person has to"
        " sign, or `separate_duties: false` says that the house has one person."
    )


_LARGE = """
    with acts as (
        select d.id, d.at, d.decision, d.number, abs(c.company_amount) as amount, c.document_kind as kind,
            case c.target when 'odoo' then 'magento' else 'odoo' end as side, c.source_id
        from decision d join change c on d.about = 'change' and c.id::text = d.about_id
        where d.instance = :instance and d.who = :who and d.decision = 'release'
        union all
        select d.id, d.at, d.decision, coalesce(f.magento_number, f.odoo_number, d.number), null, f.kind,
            case when f.magento_id is null then 'odoo' else 'magento' end, coalesce(f.magento_id, f.odoo_id)
        from decision d join finding f on d.about = 'finding' and f.id::text = d.about_id
        where d.instance = :instance and d.who = :who and d.decision = 'mute')
    select a.decision, coalesce(x.number, a.number) as number from acts a
    left join document x on x.instance = :instance and x.side = a.side and x.kind = a.kind and x.source_id = a.source_id
    where coalesce(a.amount, abs(x.base_grand_total), 0) > :limit
        and (a.at >= :begins and a.at < :ends or coalesce(x.accounting_date, x.document_date) between :first and :last)
    order by a.id limit 1"""
