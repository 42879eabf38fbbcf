"""Every error of the engine, classified by what to do about it.

MagodooError
├── TransientError      the same call may succeed later, and repeating it is safe (reads) or decided by the ledger
│   ├── Unreachable     connection refused, DNS, TLS, timeout before anything was sent
│   ├── Away            not called, or refused, for a time that the message names: asked for with Retry-After, or after failures in a row
│   ├── Unavailable     429, 502-504, maintenance page, Odoo's HTML 404, `psycopg2.*` bodies
│   └── TooLate         a write that was not sent because the worker's lease was about to expire
├── OutcomeUnknown      a write may or may not have happened: never repeated blindly, the ledger probes first
├── FixConfiguration    a person must change a setting, a right, a credential, a mapping
│   ├── BadSettings     the settings file: names the line and the hint
│   ├── Unauthorized    wrong or expired credential
│   ├── Forbidden       a right is missing: names it
│   └── UnknownField    a field, model or route that this server does not have
├── FixDocument         the other system refuses this document by a business rule: names the document
│   └── UnreadableRecord    a record exists but may not be read or changed: changes that depend on it wait, others proceed
├── Unreadable          a payload that cannot be parsed: quarantined, the others proceed
└── InvariantError      an internal invariant is broken or a limit is reached: nothing further may be written

The class decides what happens next. The message names the document, what happened to it and what to do.
"""

from __future__ import annotations


class MagodooError(Exception):
    """Base class. `system` is "magento", "odoo" or "staging"; `call` names the call without host or secrets."""

    def __init__(self, message: str, *, system: str = "", call: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.system, self.call, self.hint = system, call, hint

    def __str__(self) -> str:
        return self.without_hint() + (f" Next: {self.hint}" if self.hint else "")

    def without_hint(self) -> str:
        """Return the call and the message."""
        where = f"{self.system} {self.call}: " if self.call else ""
        return f"{where}{super().__str__()}"


class TransientError(MagodooError):
    """A transient failure."""


class Unreachable(TransientError):
    """No connection: nothing was sent. A read also raises it when the connection breaks."""


class Unavailable(TransientError):
    """The server answered that it cannot serve the call now."""


class Away(TransientError):
    """The system is left alone until a time that the message names. Not repeated within the run."""


class TooLate(TransientError):
    """A write that was not sent: the worker's lease was about to expire."""

    def __init__(self, *, system: str, call: str) -> None:
        super().__init__("not sent: too little is left of the worker's lease", system=system, call=call)


class OutcomeUnknown(MagodooError):
    """A write was sent and no valid answer arrived."""


class FixConfiguration(MagodooError):
    """A configuration error that only a person can fix."""


class BadSettings(FixConfiguration):
    """The settings file cannot be used."""


class Unauthorized(FixConfiguration):
    """Wrong, expired or missing credential."""


class Forbidden(FixConfiguration):
    """The credential is valid, but a permission is missing."""


class UnknownField(FixConfiguration):
    """This server has no such field, model, method or route."""


class FixDocument(MagodooError):
    """The other system refuses this document."""


class UnreadableRecord(FixDocument):
    """A record that exists but that this user may not read or change: a record rule, another company."""


class Unreadable(MagodooError):
    """A payload that cannot be parsed."""


class InvariantError(MagodooError):
    """A broken invariant, or a limit that is reached."""
