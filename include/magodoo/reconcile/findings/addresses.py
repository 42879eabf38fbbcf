"""Report changes after an order's import: addresses, companies, VAT number, and what the customer wrote to the warehouse.

An address in Odoo is named after its content (`extract.addresses`): other content has another name. Its present
content, and what Magento had when both sides last agreed, are digests (`extract.written`, `staging.since`). Findings
contain no address, only which one changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from magodoo.domain.states import QUOTATION, TRANSFER_ENDED, OdooOrderState
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.reconcile.catalogue import ACCOUNTING, WAREHOUSE
from magodoo.reconcile.dataset import SEPARATOR, Positions
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation

VAT = "the VAT number"
UNKNOWN = "?"  # in `since`: Magento's value at that time is not known
PLACES = (("shipping", "the delivery address"), ("billing", "the billing address"))
ON_THE_DELIVERY = (
    "Give the order and its open delivery in Odoo a new contact with the address from Magento before it is picked; the old contact"
    " stays, as other orders may go there. Where somebody edited the contact in Odoo by mistake, put it right there"
)
ON_THE_INVOICE = (
    "Compare with Magento: where the invoice must carry it, give the order a new contact with the address and correct by credit note"
    " and new invoice; put a new VAT number onto the customer in Odoo. Where nothing follows from it, mute this"
)
_NOT_IN_A_NUMBER = re.compile(r"[^0-9A-Z]")
_NAMED = ("partner", "billing", "shipping", "vat")
_WRITTEN = ("vat", "billing", "shipping", "billing_company", "shipping_company", "noted")


def address_changed(situation: Situation) -> list[Finding]:
    """Return at most two findings per order whose addresses, companies or VAT number changed.

    One is for the warehouse, while something of the order is open; one for accounting, if the order is invoiced or
    nothing of it is open, or if the VAT number changed.
    """
    view, partner = situation.view, situation.matching.partner
    named = view.column("addressed")
    orders = _with_partner(situation)
    orders = orders[(named[orders] != "") & (named[partner[orders]] != "")]
    differ = (named[orders] != named[partner[orders]]) | (
        view.column("written")[orders] != view.column("written")[partner[orders]]
    )
    orders = orders[differ]
    if not len(orders):
        return []
    invoiced = set(view.column("order_key")[view.select(Side.ODOO, Kind.INVOICE) & view.active].tolist())
    lines = view.frames.lines
    open_at = set(lines["document"].to_numpy()[lines["qty_open"].to_numpy() > 0].tolist())
    result: list[Finding] = []
    changes = {at: list(_Compared.of(situation, at, int(partner[at])).changed()) for at in orders.tolist()}
    concerned = [at for at in orders.tolist() if changes[at]]
    for magento, odoo in zip(view.frames.rows(concerned), view.frames.rows(partner[concerned]), strict=True):
        if odoo.state != OdooOrderState.CANCEL:
            is_open = odoo.at in open_at or odoo.state in QUOTATION
            result += _findings(magento, odoo, changes[magento.at], is_open, magento.source_id in invoiced)
    return result


def _with_partner(situation: Situation) -> Positions:
    view = situation.view
    orders = view.select(Side.MAGENTO, Kind.ORDER) & view.exists & ~view.cancelled_orders
    return np.flatnonzero(orders & (situation.matching.partner >= 0))


@dataclass(frozen=True)
class _Compared:
    """Names and contents of an order's addresses in Magento (`here`), in Odoo (`there`), and when both last agreed (`since`)."""

    here: dict[str, str]
    there: dict[str, str]
    written: dict[str, str]
    written_there: dict[str, str]
    since: dict[str, str]

    @classmethod
    def of(cls, situation: Situation, magento: int, odoo: int) -> _Compared:
        def words(name: str, at: int, keys: tuple[str, ...]) -> dict[str, str]:
            found = situation.view.column(name)[at].split(SEPARATOR)
            return dict(zip(keys, found, strict=True)) if len(found) == len(keys) else {}

        return cls(
            here=words("addressed", magento, _NAMED),
            there=words("addressed", odoo, _NAMED),
            written=words("written", magento, _WRITTEN),
            written_there=words("written", odoo, _WRITTEN),
            since=words("since", odoo, _WRITTEN),
        )

    def changed(self) -> Iterator[str]:
        """Yield as text what differs because Magento changed it or one of our contacts was edited."""
        if not self.here or not self.there:
            return
        for place, words in PLACES:
            yield from self._of_place(place, words)
        known = self._is_same_customer or self.since.get("vat", UNKNOWN) != UNKNOWN
        if known and _other_number(self.here["vat"], self.there["vat"]) and self._changed_since("vat"):
            yield VAT

    def _of_place(self, place: str, words: str) -> Iterator[str]:
        if not self._knows(place):
            if self.here[place] != self.there[place] and self._is_ours(place):
                yield f"{words} or its company"
            return
        said_otherwise = self.since[place] != self.here[place]
        same = set(self.written[place].split()) & set(self.written_there[place].split())
        if not same and (said_otherwise or self._is_ours(place)):
            yield words
        company = f"{place}_company"
        if self.written[company] != self.written_there[company] and self._changed_since(company):
            yield f"the company of {words}"

    def _knows(self, place: str) -> bool:
        """Return whether contents can be compared: rows staged by an earlier version have none."""
        return all(found.get(place) for found in (self.written, self.written_there, self.since))

    def _changed_since(self, name: str) -> bool:
        """Return whether Magento's value differs from that when both sides agreed, or that one is not stored."""
        return not self.since.get(name) or self.since[name] != self.written.get(name)

    @property
    def _is_same_customer(self) -> bool:
        """Whether the order has the same customer on both sides; if a person assigned another in Odoo, its addresses are not compared."""
        return self.here["partner"] == self.there["partner"]

    def _is_ours(self, place: str) -> bool:
        return self._is_same_customer and _family(self.here[place]) == _family(self.there[place])


