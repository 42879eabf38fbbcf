"""Classifies error answers of Odoo by the body's `name`, not by the status (docs/facts/odoo-19.0.md#1).

A 500 is permanent when Python raised it and transient when PostgreSQL did. A 404 is a missing record as JSON and an unavailable database
as HTML. JSON-RPC answers everything with 200.
"""

from __future__ import annotations

import re

from magodoo.connectors.failures import Failure, failure
from magodoo.errors import (
    FixConfiguration,
    FixDocument,
    Forbidden,
    MagodooError,
    OutcomeUnknown,
    Unauthorized,
    Unavailable,
    UnknownField,
    UnreadableRecord,
)

_LONGEST_MESSAGE = 500

_ROLLED_BACK = frozenset(
    {
        "OperationalError",
        "InterfaceError",
        "SerializationFailure",
        "TransactionRollbackError",
        "DeadlockDetected",
        "LockNotAvailable",
        "QueryCanceled",
        "QueryCanceledError",
        "TooManyConnections",
        "CannotConnectNow",
        "ReadOnlySqlTransaction",
        "InFailedSqlTransaction",
    }
)
# The connection to PostgreSQL may have broken during a commit: detected by the class, as PostgreSQL translates the message.
_BROKEN_MIDWAY = frozenset({"OperationalError", "InterfaceError", "AdminShutdown", "CrashShutdown"})
_NEVER_CONNECTED = (
    "connection to server",
    "could not connect",
    "too many connections",
    "connection slots",
    "too many clients",
)

# The message of a record rule contains the user's id, in every language; that of a missing right to a model does not. The message is in
# the user's own language whatever the call's context is (measured on 19). 16 does not include the user.
_OF_A_RECORD = re.compile(r"\(id=\d+\)|Due to security restrictions, you are not allowed to")

_BY_NAME: dict[str, tuple[type[MagodooError], str]] = {
    "werkzeug.exceptions.Unauthorized": (Unauthorized, "check the API key and its expiry"),
    "odoo.exceptions.AccessDenied": (Unauthorized, "check login and API key, and the key's expiry"),
    "odoo.http.SessionExpiredException": (Unauthorized, "check the API key"),
    "odoo.exceptions.AccessError": (Forbidden, "give the user this right, or run preflight for the list"),
    "werkzeug.exceptions.Forbidden": (Forbidden, "give the user this right"),
    "werkzeug.exceptions.NotFound": (UnknownField, "check the Odoo version and its installed modules"),
    "werkzeug.exceptions.UnprocessableEntity": (UnknownField, "this build takes other arguments"),
    "werkzeug.exceptions.BadRequest": (UnknownField, "this build does not understand the request"),
    "odoo.exceptions.MissingError": (FixDocument, "the record was deleted: read it again"),
    "odoo.exceptions.LockError": (Unavailable, ""),
    "odoo.exceptions.ConcurrencyError": (Unavailable, ""),
}


def refusal(name: str, message: str, *, call: str, write: bool) -> MagodooError:
    """Return the error for an error body: `name` is the exception's full name, `message` its text without traceback.

    `write`: whether the call may have changed data; a connection that broke is then OutcomeUnknown.
    """
    text = " ".join(str(message).split())[:_LONGEST_MESSAGE] or name
    module, _, short = name.rpartition(".")
    if name == "odoo.exceptions.AccessError" and _OF_A_RECORD.search(text):
        return _unreadable(text, call)
    if name in _BY_NAME:
        kind, hint = _BY_NAME[name]
        return kind(text, system="odoo", call=call, hint=hint)
    if module.startswith("psycopg2"):
        return _of_postgresql(short, text, call, write)
    if module == "builtins":
        return _of_python(short, text, call)
    if text.startswith("Object ") and text.endswith("doesn't exist"):  # an unknown model over JSON-RPC
        return UnknownField(text, system="odoo", call=call, hint="check the Odoo version and its installed modules")
    return FixDocument(text, system="odoo", call=call)


def refused_row(message: str, call: str) -> FixDocument:
    """Return the error for a row that `load` refused: it reports the text only, without the exception's name."""
    text = " ".join(message.split())[:_LONGEST_MESSAGE]
    return _unreadable(text, call) if _OF_A_RECORD.search(text) else FixDocument(text, system="odoo", call=call)


def _unreadable(text: str, call: str) -> UnreadableRecord:
    return UnreadableRecord(text, system="odoo", call=call, hint="a record rule hides it, or another company has it")


def _of_postgresql(short: str, text: str, call: str, write: bool) -> MagodooError:
    if "does not exist" in text and 'database "' in text:
        return FixConfiguration(
            "this Odoo has no such database", system="odoo", call=call, hint="check the database name"
        )
    if short not in _ROLLED_BACK | _BROKEN_MIDWAY:
        return FixDocument(text, system="odoo", call=call)
    if write and short in _BROKEN_MIDWAY and not any(sign in text for sign in _NEVER_CONNECTED):
        return OutcomeUnknown(f"{short}: {text}", system="odoo", call=call)
    return Unavailable(f"{short}: {text}", system="odoo", call=call)


def _of_python(short: str, text: str, call: str) -> MagodooError:
    arguments = short == "TypeError" and "argument" in text  # missing or unknown ones, over JSON-RPC
    if arguments or short == "KeyError" or text.startswith("Invalid field") or text.endswith("does not exist"):
        return UnknownField(f"{short}: {text}", system="odoo", call=call, hint="check the Odoo version and its modules")
    return FixDocument(f"{short}: {text}", system="odoo", call=call)


def unclassified(status: int, media: str, *, call: str, write: bool) -> MagodooError:
    """Return the error for an answer without Odoo's JSON: a proxy, a maintenance page, an unavailable database."""
    what = Failure.NO_DATABASE if status == 404 and "html" in media else status
    return failure(what, "odoo", call=call, write=write, media=media or "no content type")
