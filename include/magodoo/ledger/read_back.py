"""Read both sides around a write: whether the source has changed since the plan, and what the target shows afterwards.

What was written is staged in the transaction that records `done`, so that the next reconcile cannot plan it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from magodoo.domain.kinds import document_of
from magodoo.domain.vocabulary import Kind, Side
from magodoo.extract import magento_documents, odoo_documents
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.reading import OdooSource
from magodoo.ledger.behaviour import SourceChanged, Writer
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.leases import Leases, Outcome
from magodoo.ledger.planned import fingerprint
from magodoo.money import plain
from magodoo.reconcile.repository import Pairs
from magodoo.staging import documents, sales_lines
from magodoo.staging import documents as staged_documents

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.errors import MagodooError


def source_changes(context: Context, writer: Writer, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
    """Return `SourceChanged` by change id for changes whose source differs from the plan; its new state is staged.

    Compared with the plan and not with staging: a later reconcile may have staged the new state already, while a
    leased change is left as it is.
    """
    side = writer.kind.target.other
    answers: dict[int, MagodooError] = {}
    for kind in {Kind(change.document_kind) for change in changes}:
        some = [change for change in changes if change.document_kind == kind.value]
        ids = sorted({int(document_of(change.source_id)) for change in some})
        fresh = {document.source_id: document for document in fetch(context, side, kind, ids)}
        for change in some:
            document = fresh.get(document_of(change.source_id))
            if document is None:
                answers[change.id] = SourceChanged(f"the {side.value} {kind.words} is gone since the plan")
            elif fingerprint(document) != change.request.source:
                answers[change.id] = SourceChanged(f"the {side.value} {kind.words} has changed since the plan")
            elif problem := writer.source_problem(context, document):
                answers[change.id] = SourceChanged(f"the {side.value} {kind.words} {problem} since the plan")
        names = {document_of(change.source_id) for change in some if change.id in answers}
        changed = [fresh[name] for name in sorted(names) if name in fresh]
        if changed:
            with context.engine.begin() as connection:
                documents.stage(connection, context.instance, changed, context.now())
    return answers


def read(
    context: Context, writer: Writer, targets: Mapping[LeasedChange, int]
) -> dict[LeasedChange, CanonicalDocument]:
    """Return, by change, the document that shows what was written, read from the target now."""
    ids = writer.read_back_ids(context, targets)
    fresh = {
        document.source_id: document
        for document in fetch(context, writer.kind.target, writer.document, sorted(set(ids.values())), written=True)
    }
    return {change: fresh[str(id)] for change, id in ids.items() if str(id) in fresh}


def commit(
    context: Context,
    writer: Writer,
    targets: Mapping[LeasedChange, int],
    documents: Mapping[LeasedChange, CanonicalDocument],
    before: Mapping[int, Mapping[str, Any]],
) -> set[int]:
    """Stage what was read back, match it, and end the changes as done, in one transaction; return the ids that were still ours."""
    with context.engine.begin() as connection:
        staged_documents.stage(connection, context.instance, list(documents.values()), context.now())
        leases = Leases(connection, context.instance)
        ours = leases.held(list(targets))
        kept = {change: target for change, target in targets.items() if change.id in ours}
        outcomes = {change: _outcome(change, str(target), documents, before) for change, target in kept.items()}
        leases.done(outcomes, context.now())
        pairs = [
            {"kind": pair[0].value, "order_key": change.order_key, "magento_id": pair[1], "odoo_id": pair[2]}
            for change, target in kept.items()
            if (pair := writer.pair(change, target))
        ]
        Pairs(connection, context.instance.id).add(pairs)  # regardless of the references on either side
        sales_lines.refresh(connection, context.instance.id, {change.order_key for change in targets})
    return ours


def _outcome(
    change: LeasedChange,
    target_id: str,
    documents: Mapping[LeasedChange, CanonicalDocument],
    before: Mapping[int, Mapping[str, Any]],
) -> Outcome:
    document, stood = documents.get(change), before.get(change.id, {"state": "absent"})
    return Outcome(target_id, document.number if document else "", stood, _after(document))


def _after(document: CanonicalDocument | None) -> dict[str, Any]:
    if document is None:
        return {}
    amounts = {
        "grand_total": plain(document.grand_total),
        "tax": plain(document.tax),
        "quantity": plain(document.quantity),
    }
    date = document.accounting_date
    return {
        "id": document.source_id, "number": document.number, "state": document.state, "status": document.status or "",
        "currency": document.currency, **amounts, "tracking": sorted(document.tracking),
        "accounting_date": date.isoformat() if date else "",
    }  # fmt: skip


def fetch(
    context: Context, side: Side, kind: Kind, ids: Sequence[int], *, written: bool = False
) -> list[CanonicalDocument]:
    """Return the documents with these ids that exist.

    written: they were just written; what of them cannot be read is left out, as the others are done.

    Raises:
        Unreadable: A document is damaged, or one of Odoo may not be read.
    """
    if not ids:
        return []
    instance = context.instance
    if side is Side.MAGENTO:
        return [
            magento_documents.read(instance, kind, row, page.request_began_at)
            for page in context.magento.by_ids(kind, ids)
            for row in page.rows
        ]
    found = [
        document
        for page in OdooSource(instance, context.odoo).pages(kind, [str(id) for id in ids])
        for row in (page.rows if written else page.sure)
        for document in odoo_documents.read_all(instance, kind, row, page.request_began_at)
    ]
    return [document for document in found if int(document.source_id) in set(ids)]
