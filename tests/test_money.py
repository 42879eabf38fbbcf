"""Amounts as JSON text: canonical, and exact whatever the number of digits."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from magodoo.errors import Unreadable
from magodoo.money import dump_json, parse_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12345678901234567.1234"), "12345678901234567.1234"),  # a binary float would say 12345678901234568.0
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Decimal("0.00001"), "0.00001"),
        (Decimal("-0.50"), "-0.5"),
        (Decimal("100.0000"), "100"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.0"), "0"),
        (Decimal("0E-999999"), "0"),
        (Decimal("1E+999999"), '"1E+999999"'),
        (Decimal("NaN"), '"NaN"'),
        ({"b": [1, True, None], "a": ("ü\n", "\x00")}, '{"a":["ü\\n","\\u0000"],"b":[1,true,null]}'),
        ({2: "two", 10: "ten"}, '{"10":"ten","2":"two"}'),
    ],
)
def test_json_has_every_digit_and_one_form(value: Any, text: str) -> None:
    assert dump_json(value) == text


@pytest.mark.parametrize("digits", ["0.1", "19.99", "99999999999.9999", "123456789012345678.0001", "-0.00000001"])
def test_a_written_amount_is_read_back_to_the_last_digit(digits: str) -> None:
    assert parse_json(dump_json({"amount": Decimal(digits)})) == {"amount": Decimal(digits)}


def test_text_and_structure_are_what_the_standard_encoder_writes() -> None:
    value = {"text": '€ \U0001f600 \\ " / \u2028', "empty": [{}, [], ""], "n": [0, -1, 2**70], "flag": False}
    assert dump_json(value) == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_a_value_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError):
        dump_json({"a": object()})
    with pytest.raises(Unreadable):
        parse_json("NaN")


@pytest.mark.parametrize("text", ["1" * 5000, "0." + "1" * 3_000_000, "1e" + "9" * 20, "[1.0" + "0" * 5000 + "]"])
@pytest.mark.parametrize("keys_are_unique", [False, True])
def test_a_number_that_nobody_can_mean_is_refused_without_being_computed(text: str, keys_are_unique: bool) -> None:
    with pytest.raises(Unreadable, match="not JSON"):
        parse_json(text.encode(), keys_are_unique=keys_are_unique)


def test_a_key_that_is_there_twice_is_refused_where_that_is_asked_for() -> None:
    text = b'{"a": [{"b": 1.50, "c": 2, "b": 1.5}]}'
    with pytest.raises(Unreadable, match="the key 'b' is there twice"):
        parse_json(text, keys_are_unique=True)
    assert parse_json(b'{"a": {"b": 1}, "c": {"b": 0.10}}', keys_are_unique=True)["c"] == {"b": Decimal("0.1")}
