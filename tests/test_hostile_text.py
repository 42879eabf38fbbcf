"""Text that nobody can see, or that is far too long: it ends at extraction, and no page, file or statement fails over it."""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import recorded_documents as recorded
from hypothesis import example, given
from hypothesis import strategies as st
from staged import NOON, instance

from magodoo.characters import escaped, visible
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.errors import Unreadable
from magodoo.extract import fields, magento_documents, odoo_documents
from magodoo.flows import planner
from magodoo.ledger.planned import PlannedChange, Prepared, Request
from magodoo.notifications.csv_export import neutral
from magodoo.notifications.email import one_line

HOSTILE = (
    "\0\x01\n\r\t\x0b\x1b[31m\x7f\x85\x9b\u2028\u2029\u202e\u2066\u200b\u200d\u2060\ufeff\xad\ud800\udfff\U000e0041"
)
STORABLE = "".join(each for each in HOSTILE if each not in "\0\ud800\udfff")
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
        assert (escaped(each) != each) == (changed and each not in "\n\t"), hex(ord(each))
        assert (hidden(each) or each in FILLERS) == changed or unicodedata.category(each) == "Cn", hex(ord(each))


@given(st.text(st.one_of(st.characters(), st.sampled_from(HOSTILE))))
@example(HOSTILE)
def test_visible_text_has_one_line_and_is_stable(text: str) -> None:
    made = visible(text)
    assert not hidden(made) and not set(made) & set(FILLERS)
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


PROSE = ("customer_name", "customer_phone", "ship_to_name", "name")  # what people read; the rest are keys and codes
WORDS_IN_DETAILS = (
    "shipping_description",
    "deleted_store",
    "set_aside",
    "foreign_units",
    "einvoice_rejected",
    "discounted_tax",
    "settlement",
)


def variants(original: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], str, dict[str, Any]]]:
    """Every copy of a row with one text before, after or around what nobody sees."""
    for path in places(original):
        was = original
        for step in path:
            was = was[step]
        for sent in (f"{was}{STORABLE}", f"{STORABLE}{was}", f"a{STORABLE}b"):
            row = copy.deepcopy(original)
            holder: Any = row
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = sent
            yield path, sent, row


@pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: f"{sample[0]}-{sample[1]}-{sample[2].get('entity_id') or sample[2].get('id')}"
)
def test_no_canonical_text_that_people_read_has_a_hidden_character(sample: tuple[str, Any, dict[str, Any]]) -> None:
    side, kind, original = sample
    for path, _, row in variants(original):
        try:
            document = READERS[side](instance(), kind, row, NOON)
        except Unreadable:
            continue
        details = {name: value for name, value in document.details.items() if name in WORDS_IN_DETAILS}
        columns = [getattr(part, name, None) for part in (document, *document.lines) for name in PROSE]
        held = [text for text in texts([*columns, details]) if hidden(text)]
        assert not held, f"{held!r}, sent as {path}"


def test_a_key_is_the_text_that_was_sent_on_both_sides() -> None:
    seen = set()
    for side, kind, original in SAMPLES:
        for path, sent, row in variants(original):
            if path[-1] not in ("sku", "default_code", "carrier_tracking_ref", "track_number", "increment_id"):
                continue
            try:
                document = READERS[side](instance(), kind, row, NOON)
            except Unreadable:
                continue
            held = [document.number, *document.tracking, *(line.sku for line in document.lines)]
            hides = [text for text in held if text and hidden(text)]
            assert all(text in sent for text in hides)
            if hides:
                seen.add((side, path[-1]))
    assert {("magento", "sku"), ("magento", "track_number"), ("odoo", "default_code")} <= seen


@given(
    st.text(
        st.one_of(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), st.sampled_from(STORABLE)),
        min_size=1,
    )
)
@example("A\u200b1")
@example("A\u2028B")
def test_the_same_sku_and_number_are_the_same_on_both_sides_and_in_the_master_data(key: str) -> None:
    magento, odoo = fields.words({"sku": key}, "sku", 255), fields.words({"default_code": key}, "default_code", 255)
    assert magento == odoo == (key.strip()[:255] or None)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\x85"])
