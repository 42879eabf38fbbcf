"""Store what Magento had of an order's addresses, companies and VAT number when both sides last agreed: `details.since`.

It is kept on the Odoo order. Without it, a VAT number renewed in Odoo could not be distinguished from one changed in Magento. It
begins when the Odoo order is first read, follows whatever agrees, and begins again when the order gets another contact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from magodoo.extract.addresses import family
from magodoo.extract.written import same_number
from magodoo.money import dump_json

UNKNOWN = "?"  # Magento's value then is not known and differs from Odoo's: any value of Magento counts as changed
PLACES = ("billing", "shipping")

_CONCERNED = """
    select d.source_id, d.vat, o.vat as their_vat, d.details -> 'since' as since, d.details -> 'written' as written,
        d.details -> 'addressed' as addressed, o.details ->> 'noted' as noted, o.details -> 'written' as theirs, o.details -> 'addressed' as named
    from document d join document o on o.instance = d.instance and o.side = 'magento' and o.kind = 'order' and o.source_id = d.order_key
    where d.instance = :instance and d.side = 'odoo' and d.kind = 'order' and d.details ? 'written' and d.details ? 'addressed'
        and o.details ? 'written' and d.source_id in (
            select source_id from pending where side = 'odoo' and kind = 'order'
            union select x.source_id from pending p join document x on x.instance = :instance and x.order_key = p.source_id
                and x.side = 'odoo' and x.kind = 'order' where p.side = 'magento' and p.kind = 'order')"""
_SAID_BEFORE = """
    select exists (select 1 from document where instance = :instance and side = 'odoo' and kind = 'order'
        and details #>> '{since,vat}' = :vat and details #>> '{addressed,partner}' = :partner)"""


def keep(connection: Connection, instance: str) -> None:
    """Update `details.since` of the pending orders, of either side."""
    rows = connection.execute(text(_CONCERNED), {"instance": instance}).mappings().all()
    changed = []
    for row in rows:
        now = since(dict(row))
        if now["vat"] == UNKNOWN and not row["since"]:
            where = {"instance": instance, "vat": row["theirs"]["vat"], "partner": row["addressed"]["partner"]}
            if connection.execute(text(_SAID_BEFORE), where).scalar_one():  # then the value in Odoo was changed
                now["vat"] = row["theirs"]["vat"]
        if now != row["since"]:
            changed.append({"instance": instance, "id": row["source_id"], "since": dump_json({"since": now})})
    if changed:
        connection.execute(
            text("""update document set details = details || cast(:since as jsonb)
                where instance = :instance and side = 'odoo' and kind = 'order' and source_id = :id"""),
            changed,
        )


def since(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the new value of `details.since`; `row` has the columns of `_CONCERNED`."""
    before, here, theirs = row["since"] or {}, row["written"], row["theirs"]
    now = dict(before)
    if same_number(row["vat"] or "", row["their_vat"] or "") or not row["their_vat"]:
        now["vat"] = theirs["vat"]
    now["noted"] = " ".join(dict.fromkeys(f"{before.get('noted', '')} {row['noted'] or ''}".split()))
    same_customer = row["named"]["partner"] == row["addressed"]["partner"]
    for place in PLACES:
        if place in here:
            made_from = row["addressed"][place] if same_customer else ""
            now |= _of_place(place, before, here, theirs, row["named"][place], made_from)
    return {"vat": UNKNOWN} | now


def _of_place(
    place: str, before: Mapping[str, str], here: Mapping[str, str], theirs: Mapping[str, str], named: str, ours: str
) -> dict[str, str]:
    """Return the new values of one address: its content, contact and company.

    `named` is the name that Magento's present address would have in Odoo, `ours` the name of the Odoo contact, which is
    that of the address it was created from.
    """
    contact, company = f"{place}_id", f"{place}_company"
    now = {contact: here[contact]}
    if before.get(contact) != here[contact]:
        now[place] = ours if ours and family(ours) == family(named) else named
        now[company] = theirs[company] if now[place] == named else UNKNOWN
    if set(here[place].split()) & set(theirs[place].split()):
        now[place] = named
    if here[company] == theirs[company]:
        now[company] = theirs[company]
    return now
