"""Findings about what the customer changed after the import: addresses, company, VAT number.

An address has a name in Odoo that follows from its content (`extract.addresses`): another content is another name. Nobody's
address stands in a finding, only which one it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from magodoo.reconcile.catalogue import ACCOUNTING, WAREHOUSE
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.frames import SEPARATOR
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.vocabulary import FindingType, Kind, Side

VAT = "the VAT number"
QUOTATION = ("draft", "sent")
ON_THE_DELIVERY = (
    "Give the order and its open delivery in Odoo a new contact with the address from Magento before it is picked; the old contact"
    " stays, as other orders may go there"
)
ON_THE_INVOICE = (
    "Compare with Magento: where the invoice must carry it, give the order a new contact with the address and correct by credit note"
    " and new invoice; put a new VAT number onto the customer in Odoo. Where nothing follows from it, mute this"
)
_NOT_IN_A_NUMBER = re.compile(r"[^0-9A-Z]")


def address_changed(situation: Situation) -> list[Finding]:
    """One finding for the warehouse while something of the order is open, one for accounting once it is invoiced."""
    view, partner = situation.view, situation.matching.partner
    named = view.column("addressed")
    wanted = view.select(Side.MAGENTO, Kind.ORDER) & view.exists & (partner >= 0) & ~view.cancelled_orders
    orders = np.flatnonzero(wanted & (named != ""))
    orders = orders[(named[partner[orders]] != "") & (named[orders] != named[partner[orders]])]
    if not len(orders):
        return []
    invoiced = set(view.column("order_key")[view.select(Side.ODOO, Kind.INVOICE) & view.active].tolist())
    lines = view.frames.lines
    open_at = set(lines["document"].to_numpy()[lines["qty_open"].to_numpy() > 0].tolist())
    result: list[Finding] = []
    for magento, odoo in zip(view.frames.rows(orders), view.frames.rows(partner[orders]), strict=True):
        changed = list(_changed(named[magento.at].split(SEPARATOR), named[odoo.at].split(SEPARATOR)))
        if changed and odoo.state != "cancel":
            is_open = odoo.at in open_at or odoo.state in QUOTATION
            result += _findings(magento, odoo, changed, is_open, magento.source_id in invoiced)
    return result


def _changed(here: list[str], there: list[str]) -> Iterator[str]:
    """What differs, in words; each is partner, billing, shipping, VAT number. Nothing is said of contacts in Odoo that are not those
    that we gave the order.
    """
    if len(here) != 4 or len(there) != 4 or here[0] != there[0]:
        return
    for place, words in ((2, "the delivery address or its company"), (1, "the billing address or its company")):
        if here[place] != there[place] and _family(here[place]) == _family(there[place]):
            yield words
    if _other_number(here[3], there[3]):
        yield VAT


def _family(name: str) -> str:
    """An external id without what is particular to one record: `magodoo.addr_us`."""
    return name.rpartition("_")[0]


def _other_number(magento: str, odoo: str) -> bool:
    """Whether Magento has another VAT number; with or without the country's letters it is the same. None there says nothing: people
    add numbers in Odoo.
    """
    here, there = (_NOT_IN_A_NUMBER.sub("", number.upper()) for number in (magento, odoo))
    if not here or here == there:
        return False
    longer, shorter = (here, there) if len(here) > len(there) else (there, here)
    return not (shorter and longer[2:] == shorter and longer[:2].isalpha())


def _findings(
    magento: Document, odoo: Document, changed: list[str], is_open: bool, is_invoiced: bool
) -> Iterator[Finding]:
    said = f"Magento has another: {', '.join(changed)}"
    if is_open:
        yield _finding(magento, odoo, "delivery", said, WAREHOUSE, ON_THE_DELIVERY)
    if is_invoiced or VAT in changed or not is_open:
        yield _finding(magento, odoo, "invoice", said, ACCOUNTING, ON_THE_INVOICE)


def _finding(magento: Document, odoo: Document, part: str, said: str, who: str, next_step: str) -> Finding:
    made = about(FindingType.ADDRESS_CHANGED, magento, odoo, order=magento, part=part, detail=said)
    made.who, made.next_step = who, next_step
    return made
