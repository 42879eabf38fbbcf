"""Documents of either side as they are right now, in canonical form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from magodoo.extract import magento_documents, odoo_documents
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.reading import OdooSource
from magodoo.vocabulary import Kind, Side

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context


def fetch(
    context: Context, side: Side, kind: Kind, ids: Sequence[int], *, written: bool = False
) -> list[CanonicalDocument]:
    """The documents with these ids that exist; a damaged one raises Unreadable, and so does one of Odoo that may not be read.

    written: they were just written; what of them cannot be read is left out, as the others are done.
    """
    if not ids:
        return []
    instance = context.instance
    if side is Side.MAGENTO:
        return [
            magento_documents.read(instance, kind, row, page.request_began_at)
            for page in context.shop.by_ids(kind, ids)
            for row in page.rows
        ]
    found = [
        document
        for page in OdooSource(instance, context.books).pages(kind, [str(id) for id in ids])
        for row in (page.rows if written else page.sure)
        for document in odoo_documents.read_all(instance, kind, row, page.request_began_at)
    ]
    return [document for document in found if int(document.source_id) in set(ids)]
