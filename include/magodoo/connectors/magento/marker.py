"""The mark that our documents carry in Magento: a comment that is not visible in the shop and never mailed.

Magento has no external ids; a comment is stored in one transaction with its document and comes back in every list,
but cannot be searched for (facts magento-2.4.7 7). So it is looked for in the documents of one order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from magodoo.errors import Stop

_MARK = re.compile(
    r"(?<![\w:.-])magodoo:(?P<instance>[A-Za-z0-9_-]{1,64}):(?P<database>[0-9a-fA-F-]{8,64})"
    r":(?P<model>[a-z][a-z0-9_.]{0,63}):(?P<id>[1-9][0-9]{0,18})(?![\w:.-])"
)


@dataclass(frozen=True)
class Marker:
    """Which record of which Odoo database a Magento document was written for.

    `str()` is the text; it raises nothing. Raises Stop for parts that could not be read back.
    """

    instance: str
    database: str
    model: str
    id: int

    def __post_init__(self) -> None:
        if not _MARK.fullmatch(str(self)):
            raise Stop(f"{self} is no marker that could be read back")

    def __str__(self) -> str:
        return f"magodoo:{self.instance}:{self.database}:{self.model}:{self.id}"


def parse_marker(text: Any) -> Marker | None:
    """The first marker in a text."""
    found = _MARK.search(text) if isinstance(text, str) else None
    return Marker(found["instance"], found["database"], found["model"], int(found["id"])) if found else None


def find_marker(document: Mapping[str, Any]) -> Marker | None:
    """The marker of a document, from its comments or an order's history.

    A comment that the customer can see is never trusted: ours are invisible, a customer's note is visible.
    """
    for name in ("comments", "status_histories"):
        for comment in document.get(name) or ():
            if isinstance(comment, Mapping) and not comment.get("is_visible_on_front"):
                marker = parse_marker(comment.get("comment"))
                if marker:
                    return marker
    return None
