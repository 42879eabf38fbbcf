"""Read what people may change after the import: addresses, VAT numbers and notes."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from typing import Any

from magodoo.extract import fields
from magodoo.extract.addresses import billing_address, digest, shipping_address
from magodoo.extract.odoo_fields import link

LONGEST = 2000  # characters of one text
_NOTES = (
    *("customer_note", "delivery_note", "delivery_notes", "delivery_comment", "delivery_instructions"),
    *("shipping_comment", "order_comment"),
)


def transfer_note(payload: Mapping[str, Any]) -> str:
    """Return the texts of an order as HTML paragraphs, escaped: whatever a customer wrote is text. "" without any."""
    return "".join(f"<p>{html.escape(text).replace(chr(10), '<br/>')}</p>" for text in texts(payload))


def texts(payload: Mapping[str, Any]) -> list[str]:
    """Return the texts of an order, each once."""
    return list(dict.fromkeys(text[:LONGEST] for text in _texts(payload) if text))


def _texts(payload: Mapping[str, Any]) -> Iterator[str]:
    extra = _object(payload.get("extension_attributes"))
    for holder in (payload, extra):
        for name in _NOTES:
            yield _plain(holder.get(name))
    yield _gift("Gift message", extra.get("gift_message"))
    for item in payload.get("items") or ():
        row = _object(item)
        message = _object(row.get("extension_attributes")).get("gift_message")
        yield _gift(f"Gift message for {row.get('sku') or row.get('name') or 'an item'}", message)


def _gift(title: str, message: Any) -> str:
    """Return `Gift message from Ann to Bob: Happy birthday`; "" where nothing is written."""
    row = _object(message)
    text, sender, recipient = (_plain(row.get(name)) for name in ("message", "sender", "recipient"))
    if not text:
        return ""
    people = (f" from {sender}" if sender else "") + (f" to {recipient}" if recipient else "")
    return f"{title}{people}: {text}"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> str:
    return value.replace("\r\n", "\n").replace("\0", "").strip() if isinstance(value, str) else ""


_WORD = re.compile(r"\w+")
_BREAK = re.compile(r"<br\s*/?>|</p>|</div>|</li>|\n", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


def of_magento(payload: Mapping[str, Any], number: str, vat: str | None) -> dict[str, str]:
    """Return `written` of a Magento order's details: digests of its addresses, their companies, and the VAT number.

    Each place has the digests of all ways to write its address.

    Raises:
        TypeError: The payload holds something else than addresses.
        AttributeError: As above.
    """
    made = {"vat": digest(plain_number(vat or ""))}
    for place, address in (("billing", billing_address(payload)), ("shipping", shipping_address(payload))):
        person = " ".join(_text(address, name) for name in ("firstname", "lastname"))
        name = ", ".join(part.strip() for part in (_text(address, "company"), person) if part.strip()) or number
        street = " ".join(str(line) for line in address.get("street") or ())
        plain = [_text(address, each) for each in ("postcode", "city", "country_id", "telephone")]
        made |= _contents(place, name, _with_region(address, street), plain)
    return made


def of_odoo(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the same for an Odoo order, with the ids of its contacts; a place is left out where its contact was not read whole."""
    made: dict[str, str] = {}
    for place, field in (("billing", "partner_invoice_id"), ("shipping", "partner_shipping_id")):
        contact = link(row, field)
        if "street" not in contact or "city" not in contact:
            continue
        state = link(contact, "state_id")
        street = " ".join(_text(contact, name) for name in ("street", "street2"))
        states = [_text(state, name) for name in ("code", "name")] if state else [""]
        plain = [
            _text(contact, "zip"),
            _text(contact, "city"),
            _text(link(contact, "country_id"), "code"),
            _text(contact, "phone"),
        ]
        made |= _contents(place, _text(contact, "name"), ((street, each) for each in states), plain)
        made[f"{place}_id"] = fields.identity(contact, "id") or ""
    return made


def _with_region(address: Mapping[str, Any], street: str) -> Iterator[tuple[str, str]]:
    """Yield (street, state) of each way to write an address."""
    region = address.get("region")
    of = region if isinstance(region, Mapping) else address
    named = [text for name in ("region_code", "region") if (text := _text(of, name).strip())]
    for text in named:
        yield street, text
    yield f"{street} {named[-1]}" if named else street, ""


def _contents(place: str, name: str, streets: Iterable[tuple[str, str]], plain: list[str]) -> dict[str, str]:
    company, _, person = name.rpartition(", ")
    *words, phone = plain
    rest = [*map(_words, [person, *words]), re.sub(r"\D", "", phone)[-7:]]
    ways = (digest("|".join([_words(street), _words(state), *rest])) for street, state in streets)
    return {place: " ".join(dict.fromkeys(ways)), f"{place}_company": digest(_words(company))}


def plain_number(vat: str) -> str:
    """Return the letters and digits of a VAT number, in upper case."""
    return re.sub(r"[^0-9A-Z]", "", vat.upper())


def same_number(one: str, other: str) -> bool:
    """Return whether two VAT numbers are the same, with or without the country's letters."""
    here, there = plain_number(one), plain_number(other)
    longer, shorter = (here, there) if len(here) > len(there) else (there, here)
    return here == there or bool(shorter and longer[2:] == shorter and longer[:2].isalpha())


def notes_of_magento(payload: Mapping[str, Any]) -> str:
    """Return digests of the lines that the customer wrote for the warehouse; "" without any."""
    return _lines(text for text in texts(payload))


def notes_of_odoo(row: Mapping[str, Any]) -> str | None:
    """Return a dash and the digests of the lines of a transfer's note; None where it was not read."""
    if "note" not in row:
        return None
    return f"- {_lines([unescape(_TAG.sub('', _BREAK.sub(chr(10), str(row['note'] or ''))))])}".strip()


def _lines(written: Iterable[str]) -> str:
    lines = (_words(line) for text in written for line in text.splitlines())
    return " ".join(dict.fromkeys(digest(line) for line in lines if line))


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
