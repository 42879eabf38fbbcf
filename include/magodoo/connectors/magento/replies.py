"""Maps Magento's refusals to errors of `magodoo.errors`, with the parameters of their messages filled in.

What Magento's own message does not decide, the table of `connectors.http` does. Classes besides those of `magodoo.errors`:

MagodooError
├── UnknownField → ServerFault      500 that a retry does not fix: an unknown field, or an unreadable record
├── FixConfiguration → PageTooLarge Magento limits the page size; `most` is its limit
├── Forbidden → MissingRight        401 that names an ACL resource; may also be a wrong token (docs/facts/magento-2.4.7.md#1)
└── FixDocument → NotFound          no such order or document
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from magodoo.connectors.failures import failure, is_html
from magodoo.errors import (
    FixConfiguration,
    FixDocument,
    Forbidden,
    MagodooError,
    Unauthorized,
    UnknownField,
    Unreadable,
)
from magodoo.money import parse_json

LONGEST_MESSAGE = 600
_NOT_AUTHORIZED = "isn't authorized to access"
_SETTINGS_OF_THE_SHOP = (
    "Maximum items of type",
    "Content-Type",
    "Decoding error",
    "is not supported. Correct the field",
)


class ServerFault(UnknownField):
    """Magento failed on this request and will fail again."""


class PageTooLarge(FixConfiguration):
    """Magento's limit of rows per page is lower than the requested size."""

    def __init__(self, message: str, most: int, **where: str) -> None:
        super().__init__(message, **where)
        self.most = most


class MissingRight(Forbidden):
    """Magento names the ACL resource that this call needs."""

    def __init__(self, message: str, resource: str, **where: str) -> None:
        super().__init__(message, **where)
        self.resource = resource


class NotFound(FixDocument):
    """No entity with this id."""


def interpolate(message: str, parameters: Any) -> str:
    """Return the message with `%1` or `%name` replaced by its parameters (docs/facts/magento-2.4.7.md#1), on one line, limited in length."""
    values: dict[str, Any] = {}
    if isinstance(parameters, Mapping):
        values = {str(name): value for name, value in parameters.items()}
    elif isinstance(parameters, Sequence) and not isinstance(parameters, str | bytes):
        values = {str(number): value for number, value in enumerate(parameters, 1)}
    if values:
        names = "|".join(re.escape(name) for name in sorted(values, key=len, reverse=True))
        message = re.sub(f"%({names})", lambda found: str(values[found[1]]), message)
    return _one_line(message)


def message_of(body: bytes) -> str:
    """Return the message of an error's body, or "" if it is no JSON object with a message."""
    try:
        parsed = parse_json(body)
    except Unreadable:
        return ""
    if not isinstance(parsed, Mapping) or not isinstance(parsed.get("message"), str):
        return ""
    return interpolate(parsed["message"], parsed.get("parameters"))


def error_of(status: int, body: bytes, *, call: str, writing: bool) -> MagodooError:
    """Return the error for an answer other than 2xx."""
    where = {"system": "magento", "call": call}
    message = message_of(body)
    if status >= 500 or status == 408:
        text = message or (_one_line(body.decode("utf-8", "replace")) if not is_html(body) else "")
        if not writing and status == 500 and ("Report ID" in message or "exception log" in text):
            # A failed database answers 500 with HTML; a fault of one request answers JSON or one plain line (docs/facts/magento-2.4.7.md#2).
            hint = "an unknown field or an unreadable record; the shop's log has the report"
            return ServerFault(text, **where, hint=hint)
        message = f"{status} {text}".strip()
    elif status == 401 and _NOT_AUTHORIZED in message:
        return _missing_right(body, message, where)
    elif message and status not in (401, 403, 425, 429):
        return _refused(status, message, writing, where)
    return failure(status, "magento", call=call, write=writing, message=message)


def _missing_right(body: bytes, message: str, where: dict[str, str]) -> MissingRight:
    parameters = parse_json(body).get("parameters")
    resource = str(parameters.get("resources", "")) if isinstance(parameters, Mapping) else ""
    hint = f"grant {resource or 'the resource'} to the integration; a wrong token answers the same"
    return MissingRight(message, resource, **where, hint=hint)


def _refused(status: int, message: str, writing: bool, where: dict[str, str]) -> MagodooError:
    if status == 404 and "does not match any route" in message:
        return UnknownField(message, **where, hint="this Magento lacks the module of this route")
    if status == 404:
        return NotFound(message, **where)
    limit = re.search(r"Maximum SearchCriteria pageSize is (\d+)", message)
    if limit and int(limit[1]) > 0:
        return PageTooLarge(message, int(limit[1]), **where)
    if "Specified request cannot be processed" in message:
        return FixConfiguration(message, **where, hint="the store code in the connection does not exist")
    if "Signature method" in message:
        return Unauthorized(message, **where)
    if writing and status == 400 and not any(text in message for text in _SETTINGS_OF_THE_SHOP):
        return FixDocument(message, **where)
    return FixConfiguration(message, **where)


def _one_line(text: str) -> str:
    line = " ".join(part for part in re.split(r"[\s\x00-\x1f\x7f]+", text) if part)
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"
