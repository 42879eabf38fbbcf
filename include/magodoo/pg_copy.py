r"""Rows into a table by COPY, in PostgreSQL's text format.

Text and not CSV: in CSV a value that contains a line `\.` ends the copy on servers before 18. Characters that PostgreSQL cannot store
(NUL, lone surrogates) are replaced, not refused: one customer's name must not fail a page.

Of the same 99,000 rows the csv module with psycopg2 took 1.7 times as long, psycopg 3 the same time (`make bench-pg-copy`); but that is another
driver, and a document's content hash is made of this text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from magodoo.money import exact_json

NULL = "\\N"
_BLOCK = 256 * 1024  # bytes sent to the server at a time
_SPECIAL = re.compile(r"[\\\t\n\r\0\ud800-\udfff]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def copy_rows(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[str]) -> None:
    """Append rows made by `encoded_row`. `table` and `columns` must be trusted identifiers: they are not quoted."""
    content = "\n".join(rows).encode()
    if not content:
        return
    statement = f"copy {table} ({', '.join(columns)}) from stdin"
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(statement, io.BytesIO(content), _BLOCK)


def encoded_row(values: Iterable[Any]) -> str:
    """Return one row as COPY text: its values, separated by tabs, without the newline."""
    return "\t".join([_ENCODERS[type(value)](value) for value in values])


def encoded(value: Any) -> str:
    """Return one value as COPY text: None, bool, int, Decimal, str, aware datetime, date, tuple of str (text[]) or dict (jsonb)."""
    return _ENCODERS[type(value)](value)


class _Encoders(dict[type, Callable[[Any], str]]):
    """Encoders by exact type: the lookup runs once for every value of every row."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        """Return the encoder of the type's base class (a StrEnum is text), or the one for jsonb documents."""
        found = next((encode for known, encode in self.items() if issubclass(kind, known)), _document)
        self[kind] = found
        return found


def _document(value: Any) -> str:
    return escaped_json(json_text(value))


def _array(value: Iterable[Any]) -> str:
    return escaped("{" + ",".join([_array_item(item) for item in value]) + "}")


def escaped(text: str) -> str:
    """Return text escaped for COPY. NUL and lone surrogates become U+FFFD."""
    if text.isprintable():  # only a backslash needs an escape
        return text.replace("\\", "\\\\") if "\\" in text else text
    return _SPECIAL.sub(_replacement, text)


def escaped_json(text: str) -> str:
    """Return the JSON of `json_text` as COPY text. In ASCII JSON the backslash is the only character to escape."""
    return text.replace("\\", "\\\\") if text.isascii() else escaped(text)


def json_text(value: Any) -> str:
    """Return canonical JSON that jsonb accepts: an escaped NUL becomes U+FFFD."""
    text = exact_json(value)
    return _ESCAPED_NUL.sub(r"\1\\ufffd", text) if "\\u0000" in text else text


def _replacement(found: re.Match[str]) -> str:
    return _ESCAPES.get(found.group(), "\ufffd")


def _array_item(text: str) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


_ENCODERS = _Encoders({  # bool before int, of which it is a subclass
    type(None): {None: NULL}.__getitem__,  # the most frequent value: no Python function call
    str: escaped,
    bool: {True: "t", False: "f"}.__getitem__,
    int: str,
    Decimal: str,
    datetime: datetime.isoformat,
    date: date.isoformat,
    tuple: _array,
    list: _array,
})  # fmt: skip
