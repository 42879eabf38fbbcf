"""Maps Magento's answers to errors of `magodoo.errors`, with the parameters of their messages filled in.

MagodooError
├── UnknownField → ServerFault      500 that a retry does not fix: an unknown field, or an unreadable record
├── FixConfiguration → PageTooLarge Magento limits the page size; `most` is its limit
├── Forbidden → MissingRight        401 that names an ACL resource; may also be a wrong token (docs/facts/magento-2.4.7.md#1)
├── FixDocument → NotFound          no such order or document
└── Unreadable → Garbled            a body that is not JSON, too long or truncated; carries its beginning
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from magodoo.errors import (
    FixConfiguration,
    FixDocument,
    Forbidden,
    MagodooError,
    OutcomeUnknown,
    Unauthorized,
    Unavailable,
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


class Garbled(Unreadable):
    """A body that cannot be parsed; `raw` is its beginning."""

    def __init__(self, message: str, raw: bytes, **where: str) -> None:
        super().__init__(message, **where)
        self.raw = raw


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


def said(body: bytes) -> str:
    """Return the message of an error's body, or "" if it is no JSON object with a message."""
    try:
        parsed = parse_json(body)
    except Unreadable:
        return ""
    if not isinstance(parsed, Mapping) or not isinstance(parsed.get("message"), str):
        return ""
    return interpolate(parsed["message"], parsed.get("parameters"))


def is_html(body: bytes) -> bool:
    """Return whether the body is HTML, whatever its content type: a failed database sends HTML as text/plain."""
    return re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|\?xml)", body[:200], re.IGNORECASE) is not None


def error_of(status: int, body: bytes, *, call: str, writing: bool) -> MagodooError:
    """Return the error for an answer other than 2xx.

    A write that got a 5xx may have happened: OutcomeUnknown. A read that got one is Unavailable, except for a persistent fault (`Report ID`,
    or PHP's plain text): ServerFault.
    """
    where = {"system": "magento", "call": call}
    message = said(body)
    if status >= 500 or status == 408:
        return _fault(status, body, message, writing, where)
    if status == 401:
        return _not_authorized(body, message, where)
    if status in (425, 429):
        return Unavailable(message or f"the shop is busy ({status})", **where)
    if status == 403:
        return Forbidden(
            message or "refused before Magento saw it (403)", **where, hint="let this machine pass the shop's firewall"
        )
    if status == 404:
        return _not_found(message, where)
    if 300 <= status < 400:
        return FixConfiguration("the shop redirects this call elsewhere; it is never followed", **where)
    return _refused(status, body, message, writing, where)


def json_of(body: bytes, *, call: str, writing: bool) -> Any:
    """Return the parsed body of a 2xx answer, fractions as Decimal.

    Raises Unavailable for HTML (a maintenance page, a firewall or a login) and Garbled for what is not JSON; after a write, OutcomeUnknown
    for both.
    """
    where = {"system": "magento", "call": call}
    try:
        return parse_json(body)
    except Unreadable as problem:
        message = "a page of HTML instead of data" if is_html(body) else str(problem) if body else "an empty answer"
    if writing:
        return _raise(OutcomeUnknown(f"the write got an unusable answer: {message}", **where, hint=_PROBE))
    if is_html(body):
        return _raise(
            Unavailable(message, **where, hint="open the address in a browser: maintenance, firewall or login?")
        )
    return _raise(Garbled(message, body[:100_000], **where))


_PROBE = "look for the document's marker before anything is sent again"


def _raise(error: MagodooError) -> Any:
    raise error


def _fault(status: int, body: bytes, message: str, writing: bool, where: dict[str, str]) -> MagodooError:
    text = message or (_one_line(body.decode("utf-8", "replace")) if not is_html(body) else "")
    if writing:
        return OutcomeUnknown(f"{status} {text}".strip(), **where, hint=_PROBE)
    # A failed database answers 500 with HTML; a fault of one request answers JSON or one plain line (docs/facts/magento-2.4.7.md#2).
    if status == 500 and ("Report ID" in message or "exception log" in text):
        return ServerFault(
            text, **where, hint="an unknown field or an unreadable record; the shop's log has the report"
        )
    return Unavailable(f"{status} {text}".strip(), **where)


def _not_authorized(body: bytes, message: str, where: dict[str, str]) -> MagodooError:
    if _NOT_AUTHORIZED in message:
        parameters = parse_json(body).get("parameters")
        resource = str(parameters.get("resources", "")) if isinstance(parameters, Mapping) else ""
        return MissingRight(
            message,
            resource,
            **where,
            hint=f"grant {resource or 'the resource'} to the integration; a wrong token answers the same",
        )
    hint = "check the login; a proxy that changes host, port or path breaks OAuth signatures too"
    return Unauthorized(message or "not authorized (401)", **where, hint=hint)


def _not_found(message: str, where: dict[str, str]) -> MagodooError:
    if not message:
        return FixConfiguration("no Magento REST interface there (404)", **where, hint="check the base URL")
    if "does not match any route" in message:
        return UnknownField(message, **where, hint="this Magento lacks the module of this route")
    return NotFound(message, **where)


def _refused(status: int, body: bytes, message: str, writing: bool, where: dict[str, str]) -> MagodooError:
    limit = re.search(r"Maximum SearchCriteria pageSize is (\d+)", message)
    if limit and int(limit[1]) > 0:
        return PageTooLarge(message, int(limit[1]), **where)
    if "Specified request cannot be processed" in message:
        return FixConfiguration(message, **where, hint="the store code in the connection does not exist")
    if "Signature method" in message:
        return Unauthorized(message, **where)
    if not message:
        return FixConfiguration(f"refused with {status}, not by Magento", **where)
    if writing and status == 400 and not any(text in message for text in _SETTINGS_OF_THE_SHOP):
        return FixDocument(message, **where)
    return FixConfiguration(message, **where)


def _one_line(text: str) -> str:
    line = " ".join(part for part in re.split(r"[\s\x00-\x1f\x7f]+", text) if part)
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"
