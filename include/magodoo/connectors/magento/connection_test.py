"""Finds out which of host, store code, token or right is wrong, although Magento answers most failures with the same 401.

docs/facts/magento-2.4.7.md#1 and #2: no anonymous call checks the token; a missing right and a wrong token give the same answer, and both name
the ACL resource. So a route without login proves host and store code, any route that answers proves the token, and what is still
refused then is a missing right. Write rights are tested on order 0, which never exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.magento.http import Http
from magodoo.connectors.magento.replies import MissingRight
from magodoo.connectors.magento.search import Search
from magodoo.errors import (
    FixConfiguration,
    FixDocument,
    InvariantError,
    MagodooError,
    OutcomeUnknown,
    Unauthorized,
    UnknownField,
)

NOBODYS_ORDER = 0
_ITEM = {"items": [{"order_item_id": 0, "qty": 0}]}
READS: Mapping[str, str] = {
    "orders": "/orders",
    "invoices": "/invoices",
    "shipments": "/shipments",
    "credit memos": "/creditmemos",
    "payment transactions": "/transactions",
    "store views": "/store/storeViews",
    "tax rates": "/taxRates/search",
    "inventory sources": "/inventory/sources",
}
OPTIONAL = frozenset({"inventory sources"})
WRITES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "create invoices": (f"/order/{NOBODYS_ORDER}/invoice", {**_ITEM, "capture": False, "notify": False}),
    "create shipments": (f"/order/{NOBODYS_ORDER}/ship", {**_ITEM, "notify": False}),
    "create credit memos": (f"/order/{NOBODYS_ORDER}/refund", {**_ITEM, "notify": False}),
    "comment on orders": (f"/orders/{NOBODYS_ORDER}/comments", {"statusHistory": {"comment": "-"}}),
}


@dataclass(frozen=True)
class Check:
    """One test and its result; `message` is what to do if it failed."""

    name: str
    ok: bool
    message: str = ""


@dataclass
class ConnectionReport:
    """The results of all tests, in the order of execution.

    `wrong` is "" or one of "host", "store code", "token", "rights"; `missing` are ACL resources to grant. `version` says in words which
    version this is, as far as it shows.
    """

    checks: list[Check] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    wrong: str = ""
    warnings: list[str] = field(default_factory=list)
    version: str = ""

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.wrong

    def __str__(self) -> str:
        """Return one sentence for users."""
        if self.ok:
            parts = [f"Connected; {len(self.checks)} checks passed.", *(f"{self.version}." for _ in self.version[:1])]
            return " ".join([*parts, *self.warnings])
        if self.missing:
            return f"The login works, but lacks these resources: {', '.join(self.missing)}."
        failed = next((check for check in self.checks if not check.ok), None)
        return f"Wrong: {self.wrong}. {failed.message if failed else ''}".strip()

    def note(self, name: str, problem: MagodooError | None, wrong: str) -> None:
        """Add the result of a test; the first problem sets `wrong`."""
        self.checks.append(Check(name, problem is None, str(problem or "")))
        if problem is not None:
            self.wrong = self.wrong or wrong


def check_connection(http: Http, connection: MagentoConnection, *, writes: bool) -> ConnectionReport:
    """Return the report. Failures of the connection are reported, not raised; InvariantError is raised if a write to order 0 succeeds."""
    report = ConnectionReport()
    parts = urlsplit(connection.base_url)
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        report.warnings.append("The shop is called without TLS: whoever listens can read the login.")
    if not _reaches_magento(http, connection, report):
        return report
    refused = _try_reads(http, report)
    if report.wrong:
        return report
    if writes:
        refused += _try_writes(http, report)
    report.missing = sorted({problem.resource for problem in refused if problem.resource})
    if refused:
        report.wrong = "rights"
    return report


def _reaches_magento(http: Http, connection: MagentoConnection, report: ConnectionReport) -> bool:
    problem: MagodooError | None = None
    wrong = "host"
    try:
        http.read_once("/directory/currency", anonymous=True)
    except (MissingRight, Unauthorized, FixDocument, UnknownField):
        problem = None  # only a Magento refuses in this way
    except FixConfiguration as failure:
        problem = failure
        if connection.store_code and "request cannot be processed" in str(failure):
            wrong = "store code"
    except MagodooError as failure:
        problem = failure
    report.note("host" if wrong == "host" else "store code", problem, wrong)
    return problem is None


def _try_reads(http: Http, report: ConnectionReport) -> list[MissingRight]:
    refused: list[MissingRight] = []
    answered = 0
    for name, path in READS.items():
        try:
            http.read_once(path, () if path.startswith("/store") else Search(sort=()).counting().query())
        except MissingRight as problem:
            refused.append(problem)
            report.checks.append(Check(f"read {name}", False, str(problem)))
        except Unauthorized as problem:
            report.note("token", problem, "token")
            return refused
        except UnknownField as problem:
            answered += 1
            report.note(f"read {name}", None if name in OPTIONAL else problem, "host")
        except MagodooError as problem:
            report.note(f"read {name}", problem, "host")
        else:
            answered += 1
            report.note(f"read {name}", None, "")
    if refused and not answered:
        message = "nothing may be read: the token is unknown or expired, or has no rights at all"
        report.checks.insert(1, Check("token", False, message))
        report.wrong = report.wrong or "token"
    return refused


def _try_writes(http: Http, report: ConnectionReport) -> list[MissingRight]:
    """Try each write on order 0 and return the missing rights: Magento checks the right before the order (docs/facts/magento-2.4.7.md#2)."""
    refused: list[MissingRight] = []
    for name, (path, body) in WRITES.items():
        try:
            http.write("POST", path, body)
        except MissingRight as problem:
            refused.append(problem)
            report.checks.append(Check(name, False, str(problem)))
        except (FixDocument, OutcomeUnknown):
            report.note(name, None, "")
        except MagodooError as problem:
            report.note(name, problem, "host")
        else:
            raise InvariantError(f"Magento accepted a write to order {NOBODYS_ORDER}", system="magento")
    return refused
