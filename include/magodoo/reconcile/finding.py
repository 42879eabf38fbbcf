"""Define a finding: one difference at one place, with the numbers and states of both sides, and why it matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from magodoo.domain.vocabulary import FindingType, Kind, Severity, Side
from magodoo.money import shown
from magodoo.reconcile import catalogue
from magodoo.reconcile.dataset import order_key_text
from magodoo.reconcile.rows import Document


@dataclass(slots=True)
class Finding:
    """A row of table `finding`. Amounts are units; difference is odoo - magento.

    Attributes:
        magento_at: position of the Magento document in the frames, -1 without.
        odoo_at: position of the Odoo document in the frames, -1 without.
        change: (kind, source id) of the planned change that would resolve it.
        no_change_reason: why no change is planned, if `change` is None.
        next_step: what to do, if it differs from the catalogue's text for the type.
        who: who does it, if it differs from the catalogue's.
    """

    type: FindingType
    kind: Kind
    order_key: str | None = None
    order_number: str | None = None
    magento_id: str | None = None
    odoo_id: str | None = None
    magento_number: str | None = None
    odoo_number: str | None = None
    part: str = ""
    magento_value: str | None = None
    odoo_value: str | None = None
    magento_amount: int | None = None
    odoo_amount: int | None = None
    currency: str | None = None
    detail: str = ""
    magento_at: int = -1
    odoo_at: int = -1
    change: tuple[str, str] | None = None
    no_change_reason: str | None = None
    next_step: str = ""
    who: str = ""

    @property
    def key(self) -> str:
        """Identity: the same difference at the same place is the same finding, also after it was resolved."""
        ids = (self.order_key or "", self.magento_id or "", self.odoo_id or "", self.part)
        return "|".join((self.type.value, self.kind.value, *ids))

    @property
    def difference(self) -> int | None:
        """Odoo's amount less Magento's, in units; None if either is unknown."""
        if self.magento_amount is None or self.odoo_amount is None:
            return None
        return self.odoo_amount - self.magento_amount

    @property
    def document(self) -> str:
        """The number that names the finding: Magento's if there is one, else Odoo's."""
        return (self.magento_number if self.magento_id else self.odoo_number) or ""

    @property
    def severity(self) -> Severity:
        """The catalogue's severity; information for a missing document that a change resolves."""
        settled = self.change is not None and self.type in catalogue.MISSING
        return Severity.INFO if settled else catalogue.of(self.type).severity

    @property
    def advice(self) -> str:
        """What to do: about the change if there is one, else about the reason why there is none."""
        known = catalogue.of(self.type)
        if self.change is not None and known.with_change:
            return known.with_change
        return self.next_step or known.remedy

    @property
    def message(self) -> str:
        """One text: the documents of both sides, the numbers, the difference, and why it matters."""
        known = catalogue.of(self.type)
        order = f" of order {self.order_number}" if self.order_number and self.kind is not Kind.ORDER else ""
        sides = [
            f"{name} {number or 'without number'}"
            for name, id_, number in (
                ("Magento", self.magento_id, self.magento_number),
                ("Odoo", self.odoo_id, self.odoo_number),
            )
            if id_
        ]
        where = f"{self.kind.words.capitalize()} {' / '.join(sides)}".strip() + order
        parts = (f"{where}: {known.meaning}", self._numbers(), self._words(), self.detail, known.why)
        return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts if part)

    def _numbers(self) -> str:
        named = [
            f"{name} {shown(amount, self.currency)}"
            for name, amount in (("Magento", self.magento_amount), ("Odoo", self.odoo_amount))
            if amount is not None
        ]
        if not named:
            return ""
        if self.difference:
            named.append(f"difference {'+' if self.difference > 0 else ''}{shown(self.difference, self.currency)}")
        what = {
            FindingType.TAX_MISMATCH: "Tax",
            FindingType.PAYMENT_REVERSED: "Open",
            FindingType.REFUNDED_TO_CREDIT: "Credit",
        }.get(self.type, "Total")
        return f"{what}: {', '.join(named)} {self.currency or ''}".strip()

    def _words(self) -> str:
        named = [
            f"{name}: {words}" for name, words in (("Magento", self.magento_value), ("Odoo", self.odoo_value)) if words
        ]
        return "; ".join(named)


def about(
    found: FindingType,
    magento: Document | None = None,
    odoo: Document | None = None,
    *,
    order: Document | None = None,
    kind: Kind | None = None,
    **more: Any,
) -> Finding:
    """Return a finding about documents given as rows of Frames.rows; `order` is the row of the Magento order.

    `more` holds further fields of Finding.
    """
    document = magento or odoo
    assert document is not None
    return Finding(
        type=found,
        kind=kind or Kind(document.kind),
        order_key=order_key_text(document.order_key),
        order_number=order.number if order is not None else None,
        magento_id=str(magento.source_id) if magento is not None else None,
        odoo_id=str(odoo.source_id) if odoo is not None else None,
        magento_number=magento.number if magento is not None else None,
        odoo_number=odoo.number if odoo is not None else None,
        magento_at=magento.at if magento is not None else -1,
        odoo_at=odoo.at if odoo is not None else -1,
        currency=more.pop("currency", document.currency or None),
        **more,
    )


def amount_of(found: Finding, document: Document, side: Side) -> Finding:
    """Set the amount of one side to the document's grand total and return the finding; shipments and returns have none."""
    if found.kind not in (Kind.SHIPMENT, Kind.RETURN):
        name = "magento_amount" if side is Side.MAGENTO else "odoo_amount"
        setattr(found, name, int(document.grand_total))
    return found
