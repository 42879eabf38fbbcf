"""Text from other systems without what a reader cannot see: control and format characters, lone surrogates.

A name may hold line breaks, marks that reverse the reading direction, or characters of no width; they end a page, forge a cell or hide a
difference. Extraction takes them out of canonical text (`extract/fields.py`); what is shown as it was received shows them as escapes.
"""

from __future__ import annotations

import re

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
_BLANKS = re.compile(f"[\\s{_CONTROL}{_INVISIBLE}]*")


def visible(text: str) -> str:
    """Return one line without control and format characters: a run of controls is a space, a lone surrogate U+FFFD, the rest is removed."""
    if text.isprintable():
        return text
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", _INVISIBLES.sub("", text)))


def escaped(text: str) -> str:
    r"""Return the text with every such character as `\uXXXX`, as JSON writes it; line feeds and tabs stay."""
    if text.isprintable():
        return text
    return _HIDDEN.sub(lambda found: _escape(ord(found.group())), text)


def first_visible(text: str) -> str:
    """Return the first character that a reader sees; "" where there is none."""
    begins = _BLANKS.match(text)
    return text[begins.end() :][:1] if begins else ""


def _escape(code: int) -> str:
    if code > 0xFFFF:
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{code:04x}"