def test_the_name_of_a_deleted_store_keeps_its_parts_apart(end: str) -> None:
    row = next(row for side, kind, row in SAMPLES if side == "magento" and kind == "order")
    row = {**copy.deepcopy(row), "store_id": None, "store_name": f"Main\u200b Website{end}Main{end}{end}Deleted\u202e"}
    document = magento_documents.read(instance(), Kind.ORDER, row, NOON)
    assert document.details["deleted_store"] == "Main Website, Main, Deleted"


@pytest.mark.parametrize("character", ["\0", "\ud800", "\udfff"])
def test_a_document_of_odoo_with_a_text_that_no_table_stores_is_unreadable(character: str) -> None:
    for side, kind, original in SAMPLES:
        if side != "odoo":
            continue
        for place in places(original):
            row = copy.deepcopy(original)
            holder: Any = row
            for step in place[:-1]:
                holder = holder[step]
            holder[place[-1]] = f"a{character}b"
            with pytest.raises(Unreadable, match="cannot be stored"):
                odoo_documents.read_all(instance(), kind, row, NOON)


def shows(cell: str) -> str:
    """The first character that a spreadsheet sees once it drops what has no form."""
    return next(
        (each for each in cell if not each.isspace() and not hidden(each) and each not in FILLERS),
        "",
    )


BLANKS = st.text(st.sampled_from(" \t\r\n\xa0\u3000\u200b\ufeff\u202e\xad\x00\u3164"), max_size=4)


@given(BLANKS, st.sampled_from("=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"), st.text(max_size=8))
@example("", "=", "1+1")
@example("\u200b ", "\uff1d", "cmd")
def test_no_cell_of_a_csv_begins_a_formula(blanks: str, sign: str, rest: str) -> None:
    cell = neutral(f"{blanks}{sign}a{rest}")
    assert shows(cell) in "'\\"
    assert not hidden(cell.replace("\t", "").replace("\n", ""))


@given(st.text())
def test_a_cell_is_kept_or_neutralised(text: str) -> None:
    cell = neutral(text)
    assert cell in (escaped(text), f"'{escaped(text)}")
    assert shows(cell) not in tuple("=+@\uff1d\uff0b\uff20")


@pytest.mark.parametrize("cell", ["-12.50", "-1", "12", "", "a=b", "Ann", "'x", "2026-11-30"])
def test_numbers_and_words_of_a_csv_stay_as_they_are(cell: str) -> None:
    assert neutral(cell) == cell


def test_pages_and_emails_show_what_nobody_sees_as_escapes() -> None:
    from magodoo.notifications import alerts
    from magodoo_airflow.pages.rendering import templates

    source = "{% macro cell(value) %}<i>{{ value }}</i>{% endmacro %}{{ cell(sku) }} {{ sku }}"
    environments = (templates.env, *(alerts.templates(autoescape=escape) for escape in (True, False)))
    for environment in environments:
        shown = environment.from_string(source).render(sku=f"<b>{STORABLE}\u3164")
        assert not hidden(shown.replace("\n", "").replace("\t", ""))
        assert r"\u202e" in shown and r"\u3164" in shown
        assert ("<b>" in shown) is (environment is environments[2])


def test_a_subject_has_no_hidden_character() -> None:
    assert one_line("a\r\nBcc: x\u202eb\u200b\u2028c") == r"a Bcc: x\u202eb\u200b c"


@pytest.mark.parametrize("character", ["\0", "\ud800"])
def test_a_request_that_cannot_be_stored_is_a_problem_by_name(character: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sent(Request, frozen=True, kw_only=True):
        name: str

    plan = PlannedChange(ChangeKind.ODOO_INVOICE, "1", "1", Kind.INVOICE, "1", "1", 0, "EUR", 0, None)
    sources = SimpleNamespace(magento=lambda *_: None, documents={})
    for name in (f"a{character}", "a"):
        flow = SimpleNamespace(from_payload=False, prepare=lambda _, plan, name=name: Prepared(plan, Sent(name=name)))
        monkeypatch.setattr(planner, "flows", lambda flow=flow: {plan.kind: flow})
        (prepared,) = planner.prepare_from(cast(Any, sources), [plan])
        assert prepared.request_hash
        assert (prepared.request is None) is (name != "a")
        assert [each.part for each in prepared.problems] == (["text"] if name != "a" else [])
