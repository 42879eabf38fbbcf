"""The table of failures: what each means for a read and for a write of either system.

A read is repeated if its failure is a TransientError; after a write that may have happened, the failure is OutcomeUnknown.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Literal

import requests
from urllib3.exceptions import InvalidHeader, NameResolutionError, NewConnectionError

from magodoo.errors import (
    FixConfiguration,
    FixDocument,
    Forbidden,
    MagodooError,
    OutcomeUnknown,
    Unauthorized,
    Unavailable,
    Unreachable,
    Unreadable,
)

System = Literal["magento", "odoo"]


class Garbled(Unreadable):
    """A body that cannot be parsed; `raw` is its beginning."""

    def __init__(self, message: str, raw: bytes, **where: str) -> None:
        super().__init__(message, **where)
        self.raw = raw


class Failure(Enum):
    """What can go wrong with a call, besides the status of its answer."""

    NOT_CONNECTED = auto()  # nothing was sent
    NAME_UNKNOWN = auto()  # nothing was sent, as for the next two
    REFUSED = auto()
    CONNECTING_TOOK_TOO_LONG = auto()
    UNTRUSTED = auto()  # a certificate; nothing was sent
    TLS_BROKEN = auto()
    BAD_ADDRESS = auto()
    BAD_HEADER = auto()
    BAD_ENCODING = auto()
    TIMED_OUT = auto()  # before the answer's headers were there
    BROKEN = auto()  # after the request was sent, or while the answer arrived
    TOO_LARGE = auto()
    TOO_SLOW = auto()
    REDIRECTED = auto()
    EMPTY = auto()
    HTML = auto()
    NOT_JSON = auto()
    NO_DATABASE = auto()  # Odoo answers 404 with a page of HTML


@dataclass(frozen=True)
class Meaning:
    """The error to raise; its message, with places for details of the failure; what to do next."""

    error: type[MagodooError]
    message: str
    hint: str = ""


def _both(error: type[MagodooError], message: str, hint: str = "") -> tuple[Meaning, Meaning]:
    return Meaning(error, message, hint), Meaning(error, message, hint)


def _lost(error: type[MagodooError], message: str, write: str = "", probe: str = "") -> tuple[Meaning, Meaning]:
    """Return the meaning of an answer that did not arrive completely: after a write it is unknown whether it happened."""
    return Meaning(error, message), Meaning(OutcomeUnknown, write or message, probe)


_PROBE = "look for the document's marker before anything is sent again"
_UNSOUND = "sent, and no sound answer ({name})"
_UNUSABLE = "the write got an unusable answer: "
_NO_ANSWER = "the answer did not arrive ({name})"
_HTTP = "HTTP {status} with {media}"
_UNTRUSTED = _both(
    FixConfiguration,
    "its TLS certificate is not trusted; nothing was sent",
    "check the certificate; the file of a private authority belongs into the connection",
)
_NO_SCHEME = "if it stays so: does this address speak TLS?"
_NO_SHOP = _both(FixConfiguration, "the shop's address cannot be used ({name})")
_BUSY_SHOP = _both(Unavailable, "the shop is busy ({status})")
_NO_ODOO = _both(FixConfiguration, _HTTP, "check the URL: is this an Odoo?")
_TOO_MUCH_FOR_ODOO = _both(FixDocument, f"{_HTTP}: the request is too large")

_SYSTEMS: tuple[System, ...] = ("magento", "odoo")
_NOT_REACHED: Mapping[Failure, tuple[Meaning, Meaning]] = {
    Failure.NAME_UNKNOWN: _both(
        Unreachable, "the name of its server is unknown here; nothing was sent", "check the spelling of the address, and this machine's DNS"
    ),
    Failure.REFUSED: _both(
        Unreachable, "its server refuses the connection; nothing was sent",
        "check the port, whether http or https is meant, and whether the server runs",
    ),
    Failure.CONNECTING_TOOK_TOO_LONG: _both(
        Unreachable, "its server did not answer in time; nothing was sent", "check the address, and whether a firewall lets this machine through"
    ),
}  # fmt: skip

FAILURES: Mapping[tuple[Failure | int, System], tuple[Meaning, Meaning]] = {
    # (what happened or the answer's status, where): (what it means for a read, for a write). A read is repeated if it means a TransientError.
    (Failure.NOT_CONNECTED, "magento"): _both(Unreachable, "the shop cannot be reached ({name}); nothing was sent"),
    (Failure.NOT_CONNECTED, "odoo"): _both(Unreachable, "no connection ({name})"),
    **{(what, system): meaning for what, meaning in _NOT_REACHED.items() for system in _SYSTEMS},
    (Failure.UNTRUSTED, "magento"): _UNTRUSTED,
    (Failure.UNTRUSTED, "odoo"): _UNTRUSTED,
    # It may break while the answer arrives.
    (Failure.TLS_BROKEN, "magento"): (Meaning(Unreachable, "the connection broke ({name})", _NO_SCHEME), Meaning(OutcomeUnknown, _UNSOUND, _PROBE)),
    (Failure.TLS_BROKEN, "odoo"): (Meaning(Unreachable, _NO_ANSWER, _NO_SCHEME), Meaning(OutcomeUnknown, _NO_ANSWER)),
    (Failure.BAD_ADDRESS, "magento"): _NO_SHOP,
    (Failure.BAD_ADDRESS, "odoo"): _both(FixConfiguration, "the URL cannot be used"),
    (Failure.BAD_HEADER, "magento"): _NO_SHOP,
    (Failure.BAD_HEADER, "odoo"): _both(FixConfiguration, "the request has an unusable header ({name})"),
    (Failure.BAD_ENCODING, "magento"): _lost(Garbled, "a compressed answer that cannot be unpacked", _UNSOUND, _PROBE),
    (Failure.BAD_ENCODING, "odoo"): _lost(Unreadable, "a compressed answer that cannot be unpacked", _NO_ANSWER),
    (Failure.TIMED_OUT, "magento"): _lost(Unavailable, "no answer in time ({name})", _UNSOUND, _PROBE),
    (Failure.TIMED_OUT, "odoo"): _lost(Unavailable, _NO_ANSWER),
    (Failure.BROKEN, "magento"): _lost(Unreachable, "the connection broke ({name})", _UNSOUND, _PROBE),
    (Failure.BROKEN, "odoo"): _lost(Unreachable, _NO_ANSWER),
    (Failure.TOO_LARGE, "magento"): _lost(Garbled, "an answer of more than {bytes} bytes", "the write got an answer of more than {bytes} bytes"),
    (Failure.TOO_LARGE, "odoo"): _lost(Unreadable, "an answer of more than {megabytes} MB"),
    (Failure.TOO_SLOW, "magento"): _lost(Unavailable, "an answer that does not end in time", "the write got an answer that does not end in time", _PROBE),
    (Failure.TOO_SLOW, "odoo"): _lost(Unavailable, "an answer that does not end in time"),
    (Failure.REDIRECTED, "magento"): _both(
        FixConfiguration, "redirected to {host}: not followed, the login must not reach another address",
        "set the final address as the connection's base URL",
    ),
    (Failure.REDIRECTED, "odoo"): _both(
        FixConfiguration, "the server redirects to {elsewhere}; that is not followed, because the API key would go there",
        "enter Odoo's final address in the connection",
    ),
    (Failure.EMPTY, "magento"): _lost(Garbled, "an empty answer", f"{_UNUSABLE}an empty answer", _PROBE),
    (Failure.EMPTY, "odoo"): _lost(Unreadable, "{problem}"),
    (Failure.HTML, "magento"): (
        Meaning(Unavailable, "a page of HTML instead of data", "open the address in a browser: maintenance, firewall or login?"),
        Meaning(OutcomeUnknown, f"{_UNUSABLE}a page of HTML instead of data", _PROBE),
    ),
    (Failure.HTML, "odoo"): _lost(Unreadable, "{problem}"),
    (Failure.NOT_JSON, "magento"): _lost(Garbled, "{problem}", f"{_UNUSABLE}{{problem}}", _PROBE),
    (Failure.NOT_JSON, "odoo"): _lost(Unreadable, "{problem}"),
    # Odoo selects the database before it runs anything, so nothing was done (docs/facts/odoo-19.0.md#1).
    (Failure.NO_DATABASE, "odoo"): _both(Unavailable, "HTTP 404 with {media}: the database is down, or its name is wrong"),
    (200, "odoo"): _lost(Unavailable, _HTTP),  # no JSON, by its content type
    (400, "magento"): _both(FixConfiguration, "refused with {status}, not by Magento"),  # and what is not named here
    (400, "odoo"): _NO_ODOO,
    (401, "magento"): _both(
        Unauthorized, "not authorized (401)", "check the login; a proxy that changes host, port or path breaks OAuth signatures too"
    ),
    (401, "odoo"): _both(Unauthorized, _HTTP, "check the API key and the proxy before Odoo"),
    (403, "magento"): _both(Forbidden, "refused before Magento saw it (403)", "let this machine pass the shop's firewall"),
    (403, "odoo"): _both(Forbidden, _HTTP, "something before Odoo refuses this call"),
    (404, "magento"): _both(FixConfiguration, "no Magento REST interface there (404)", "check the base URL"),
    (408, "magento"): _lost(Unavailable, "{status}", "{status}", _PROBE),
    (408, "odoo"): _lost(Unavailable, _HTTP),
    (413, "odoo"): _TOO_MUCH_FOR_ODOO,
    (414, "odoo"): _TOO_MUCH_FOR_ODOO,
    (425, "magento"): _BUSY_SHOP,
    (425, "odoo"): _both(Unavailable, _HTTP),
    (429, "magento"): _BUSY_SHOP,
    (429, "odoo"): _both(Unavailable, _HTTP),
    (500, "magento"): _lost(Unavailable, "{status}", "{status}", _PROBE),  # and every 5xx
    (500, "odoo"): _lost(Unavailable, _HTTP),
}  # fmt: skip


def failure(
    what: Failure | int,
    system: System,
    *,
    call: str,
    write: bool,
    message: str = "",
    raw: bytes = b"",
    **details: object,
) -> MagodooError:
    """Return the error for a failure, or for the status of an answer whose body does not decide.

    `message` is the server's own message and replaces the table's; `details` are formatted into the table's message; `raw` is the
    beginning of an answer that cannot be parsed.
    """
    if isinstance(what, int):
        details["status"] = what
        what = what if (what, system) in FAILURES else 500 if what >= 500 else 400
    meaning = FAILURES[what, system][write]
    text, where = message or meaning.message.format(**details), {"system": system, "call": call, "hint": meaning.hint}
    return Garbled(text, raw, **where) if meaning.error is Garbled else meaning.error(text, **where)


_CAUSES: tuple[tuple[Failure, tuple[type[BaseException], ...]], ...] = (
    (Failure.UNTRUSTED, (ssl.SSLCertVerificationError,)),  # also of a proxy
    (Failure.NOT_CONNECTED, (requests.exceptions.ProxyError,)),
    (Failure.NAME_UNKNOWN, (NameResolutionError, socket.gaierror)),
    (Failure.CONNECTING_TOOK_TOO_LONG, (requests.ConnectTimeout,)),
    (Failure.REFUSED, (ConnectionRefusedError,)),
    (Failure.NOT_CONNECTED, (NewConnectionError,)),
    (Failure.TLS_BROKEN, (requests.exceptions.SSLError,)),
    (Failure.BAD_ADDRESS, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)),
    (Failure.BROKEN, (InvalidHeader,)),  # of the answer; `requests` names it as a header of the request
    (Failure.BAD_HEADER, (requests.exceptions.InvalidHeader,)),
    (Failure.BAD_ENCODING, (requests.exceptions.ContentDecodingError,)),
    (Failure.TIMED_OUT, (requests.Timeout,)),
)


def failure_of(problem: Exception) -> Failure:
    """Return what happened: the first of `_CAUSES` in the chain of exceptions that `requests` and `urllib3` wrap around each other."""
    chain: list[Any] = [problem]
    for each in chain:
        if isinstance(each, BaseException) and len(chain) < 100:
            chain += [getattr(each, "reason", None), each.__cause__, each.__context__, *each.args]
    return next((what for what, kinds in _CAUSES if any(isinstance(each, kinds) for each in chain)), Failure.BROKEN)


def is_html(body: bytes) -> bool:
    """Return whether the body is HTML, regardless of its content type: a failed database of Magento sends HTML as text/plain."""
    return re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|\?xml)", body[:200], re.IGNORECASE) is not None


BEFORE_ANYTHING_IS_SENT = (
    Failure.NOT_CONNECTED,
    *_NOT_REACHED,
    Failure.UNTRUSTED,
    Failure.BAD_ADDRESS,
    Failure.BAD_HEADER,
)