def note_changed(situation: Situation) -> list[Finding]:
    """Return one finding for the warehouse per order with an open delivery whose note differs from Magento's.

    It does not have what Magento has, or still contains what Magento has removed.
    """
    view, partner = situation.view, situation.matching.partner
    noted, since = view.column("noted"), view.column("since")
    transfers = view.select(Side.ODOO, Kind.SHIPMENT) & view.exists & ~view.word_is("state", TRANSFER_ENDED)
    transfers &= noted != ""
    by_order: dict[int, list[int]] = {}
    for at in np.flatnonzero(transfers).tolist():
        by_order.setdefault(int(view.column("order_key")[at]), []).append(at)
    orders = (
        [at for at in _with_partner(situation).tolist() if int(view.column("source_id")[at]) in by_order]
        if by_order
        else []
    )
    result: list[Finding] = []
    for magento in view.frames.rows(orders):
        odoo = int(partner[magento.at])
        wanted = set(noted[magento.at].split())
        known = since[odoo].split(SEPARATOR)
        gone = set(known[-1].split()) - wanted if len(known) == len(_WRITTEN) else set()
        wrong = [at for at in by_order[magento.source_id] if wanted - (found := set(noted[at].split())) or gone & found]
        if wrong:
            names = ", ".join(row.number for row in view.frames.rows(wrong))
            detail = f"Magento has another delivery note or gift message than {names}"
            (order,) = view.frames.rows([odoo])
            result.append(about(FindingType.NOTE_CHANGED, magento, order, order=magento, detail=detail))
    return result


def _family(name: str) -> str:
    """Return an external id without the part that identifies one record: `magodoo.addr_us`."""
    return name.rpartition("_")[0]


def _other_number(magento: str, odoo: str) -> bool:
    """Return whether Magento has another VAT number; the country prefix is ignored if only one side has it.

    No number in Magento means no difference: people add numbers in Odoo.
    """
    here, there = (_NOT_IN_A_NUMBER.sub("", number.upper()) for number in (magento, odoo))
    if not here or here == there:
        return False
    longer, shorter = (here, there) if len(here) > len(there) else (there, here)
    return not (shorter and longer[2:] == shorter and longer[:2].isalpha())


def _findings(
    magento: Document, odoo: Document, changed: list[str], is_open: bool, is_invoiced: bool
) -> Iterator[Finding]:
    detail = f"Magento has another: {', '.join(changed)}"
    if is_open:
        yield _finding(magento, odoo, "delivery", detail, WAREHOUSE, ON_THE_DELIVERY)
    if is_invoiced or VAT in changed or not is_open:
        yield _finding(magento, odoo, "invoice", detail, ACCOUNTING, ON_THE_INVOICE)


def _finding(magento: Document, odoo: Document, part: str, detail: str, who: str, next_step: str) -> Finding:
    made = about(FindingType.ADDRESS_CHANGED, magento, odoo, order=magento, part=part, detail=detail)
    made.who, made.next_step = who, next_step
    return made
