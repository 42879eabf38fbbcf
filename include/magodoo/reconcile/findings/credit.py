"""Report refunds to store credit or points: no money is paid for them, and the credit note in Odoo stays open.

Magento reliably shows them on the order only: as one amount per name, together with what the customer had paid by
credit and got back. They are assigned to credit memos only if there is exactly one way to do so
(docs/facts/magento-versions.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from magodoo.domain.states import OdooMoveState
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.money import shown
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.settings.extra_totals import REFUNDED_TO

MOST = 10  # credit memos of one order among which a sum is searched
RETURNED_AS_POINTS = "reward_points"


def refunded_to_credit(situation: Situation) -> list[Finding]:
    """Return findings about credit memos that refunded to store credit or points, and whose credit note is not settled.

    If it cannot be decided which credit memos the amount belongs to, returns one finding about the order.
    """
    view = situation.view
    memos = view.select(Side.MAGENTO, Kind.CREDIT_MEMO) & view.active
    says = view.is_magento & view.exists & (view.column("refunded_to") != "")
    orders = np.unique(view.column("order_key")[says & (memos | view.of_kind(Kind.ORDER))])
    found: list[Finding] = []
    for order in situation.orders_by_id(orders).values():
        own = view.frames.rows(np.flatnonzero(memos & (view.column("order_key") == order.source_id)))
        for name in sorted({name for row in (order, *own) for name in _parts(row)}):
            found += _of_order(situation, order, [row for row in own if row.grand_total > 0], name)
    return found


def _of_order(situation: Situation, order: Document, memos: Sequence[Document], name: str) -> Iterator[Finding]:
    """Yield the findings of one order and name of `extra_totals`."""
    shares = _shares(order, memos, name)
    if shares is not None:
        for memo in memos:
            units, note = shares.get(memo.at, 0), _note(situation, memo)
            if units > 0 and _is_due(memo, note, units):
                yield _about(order, memo, note, name, units)
        return
    waiting = [memo for memo in _given_no_money(memos) if _is_due(memo, _note(situation, memo), _money(memo))]
    if waiting:
        total = _parts(order)[name]
        made = about(FindingType.REFUNDED_TO_CREDIT, order, order=order, part=name, magento_amount=total)
        numbers = ", ".join(memo.number for memo in waiting)
        made.detail = (
            f"{shown(total, order.currency)} {order.currency} of {_words(name)} were given for refunds of the order ({_fields(name)}), and"
            f" Magento does not say for which of its credit memos: {numbers}"
        )
        made.no_change_reason = "Which credit memo it is of cannot be told"
        yield made


def _is_due(memo: Document, note: Document | None, units: int) -> bool:
    """Return whether the credit note is not settled by payments or entries, as far as credit was used to pay or refund.

    A credit note that Odoo reconciled with its invoice is due as well: the customer's payment of that invoice would be
    left over, and might be paid back.
    """
    if note is None or note.state != OdooMoveState.POSTED:
        return True
    return note.captured_amount + note.written_off < units + memo.tendered


def _about(order: Document, memo: Document, note: Document | None, name: str, units: int) -> Finding:
    made = about(FindingType.REFUNDED_TO_CREDIT, memo, note, order=order, part=name, magento_amount=units)
    given = f"{shown(units, memo.currency)} {memo.currency} of {shown(memo.grand_total, memo.currency)}"
    made.detail = f"{given} were refunded to {_words(name)} ({_fields(name)})"
    return made


def _shares(order: Document, memos: Sequence[Document], name: str) -> dict[int, int] | None:
    """Return by position the units that each credit memo refunded to credit; None if that cannot be decided."""
    says = {memo.at: _parts(memo)[name] for memo in memos if name in _parts(memo)}
    total = _parts(order).get(name, 0)
    if says:
        known = {
            at: units - _came_back(memo, name) for memo in memos if (at := memo.at) in says and (units := says[at])
        }
        return known if total <= sum(says.values()) else None
    left = total - sum(_came_back(memo, name) for memo in memos)
    if left <= 0:
        return {}
    candidates = _given_no_money(memos)[:MOST]
    if len(candidates) == 1 and left <= _money(candidates[0]):
        return {candidates[0].at: left}
    fitting = [
        chosen
        for size in range(1, len(candidates) + 1)
        for chosen in combinations(candidates, size)
        if sum(map(_money, chosen)) == left
    ]
    return {memo.at: _money(memo) for memo in fitting[0]} if len(fitting) == 1 else None


def _given_no_money(memos: Sequence[Document]) -> list[Document]:
    """Return the credit memos that refund money and that no provider has paid out."""
    return [memo for memo in memos if _money(memo) > 0 and not memo.transaction_id]


def _money(memo: Document) -> int:
    return memo.grand_total - memo.tendered


def _came_back(memo: Document, name: str) -> int:
    """Return what the customer had paid by credit or gift card, in units.

    Adobe Commerce returns both to the store credit, in the same amount.
    """
    if name not in REFUNDED_TO or memo.tendered_by == RETURNED_AS_POINTS:
        return 0
    return memo.tendered


def _parts(row: Document) -> dict[str, int]:
    """Return the units by name that an order or a credit memo shows as refunded to credit."""
    pairs = (each.partition(":") for each in row.refunded_to.split(",") if each)
    return {name: int(units) for name, _, units in pairs}


def _note(situation: Situation, memo: Document) -> Document | None:
    at = int(situation.matching.partner[memo.at])
    return situation.view.frames.rows([at])[0] if at >= 0 else None


def _words(name: str) -> str:
    return name.replace("_", " ")


def _fields(name: str) -> str:
    return REFUNDED_TO[name][0] if name in REFUNDED_TO else f"`extra_totals.{name}.refunded_fields`"
