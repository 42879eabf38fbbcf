"""Replace the words that name a person in the texts of a table, called by the owner of the table."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from sqlalchemy import Connection, text

BLANK = "(erased)"


def erase_words(connection: Connection, table: str, columns: Sequence[str], words: Sequence[str]) -> int:
    """Replace words in texts, as they are and HTML-escaped, ignoring case; return how many rows changed."""
    changed = 0
    sets = ", ".join(f"{column} = regexp_replace({column}, :pattern, :blank, 'gi')" for column in columns)
    found = " or ".join(f"position(:word in lower({column})) > 0" for column in columns)
    spelled = dict.fromkeys(each for name in words for each in (name, html.escape(name)))
    for word in spelled:
        values = {"word": word.lower(), "pattern": re.escape(word), "blank": BLANK}
        changed += connection.execute(text(f"update {table} set {sets} where {found}"), values).rowcount
    return changed
