"""Calls to Odoo with one company in every context. Reads are retried, writes never are."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeVar

from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.transport import Transport, discover, open_session
from magodoo.connectors.odoo.validation import sound_answer
from magodoo.connectors.odoo.versions import Version, method_of, name_of
from magodoo.errors import FixDocument, TooLate, Unreadable

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class Stats:
    """Counters of a client."""

    calls: int = 0
    reads: int = 0
    writes: int = 0
    repeated: int = 0
    failed: int = 0
    seconds: float = 0.0  # waited for answers, summed over threads


class OdooCaller:
    """One user of one company of one database. Thread-safe."""

    def __init__(self, connection: OdooConnection, transport: Transport | None = None) -> None:
        """Create a client. `transport` is discovered at the first call unless it is given."""
        self.connection = connection
        self.stats = Stats()
        self.write_until = math.inf  # time.monotonic() after which no write is sent
        self._session = open_session(connection)
        self._found = transport
        self._lock = threading.Lock()
        self._language = {"lang": "en_US"}
        self._fields: dict[str, dict[str, dict[str, Any]]] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.connection.database!r}, company {self.connection.company_id})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the HTTP session."""
        self._session.close()

    @property
    def company(self) -> int:
        """Return the id of the company."""
        return self.connection.company_id

    @property
    def version(self) -> Version:
        """Return Odoo's version, discovered at the first call."""
        return self.transport.version

    @property
    def transport(self) -> Transport:
        """Return JSON-2 or JSON-RPC, discovered at the first call."""
        with self._lock:
            if self._found is None:
                self._found = self._repeating(lambda: discover(self._session, self.connection))
            return self._found

    def call(
        self,
        model: str,
        method: str,
        *,
        ids: Sequence[int] | None = None,
        context: dict[str, Any] | None = None,
        retry: bool = True,
        in_companies: Sequence[int] = (),
        **arguments: Any,
    ) -> Any:
        """Send a call that changes nothing and return its validated answer. Retried with backoff unless `retry` is False.

        `in_companies`: the companies of the call instead of the client's own; used to read the companies above a branch.

        Raises:
            TransientError: still unavailable after the last attempt.
            FixConfiguration, FixDocument, Unreadable: see `refusals`.
        """
        transport = self.transport

        def once() -> Any:
            answer = self._send(
                transport, model, method, ids, context, arguments, write=False, companies=in_companies or [self.company]
            )
            return sound_answer(model, method, arguments, self._fields.get(model, {}), answer)

        return self._repeating(once) if retry else once()

    def write_call(
        self,
        model: str,
        method: str,
        *,
        ids: Sequence[int] | None = None,
        context: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Send a call that may change data, exactly once.

        Raises:
            OutcomeUnknown: sent, but no valid answer arrived: it may have happened.
            TransientError: certainly not done; TooLate: it may not be sent any more.
            FixConfiguration, FixDocument: refused, nothing done (one call is one transaction).
        """
        if time.monotonic() >= self.write_until:
            raise TooLate(system="odoo", call=f"{model}/{method}")
        return self._send(self.transport, model, method, ids, context, arguments, write=True, companies=[self.company])

    def fields(self, model: str) -> dict[str, dict[str, Any]]:
        """Return the fields that this user sees, by name: type, relation, relation_field, store. Read once per model."""
        if model not in self._fields:
            wanted = [
                "type",
                "relation",
                "relation_field",
                "store",
            ]  # labels and selections take Odoo a hundred times as long
            self._fields[model] = self.call(model, "fields_get", attributes=wanted)
        return self._fields[model]

    def has_field(self, model: str, field: str) -> bool:
        """Return whether this server and user have the field (by its name in 19)."""
        name = name_of(self.version, model, field)
        return name is not None and name in self.fields(model)

    @cached_property
    def companies(self) -> list[int]:
        """Return the ids of the company and of those above it, nearest first.

        Since 17 a branch uses the taxes, journals, products and customers of all of them.
        """
        if not self.has_field("res.company", "parent_path"):
            return [self.company]
        domain = [["id", "=", self.company]]
        rows = expect_rows(
            self.call("res.company", "search_read", domain=domain, fields=["parent_path"]), "res.company.search_read"
        )
        path = str(rows[0]["parent_path"] or "") if rows else ""
        above = [int(each) for each in path.split("/") if each.isdecimal() and int(each) != self.company]
        return [self.company, *reversed(above)]

    def company_domain(self, model: str) -> list[Any]:
        """Return the company condition of every search on a model.

        The company itself; also those above it for inherited master data; no company as well for shared records; empty for other models.
        """
        if model in COMPANY_OWNED:
            return [["company_id", "=", self.company]]
        if model in COMPANY_INHERITED:
            above = self.companies
            return [["company_id", "in", above]] if len(above) > 1 else [["company_id", "=", self.company]]
        if model in COMPANY_SHARED:
            return [["company_id", "in", [False, *self.companies]]]
        return []

    def in_parallel(
        self, work: Callable[[Item], Result], items: Iterable[Item], *, write: bool = False
    ) -> list[Result]:
        """Return the results of `work` in order, with as many threads as the connection allows for reads or writes."""
        todo = list(items)
        most = self.connection.parallel_writes if write else self.connection.parallel_reads
        if len(todo) < 2 or most < 2:
            return [work(item) for item in todo]
        with ThreadPoolExecutor(most) as pool:
            return list(pool.map(work, todo))

    def _send(
        self,
        transport: Transport,
        model: str,
        method: str,
        ids: Sequence[int] | None,
        context: dict[str, Any] | None,
        arguments: dict[str, Any],
        *,
        write: bool,
        companies: Sequence[int],
    ) -> Any:
        full = {**self._language, "tz": "UTC", **(context or {}), "allowed_company_ids": list(companies)}
        self.stats.calls += 1
        self.stats.writes += write
        self.stats.reads += not write
        known = method_of(transport.version, model, method)
        began = time.monotonic()
        try:
            return transport.call(model, known, None if ids is None else list(ids), full, arguments, write=write)
        except FixDocument as problem:
            self.stats.failed += 1
            if not self._language or not str(problem.args[0]).endswith(self._language["lang"]):
                raise
            # English was archived in this database (docs/facts/odoo-19.0.md#1 [248]): nothing was done yet
            self._language = {}
            return self._send(transport, model, method, ids, context, arguments, write=write, companies=companies)
        except Exception:
            self.stats.failed += 1
            raise
        finally:
            self.stats.seconds += time.monotonic() - began

    def _repeating(self, once: Callable[[], Result]) -> Result:
        def count(_: object) -> None:
            self.stats.repeated += 1

        return self._session.repeated(once, count)


COMPANY_OWNED = frozenset(
    {
        "account.move", "account.payment", "sale.order", "stock.picking", "stock.warehouse", "stock.move", "account.move.line",
        "sale.order.line",
    }
)  # fmt: skip
COMPANY_INHERITED = frozenset({"account.journal", "account.tax"})
COMPANY_SHARED = frozenset({"product.product", "product.pricelist", "res.partner", "delivery.carrier"})


def expect_list(answer: Any, call: str) -> list[Any]:
    """Return the answer. Raises Unreadable if it is no list."""
    if not isinstance(answer, list):
        raise Unreadable(f"a list was expected, not {type(answer).__name__}", system="odoo", call=call)
    return answer


def expect_rows(answer: Any, call: str) -> list[dict[str, Any]]:
    """Return the answer. Raises Unreadable if it is no list of records."""
    rows = expect_list(answer, call)
    if not all(isinstance(row, dict) for row in rows):
        raise Unreadable("a list of records was expected", system="odoo", call=call)
    return rows
