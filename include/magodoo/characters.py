"""Text from other systems without what a reader cannot see: control and format characters, lone surrogates.

A name may hold line breaks, marks that reverse the reading direction, or characters of no width; they end a page, forge a cell or hide a
difference. Extraction takes them out of canonical text that people read (`extract/fields.py`: `prose`). Keys such as a SKU, and what was
received, keep them, as they are compared; pages, emails, CSV and PDF show them as escapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# The categories Cc, Zl and Zp: C0, C1 (with U+0085), the line and paragraph separators. Each separates words.
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
# The category Cf without the Arabic number signs, which are drawn, and the fillers, which are letters without a form.
_INVISIBLE = (
    r"\xad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_SURROGATE = r"\ud800-\udfff"
_CONTROLS = re.compile(f"[{_CONTROL}]+")
_INVISIBLES = re.compile(f"[{_INVISIBLE}]+")
_SURROGATES = re.compile(f"[{_SURROGATE}]")
_HIDDEN = re.compile(f"[{_INVISIBLE}{_SURROGATE}\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
_UNSTORABLE = re.compile(f"[\\x00{_SURROGATE}]")


def visible(text: str) -> str:
    """Return one line without control and format characters: a run of controls is a space, a lone surrogate U+FFFD, the rest is removed."""
    if text.isascii() and text.isprintable():  # a filler passes for printable
        return text
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", _INVISIBLES.sub("", text)))


def is_storable(value: Any) -> bool:
    """Return whether PostgreSQL can store every text of a JSON value: none has a NUL or a lone surrogate."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if "\0" in part if part.isascii() else _UNSTORABLE.search(part):
                return False
        elif isinstance(part, Mapping):
            waiting += part.keys()
            waiting += part.values()
        elif isinstance(part, list | tuple):
            waiting += part
    return True


def escaped(text: str) -> str:
    r"""Return the text with every such character as `\uXXXX`, as JSON writes it; line feeds and tabs stay."""
    if text.isascii() and text.isprintable():  # a filler passes for printable
        return text
    return _HIDDEN.sub(lambda found: _escape(ord(found.group())), text)


def with_escapes(value: Any) -> Any:
    """Return a value that a template shows, with escapes if it is plain text; markup that a template made is complete already."""
    return escaped(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _escape(code: int) -> str:
    if code > 0xFFFF:
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{code:04x}"
