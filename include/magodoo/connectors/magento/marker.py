"""The marker of our documents in Magento: a comment that is not visible to the customer and never mailed.

Magento has no external ids. A comment is stored in one transaction with its document and returned in every list, but it cannot be
searched for (docs/facts/magento-2.4.7.md#7). So the documents of the order are searched for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from magodoo.errors import InvariantError

_MARK = re.compile(
    r"(?<![\w:.-])magodoo:(?P<instance>[A-Za-z0-9_-]{1,64}):(?P<database>[0-9a-fA-F-]{8,64})"
    r":(?P<model>[a-z][a-z0-9_.]{0,63}):(?P<id>[1-9][0-9]{0,18})(?![\w:.-])"
)


@dataclass(frozen=True)
class Marker:
    """The record of an Odoo database that a Magento document was written for.

    `str()` returns the text of the comment. Raises InvariantError for parts that could not be parsed again.
    """

    instance: str
    database: str
    model: str
    id: int

    def __post_init__(self) -> None:
        if not _MARK.fullmatch(str(self)):
            raise InvariantError(f"{self} is no marker that could be read back")

    def __str__(self) -> str:
        return f"magodoo:{self.instance}:{self.database}:{self.model}:{self.id}"


def parse_marker(text: Any) -> Marker | None:
    """Return the first marker in a text, or None."""
    found = _MARK.search(text) if isinstance(text, str) else None
    return Marker(found["instance"], found["database"], found["model"], int(found["id"])) if found else None


def find_marker(document: Mapping[str, Any]) -> Marker | None:
    """Return the marker of a document, from its comments or an order's history, or None.

    A comment that the customer can see is ignored: markers are invisible, and a customer's own note is visible.
    """
    for name in ("comments", "status_histories"):
        for comment in document.get(name) or ():
            if isinstance(comment, Mapping) and not comment.get("is_visible_on_front"):
                marker = parse_marker(comment.get("comment"))
                if marker:
                    return marker
    return None
