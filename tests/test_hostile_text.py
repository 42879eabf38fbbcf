"""Text that nobody can see, or that is far too long: it ends at extraction, and no page, file or statement fails over it."""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Iterator
from dataclasses import fields as columns_of
from typing import Any

import pytest
import recorded_documents as recorded
from hypothesis import example, given
from hypothesis import strategies as st
from staged import NOON, instance

from magodoo.characters import escaped, visible
from magodoo.errors import Unreadable
from magodoo.extract import magento_documents, odoo_documents
from magodoo.notifications.csv_export import neutral

HOSTILE = (
    "\0\x01\n\r\t\x0b\x1b[31m\x7f\x85\x9b\u2028\u2029\u202e\u2066\u200b\u200d\u2060\ufeff\xad\ud800\udfff\U000e0041"
)
DRAWN = set(
    map(chr, (*range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD))
)  # signs of category Cf with a form
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # letters and marks without a form

SAMPLES = [("magento", kind, row) for kind, row in recorded.magento()][::12] + [
    ("odoo", kind, row) for kind, row in recorded.odoo()
][::2]
READERS = {"magento": magento_documents.read, "odoo": odoo_documents.read}


def hidden(text: str) -> bool:
    return any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp", "Cf") and each not in DRAWN for each in text)


def test_no_character_without_a_form_is_left() -> None:
    for each in map(chr, range(0x110000)):
        changed = visible(f"a{each}b") != f"a{each}b"
        assert hidden(each) == changed or each in FILLERS or unicodedata.category(each) == "Cn", hex(ord(each))


@given(st.text(st.one_of(st.characters(), st.sampled_from(HOSTILE))))
@example(HOSTILE)
def test_visible_text_has_one_line_and_is_stable(text: str) -> None:
    made = visible(text)
    assert not hidden(made)
    assert len(made.splitlines()) <= 1
    assert visible(made) == made
    made.encode()  # a lone surrogate has no bytes
    assert not hidden(escaped(text).replace("\n", "").replace("\t", ""))


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp"))))
def test_text_without_such_characters_is_kept(text: str) -> None:
    plain = "".join(each for each in text if each not in FILLERS)
    assert visible(plain) == plain
    assert escaped(plain) == plain


def texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(name)
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place that holds a text."""
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        if isinstance(inner, str):
            yield (*path, name)
        else:
            yield from places(inner, (*path, name))


@pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: f"{sample[0]}-{sample[1]}-{sample[2].get('entity_id') or sample[2].get('id')}"
)
def test_no_canonical_text_has_a_hidden_character(sample: tuple[str, Any, dict[str, Any]]) -> None:
    side, kind, original = sample
    for path in places(original):
        row = copy.deepcopy(original)
        holder = row
        for step in path[:-1]:
            holder = holder[step]
        for sent in (f"{holder[path[-1]]}{HOSTILE}", f"{HOSTILE}{holder[path[-1]]}", f"a{HOSTILE}b"):
            holder[path[-1]] = sent
            try:
                document = READERS[side](instance(), kind, row, NOON)
            except Unreadable:
                continue
            parts = [document, *document.lines]
            for part in parts:
                for column in columns_of(part):
                    if column.name not in ("lines", "payload"):
                        held = [text for text in texts(getattr(part, column.name)) if hidden(text)]
                        assert not held, f"{column.name}: {held!r}, sent as {path}"


def shows(cell: str) -> str:
    """The first character that a spreadsheet sees once it drops what has no form."""
    return next(
        (each for each in cell if not each.isspace() and unicodedata.category(each)[0] != "C" and each not in FILLERS),
        "",
    )


BLANKS = st.text(st.sampled_from(" \t\r\n\xa0\u3000\u200b\ufeff\u202e\xad\x00\u3164"), max_size=4)


@given(BLANKS, st.sampled_from("=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"), st.text(max_size=8))
@example("", "=", "1+1")
@example("\u200b ", "\uff1d", "cmd")
def test_no_cell_of_a_csv_begins_a_formula(blanks: str, sign: str, rest: str) -> None:
    cell = f"{blanks}{sign}a{rest}"
    assert neutral(cell) == f"'{cell}"


@given(st.text())
def test_a_cell_is_kept_or_neutralised(text: str) -> None:
    cell = neutral(text)
    assert cell in (text, f"'{text}")
    assert shows(cell) not in tuple("=+@\uff1d\uff0b\uff20")


@pytest.mark.parametrize("cell", ["-12.50", "-1", "12", "", "a=b", "Ann", "'x", "2026-11-30"])
def test_numbers_and_words_of_a_csv_stay_as_they_are(cell: str) -> None:
    assert neutral(cell) == cell
