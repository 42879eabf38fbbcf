"""Amounts stay exact from the bytes that arrive to the text that is stored, however they were written."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from magodoo.errors import Unreadable
from magodoo.extract import fields
from magodoo.money import dump_json, exact_json, parse_json, to_units
from magodoo.pg_copy import escaped, escaped_json, json_text
from magodoo.reconcile.references import ids_after
from magodoo.timestamps import utc


@given(st.decimals(-(10**10), 10**10, places=4))
def test_an_amount_survives_text_parsing_and_units(amount: Decimal) -> None:
    read = parse_json(f'{{"a": {amount}}}'.encode())["a"]
    assert read == amount and not isinstance(read, float)
    assert to_units(read) == to_units(str(amount)) == int(amount * 10_000)
    assert Decimal(exact_json(read)) == amount


def test_an_amount_is_stored_in_one_way_whatever_its_zeros() -> None:
    assert {exact_json(parse_json(text)) for text in ("12.5", "12.50", "12.5000")} == {"12.5"}
    assert {exact_json(parse_json(text)) for text in ("12", "12.0", "12.0000")} == {"12"}
    assert exact_json(parse_json("1e2")) == "100"
    assert {exact_json(parse_json(text)) for text in ("-0.0", "0.00", "0e9")} == {"0"}


@pytest.mark.parametrize("number", ["1E-8", "-2.5E-9", "1E+5", "0E-7"])
@pytest.mark.parametrize("text", ["BIKE-1", "SIZE+2", "S-1E-5", ""])
def test_a_number_is_stored_without_an_exponent_whatever_the_other_values(number: str, text: str) -> None:
    value = {"sku": text, "of": [Decimal(number)]}
    assert exact_json(value) == dump_json(value)


def test_every_digit_of_a_long_fraction_is_kept() -> None:
    assert exact_json(parse_json("12345678901234567.8901")) == "12345678901234567.8901"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_both_writers_and_readers_agree(value: object) -> None:
    assert exact_json(value) == dump_json(value)
    assert parse_json(json.dumps(value).encode()) == value


@given(JSON)
def test_json_needs_nothing_escaped_for_copy_but_backslashes(value: object) -> None:
    text = json_text(value)
    assert escaped_json(text) == escaped(text)


@pytest.mark.parametrize(
    "text",
    ["NaN", "Infinity", "[1", "", "01", "[" * 100_000, "1" * 3_000_000, f"1.{'1' * 3_000_000}", "1e3000000", "-1e999999999",
     "1e-3000000", f"1e{'9' * 30}"],
    ids=lambda text: f"{text[:12]} of {len(text)}",
)  # fmt: skip
@pytest.mark.parametrize("unique", [False, True], ids=["fast", "slow"])
def test_invalid_json_and_a_number_of_millions_of_digits_are_unreadable(text: str, unique: bool) -> None:
    with pytest.raises(Unreadable, match="not JSON"):
        parse_json(text, keys_are_unique=unique)


@pytest.mark.parametrize("text", ["1e999999", "-1e999999999", "1e3000000", "9" * 5000])
def test_a_text_that_is_a_number_of_millions_of_digits_is_no_amount(text: str) -> None:
    with pytest.raises(Unreadable, match="of this size is damage"):
        to_units(text)
    with pytest.raises(Unreadable, match="not a number of this kind"):
        fields.number({"rate": text}, "rate", 1000)


def test_a_lone_surrogate_is_read_and_an_absurd_number_is_stored() -> None:
    assert parse_json(rb'"\ud800"') == "\ud800"
    assert exact_json(parse_json("1e4000")) == dump_json(parse_json("1e4000"))
    assert len(exact_json(parse_json("1" * 4000 + ".5"))) < 100


@pytest.mark.parametrize(
    "text", ["2026-11-22T00:00:00", "2026-11-22 00:00+01", "2026-W47-5 00:00:00", "0000-01-01 00:00:00", "2026-02-30 00:00:00", None, 5]
)  # fmt: skip
def test_only_the_timestamp_formats_of_both_systems_are_accepted(text: object) -> None:
    with pytest.raises(ValueError):
        utc(text)


IDS = st.text("0123456789", min_size=1, max_size=21)
ANYTHING = st.text("0123456789a٣\n i_", max_size=25)


@given(st.lists(IDS.map("i_".__add__)) | st.lists(st.tuples(st.sampled_from(["i_", "", "i"]), ANYTHING).map("".join)))
@example(["i_1", "i_", "i_3"])
@example(["i_1a"])
@example(["i_0000000000000000001"])
@example([f"i_{10**18}"])
def test_ids_are_read_all_at_once_as_one_by_one(references: list[str]) -> None:
    ids = [text[2:] if text.startswith("i_") else "" for text in references]
    assert list(ids_after(references, "i_")) == [
        int(id) if id.isdecimal() and len(id.lstrip("0")) <= 18 else 0 for id in ids
    ]
