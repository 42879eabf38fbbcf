"""Canonical documents as text for COPY, with the hash of what they say.

No database is needed for it, so that a thread can prepare the next page while the last one is written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from magodoo.copying import encoded, encoded_row, escaped_json, json_text
from magodoo.extract.canonical import DOCUMENT_COLUMNS, LINE_COLUMNS, CanonicalDocument

KEY = ("instance", "side", "kind", "source_id")
INCOMING = (*KEY, "updated_at", "request_began_at", "hash", "fate")
PAYLOAD = (*KEY, "payload", "hash", "request_began_at")
LINE = (*KEY, *LINE_COLUMNS)
_VOLATILE = ("updated_at", "request_began_at")
_CONTENT = tuple(column for column in DOCUMENT_COLUMNS if column not in (*KEY, *_VOLATILE))
DOCUMENT = (*KEY, *_CONTENT, *_VOLATILE)
_STAMPS = re.compile(r'"(?:updated_at|write_date|__last_update)":(?:"[^"]*"|false|null),?')
_key, _content, _volatile, _line = (attrgetter(*names) for names in (KEY, _CONTENT, _VOLATILE, LINE_COLUMNS))


@dataclass(frozen=True, slots=True)
class Prepared:
    """One document as rows of COPY text: `incoming` without its fate, `document` without its version, its lines, its payload."""

    key: tuple[str, str, str]
    incoming: str
    document: str
    lines: list[str]
    payload: str


def prepare(documents: Iterable[CanonicalDocument]) -> list[Prepared]:
    """One per key, the latest read: a page may show a document twice when it changes while pages are read."""
    latest: dict[tuple[str, str, str], CanonicalDocument] = {}
    for document in documents:
        known = latest.get(document.key)
        if known is None or known.request_began_at <= document.request_began_at:
            latest[document.key] = document
    return [_prepared(document) for document in latest.values()]


def _prepared(document: CanonicalDocument) -> Prepared:
    own = encoded_row(_key(document)) + "\t"
    content = encoded_row(_content(document))
    lines = [own + encoded_row(_line(line)) for line in document.lines]
    payload = json_text(document.payload)
    digest = content_hash((own, content), lines, payload)
    updated, began = (encoded(moment) for moment in _volatile(document))
    return Prepared(
        document.key,
        f"{own}{updated}\t{began}\t{digest}",
        f"{own}{content}\t{updated}\t{began}",
        lines,
        f"{own}{escaped_json(payload)}\t{digest}\t{began}",
    )


def content_hash(content: Sequence[str], lines: Sequence[str], payload: str) -> str:
    """Hash of what a document says, without the times at which it was written or read."""
    parts = "\x1f".join((*content, *lines, _STAMPS.sub("", payload), ""))
    digest = hashlib.blake2b(parts.encode("utf-8", "replace"), digest_size=16)
    return digest.hexdigest()
