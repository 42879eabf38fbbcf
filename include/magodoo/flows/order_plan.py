"""Hold what planning one order needs: its documents, findings and quantities, and the reasons that prevent a write of any kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.tracking import missing_numbers
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.ledger.planned import PlannedChange
from magodoo.reconcile import catalogue, comparison, reversals
from magodoo.reconcile.bundles import ONE
from magodoo.reconcile.dataset import Mask, tracks_of
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.findings import payments, records, stock
from magodoo.reconcile.rows import Document
from magodoo.reconcile.series import country_of
from magodoo.reconcile.situation import Situation
from magodoo.settings.country_policies import policy
from magodoo.settings.model import Instance

MISSING_IN_ODOO, STATUS_MISMATCH = FindingType.MISSING_IN_ODOO, FindingType.STATUS_MISMATCH

SETTLED_BY_WRITING = frozenset(
    {
        FindingType.MISSING_IN_ODOO,
        FindingType.MISSING_IN_MAGENTO,
        FindingType.STATUS_MISMATCH,
        FindingType.TRACKING_MISMATCH,
        FindingType.REFUNDED_NOT_RETURNED,
        FindingType.REFUNDED_TO_CREDIT,
    }
)
BLOCKS_ITS_DOCUMENT = frozenset(
    {
        *(FindingType.ARITHMETIC, FindingType.TOTAL_MISMATCH, FindingType.CURRENCY_MISMATCH, FindingType.OVER_REFUNDED),
        FindingType.UNIT_MISMATCH,
    }
)


UNDECIDED = frozenset({FindingType.AMBIGUOUS, FindingType.POSSIBLE_DUPLICATE})


class Item(NamedTuple):
    """Name an item of a Magento order by its id as text, "0" for goods that are none, with units (1/10000) of it."""

    key: str
    units: int


@dataclass(frozen=True)
class Part:
    """Hold a part of a bundle: units ordered, whether it is shipped at all, units that Magento shipped beyond the whole bundles."""

    ordered: int
    is_goods: bool
    left_over: int


@dataclass(frozen=True)
class Bundle:
    """Hold a bundle of a Magento order, by its item; quantities in units.

    Attributes:
        ordered: Units ordered.
        unshipped: Units that Magento would ship by the bundle's own line. For a bundle that its parts price this is 0 once a
            credit memo took a part or gave money back (magento2#39060).
        dynamic: Whether its parts carry the price.
        separately: Whether its shipments show that its parts ship separately; False without a shipment.
        together: Whether its shipments show that it ships together; False without a shipment.
    """

    item: int
    sku: str
    ordered: int
    unshipped: int
    left_by_a_refund: int
    """Units that Magento would still ship of it by its own line after a credit memo that names it: it refunds all that is invoiced."""
    dynamic: bool
    separately: bool
    together: bool
    parts: dict[int, Part] = field(default_factory=dict)

    def whole(self, quantities: Mapping[int, int], *, goods: bool) -> int | None:
        """Return how many units of the bundle these quantities of its parts are; None when they are no whole bundles."""
        wanted = [item for item, part in self.parts.items() if part.is_goods or not goods]
        shares = {divmod(quantities.get(item, 0) * self.ordered, self.parts[item].ordered) for item in wanted}
        if len(shares) != 1 or set(quantities) - set(wanted):
            return None
        units, rest = next(iter(shares))
        return units if units and not rest and units % ONE == 0 else None

    def in_parts(self, units: int) -> dict[int, int]:
        """Return the units by part of this number of bundles, less what Magento shipped of the part already."""
        shares = {item: units * part.ordered // self.ordered for item, part in self.parts.items() if part.is_goods}
        open_ = {item: share - self.parts[item].left_over for item, share in shares.items()}
        return {item: share for item, share in open_.items() if share > 0}


@dataclass(frozen=True)
class Facts:
    """Hold the data that planning reads, loaded once for all orders with a finding to resolve."""

    situation: Situation
    by_order: dict[int, list[Finding]]
    orders: dict[int, int]
    rows: dict[int, Document]
    items: dict[int, tuple[Item, ...]]
    documents: dict[int, list[int]]
    blocked: dict[int, str]
    undecided: dict[int, str]
    over_refunded: frozenset[str]
    awaiting_return: dict[int, tuple[Item, ...]]
    unshipped: dict[int, tuple[Item, ...]]

    @classmethod
    def gather(cls, situation: Situation, findings: Iterable[Finding]) -> Facts:
        """Return the facts about every order with a finding that a write resolves, or with goods still to be returned."""
        view = situation.view
        findings = list(findings)
        by_order: dict[int, list[Finding]] = defaultdict(list)
        for finding in findings:
            if finding.type in SETTLED_BY_WRITING and (finding.order_key or "").isdecimal():
                by_order[int(finding.order_key or 0)].append(finding)
        returns = view.instance.shipments.returns == "shipped_items"
        for order_id in _with_returns_left(situation) if returns else ():
            by_order[order_id] += []
        ids = np.array(sorted(by_order), dtype=np.int64)
        chosen = np.isin(view.column("order_key"), ids)
        positions = np.flatnonzero(chosen)
        documents: dict[int, list[int]] = defaultdict(list)
        for order_id, position in zip(view.column("order_key")[positions].tolist(), positions.tolist(), strict=True):
            documents[order_id].append(position)
        # Quantities are needed of what may be written, of invoices that a refund may belong to, and of the refunds before it.
        refundable = view.select(Side.MAGENTO, Kind.INVOICE) | view.select(Side.MAGENTO, Kind.CREDIT_MEMO)
        itemised = chosen & (situation.unpaired | refundable)
        itemised[
            [finding.magento_at for found in by_order.values() for finding in found if finding.magento_at >= 0]
        ] = True
        blocked = {
            at: catalogue.of(finding.type).title
            for finding in findings
            if finding.type in BLOCKS_ITS_DOCUMENT and not _is_over_refunded_order(finding)
            for at in (finding.magento_at, finding.odoo_at)
            if at >= 0
        }
        memos = chosen & view.select(Side.MAGENTO, Kind.CREDIT_MEMO) & view.active
        return cls(
            situation,
            by_order,
            dict(zip(ids.tolist(), view.frames.locate(Side.MAGENTO, Kind.ORDER, ids).tolist(), strict=True)),
            dict(zip(positions.tolist(), view.frames.rows(positions), strict=True)),
            _items_by_document(situation.counted.by_item(itemised)),
            documents,
            blocked,
            {
                finding.magento_at: catalogue.of(finding.type).title
                for finding in findings
                if finding.kind is Kind.ORDER and finding.type in UNDECIDED and finding.magento_at >= 0
            },
            frozenset(finding.order_key or "" for finding in findings if _is_over_refunded_order(finding)),
            _items_by_document(stock.awaiting_return(situation, memos)) if returns else {},
            _items_by_document(stock.refunded_unshipped(situation, memos)),
        )

    def order_plan(self, order_id: int) -> OrderPlan | None:
        """Return the plan of an order, to be filled; None where its Magento order is not staged."""
        at = self.orders[order_id]
        if at < 0:
            return None
        odoo_at = int(self.situation.matching.partner[at])
        return OrderPlan(self, self.rows[at], self.rows.get(odoo_at), self.by_order[order_id])

    @cached_property
    def unreadable(self) -> dict[tuple[str, str], str]:
        """Return why Magento's record could not be read, by order id and kind."""
        rows = self.situation.view.frames.quarantine
        rows = rows[(rows["side"] == Side.MAGENTO.value) & (rows["order_key"] != "")]
        columns = [rows[name].tolist() for name in ("order_key", "kind", "reason")]
        return {(key, kind): reason for key, kind, reason in zip(*columns, strict=True)}

    @cached_property
    def captured(self) -> Mask:
        """Return, by row, whether the provider has the money of a Magento document, or its method means paid (docs/business-rules.md#payments)."""
        return comparison.captured(self.situation.view)

    @cached_property
    def settled(self) -> Mask:
        """Return, by row, whether an Odoo document is paid, or a credit note settled its invoice and follows it to Magento."""
        return payments.settled_by_payments(self.situation) | reversals.settled_by_reversal(self.situation)

    @cached_property
    def held_by_unread(self) -> dict[int, str]:
        """Return why nothing is written for an order, by its id: a record of it, or one that names it, cannot be read."""
        return records.unreadable(self.situation.view.frames)

    @cached_property
    def series(self) -> str:
        """Return how a document dated before the last one of its journal is handled: `off`, `hold` or `date_today`."""
        view = self.situation.view
        return policy(view.instance, country_of(view.frames.master))

    @cached_property
    def today(self) -> date:
        """Return the current date in the instance's time zone."""
        view = self.situation.view
        return view.now.astimezone(view.instance.zone).date()

    @cached_property
    def lock(self) -> date | None:
        """Return Odoo's lock date; None without one."""
        return records.lock_date(self.situation.view.frames.master)

    @cached_property
    def bundles(self) -> dict[int, Bundle]:
        """Return the bundles by the item of the bundle."""
        known, left = self.situation.counted.bundles, self.situation.counted.left_over
        found: dict[int, Bundle] = {}
        for part in known.parts.to_dict("records"):
            item = int(part["parent"])
            bundle = found.setdefault(
                item,
                Bundle(
                    item, part["parent_sku"], int(part["parent_ordered"]), _unshipped(part),
                    _unshipped(part, int(part["parent_invoiced"])), bool(part["dynamic"]), item in known.separately,
                    item in known.together,
                ),
            )  # fmt: skip
            child = int(part["child"])
            bundle.parts[child] = Part(int(part["child_ordered"]), bool(part["goods"]), left.get(child, 0))
        return found

    @cached_property
    def bundle_of(self) -> dict[int, Bundle]:
        """Return the bundles by the item of each part."""
        return {part: bundle for bundle in self.bundles.values() for part in bundle.parts}


def _unshipped(part: Mapping[Hashable, Any], more_refunded: int = 0) -> int:
    """Return the units that Magento would ship of a part's bundle: shipped and refunded quantities overlap there."""
    gone = max(part["parent_shipped"], part["parent_refunded"] + more_refunded)
    return max(int(part["parent_ordered"] - part["parent_canceled"] - gone), 0)


def _with_returns_left(situation: Situation) -> list[int]:
    """Return the orders whose goods are still to be returned though our credit note exists.

    There is no finding for them until the return is overdue, and a plan without the return would remove it from the
    ledger.
    """
    partner = situation.matching.partner
    written = stock.delivered_memos(situation) & (partner >= 0) & situation.view.ours[partner]
    left = stock.awaiting_return(situation, written)
    return sorted(set(situation.view.column("order_key")[left["document"].to_numpy()].tolist()))


def _is_over_refunded_order(finding: Finding) -> bool:
    return finding.type is FindingType.OVER_REFUNDED and finding.kind is Kind.ORDER


def _items_by_document(moved: pd.DataFrame) -> dict[int, tuple[Item, ...]]:
    """Return the items by document, in the order of their ids."""
    rows = moved.sort_values(["document", "item"], kind="stable")
    documents, begins = np.unique(rows["document"].to_numpy(np.int64), return_index=True)
    ends = [*begins.tolist(), len(rows)][1:]
    items, quantities = (
        rows["item"].to_numpy(np.int64).astype(str).tolist(),
        rows["quantity"].to_numpy(np.int64).tolist(),
    )
    pairs = tuple(map(Item, items, quantities))
    return {
        document: pairs[begin:end]
        for document, begin, end in zip(documents.tolist(), begins.tolist(), ends, strict=True)
    }


@dataclass
class OrderPlan:
    """Hold one order being planned: its Magento order, its matched Odoo order (None without), its findings, its changes."""

    facts: Facts
    order: Document
    odoo: Document | None
    findings: list[Finding]
    changes: list[PlannedChange] = field(default_factory=list)
    added: list[Finding] = field(default_factory=list)

    @property
    def instance(self) -> Instance:
        """Return the settings of the instance."""
        return self.facts.situation.view.instance

    @property
    def concerns_odoo(self) -> bool:
        """Return whether anything may be resolved in Odoo: any finding but `missing_in_magento`, and goods to be returned."""
        if any(found is not FindingType.MISSING_IN_MAGENTO for found in self._by_type):
            return True
        return any(at in self.facts.awaiting_return for at in self.facts.documents[self.order.source_id])

    def of(self, found: FindingType, kind: Kind | None = None, part: str | None = None) -> list[Finding]:
        """Return the findings of a type, oldest document first."""
        known = self._by_type.get(found)
        if not known:  # most of the types that a plan queries
            return []
        return [each for each in known if kind in (None, each.kind) and part in (None, each.part)]

    @cached_property
    def _by_type(self) -> dict[FindingType, list[Finding]]:
        by_type: dict[FindingType, list[Finding]] = defaultdict(list)
        for finding in sorted(self.findings, key=lambda finding: int(finding.magento_id or finding.odoo_id or 0)):
            by_type[finding.type].append(finding)
        return by_type

    def row(self, finding: Finding) -> Document:
        """Return the document that a finding is about: Magento's where there is one."""
        return self.facts.rows[finding.magento_at if finding.magento_at >= 0 else finding.odoo_at]

    def partner(self, row: Document) -> Document | None:
        """Return the matched document of the other side; None without one."""
        at = int(self.facts.situation.matching.partner[row.at])
        return self.facts.rows[at] if at >= 0 else None

    def tracks_with(self, row: Document) -> list[str]:
        """Return the tracking numbers of a shipment and of those of its side that represent the same goods together with it."""
        cut = self.facts.situation.matching.splits.cut_of.get(row.at)
        together = (cut.magento if row.side == Side.MAGENTO else cut.odoo) if cut else (row.at,)
        return [number for at in together for number in tracks_of(self.facts.rows[at].tracking)]

    def other_goods(self, shipment: Document, picking: Document) -> str | None:
        """Return why the numbers of a shipment cannot be copied to the other: it moved other goods, so some may belong to a later parcel; else None."""
        situation = self.facts.situation
        sums = situation.counted.signatures
        if sums[shipment.at] == sums[picking.at] or situation.matching.splits.in_equal[shipment.at]:
            return None
        return "The quantities of the two differ, so which of them the number is of cannot be told"

    def active(self, side: Side, kind: Kind) -> list[Document]:
        """Return the active documents of the order of one side and kind, oldest first."""
        rows = [self.facts.rows[at] for at in self.facts.documents[self.order.source_id]]
        chosen = [
            row for row in rows if row.side == side and row.kind == kind and self.facts.situation.view.active[row.at]
        ]
        return sorted(chosen, key=lambda row: row.source_id)

    def planned(self, kind: str, row: Document | None = None) -> list[PlannedChange]:
        """Return the changes of a kind, by its name, that are planned so far, of one document or of all."""
        wanted = None if row is None else str(row.source_id)
        return [change for change in self.changes if change.kind == kind and wanted in (None, change.source_id)]

    def change(self, kind: ChangeKind, row: Document, findings: Iterable[Finding], intent: object, *parts: str) -> None:
        """Plan a change for a document, and name it on the findings that it resolves.

        parts: what distinguishes it from other changes of its kind and document.
        """
        settled = list(findings)
        made = PlannedChange(
            kind=kind,
            order_key=str(self.order.source_id),
            order_number=self.order.number,
            document_kind=Kind(row.kind),
            source_id=":".join([str(row.source_id), *parts]),
            source_number=row.number,
            amount=int(row.grand_total),
            currency=str(row.currency or self.order.currency),
            company_amount=int(row.base_grand_total),
            intent=intent,
            settles=tuple(finding.key for finding in settled),
        )
        self.changes.append(made)
        for finding in settled:
            if finding.change is None:
                finding.change = made.key

    def cut_over(self, row: Document) -> str | None:
        """Return why a document from before the cut-over is not written; None when it may be (docs/business-rules.md#cut-over)."""
        view = self.facts.situation.view
        if not view.before_cut_over[row.at]:
            return None
        if row.kind == Kind.ORDER:
            return "The order was placed before the cut-over (books_from)"
        if not view.created_since_cut_over[row.at]:
            return "It was made before the cut-over (books_from)"
        return None if self.odoo is not None else "Its order was placed before the cut-over and is not matched"

    def blocked(self, *rows: Document | None) -> str | None:
        """Return which finding blocks one of the documents: it does not add up, or differs from its counterpart; None without one."""
        for row in rows:
            title = self.facts.blocked.get(row.at) if row is not None else None
            if title:
                return f"Held back by a finding on the document: {title}"
        return None

    def unreadable(self, kind: Kind) -> str | None:
        """Return why nothing new is written: a record of the order or of this kind cannot be read; None when all can.

        docs/business-rules.md#what-cannot-be-read: its content may differ from what was read before.
        """
        for each in (Kind.ORDER, kind):
            reason = self.facts.unreadable.get((str(self.order.source_id), each))
            if reason:
                what = "The order as it is now" if each is Kind.ORDER else f"Another {each.words} of the order"
                return f"{what} cannot be read: {reason}"
        return None

    def over_refunded(self) -> str | None:
        """Return why nothing is refunded: the refunds exceed the invoices in Magento; None when they do not."""
        over = str(self.order.source_id) in self.facts.over_refunded
        return "The refunds of the order exceed its invoices in Magento" if over else None


def first_reason(*reasons: str | None) -> str | None:
    """Return the first reason that applies; None when none does."""
    return next((reason for reason in reasons if reason), None)


def missing_tracks(
    order: OrderPlan, finding: Finding, wanted: str
) -> tuple[Document, Document, tuple[str, ...]] | None:
    """Return the shipment, its delivery and the tracks that `wanted` (`to_odoo` or `to_magento`) would add.

    None if nothing is missing there, if each side has numbers that are missing on the other (only a person knows which
    are right), and where a reason prevents it, which the finding keeps.
    """
    shipment, picking = order.row(finding), order.facts.rows[finding.odoo_at]
    here, there = (order.tracks_with(row) for row in (shipment, picking))
    to_odoo, to_magento = missing_numbers(here, there), missing_numbers(there, here)
    tracks = to_odoo if wanted == "to_odoo" else to_magento
    if not tracks or (to_odoo and to_magento):
        return None
    policy = order.instance.shipments.tracking
    allowed = None if policy in ("both", wanted) else f"The setting `shipments.tracking` is `{policy}`"
    reason = first_reason(allowed, order.cut_over(shipment), order.other_goods(shipment, picking))
    if reason:
        finding.no_change_reason = reason
        return None
    return shipment, picking, tuple(tracks)
