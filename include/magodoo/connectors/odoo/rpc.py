"""Calls to Odoo with one company in every context, which every part of the client is given. Reads are retried, writes never are."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from magodoo.connectors.http import HttpSession, Stats
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.transport import Transport, discover, open_session
from magodoo.connectors.odoo.validation import sound_answer
from magodoo.connectors.odoo.versions import Support, Version, can, method_of, name_of, names_of, standing
from magodoo.errors import FixDocument, UnknownField, Unreadable

Item = TypeVar("Item")
Result = TypeVar("Result")

Row = dict[str, Any]

GROUPS_FORMATTED_SINCE = 19
ARCHIVED_TOO = {"active_test": False}
"""Context of a search that also returns archived records."""


@dataclass
class _Shared:
    """What all views of one connection have in common: the session, and what was found out about the server."""

    session: HttpSession
    transport: Transport | None
    language: dict[str, str] = field(default_factory=lambda: {"lang": "en_US"})
    fields: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Rpc:
    """One user of one company of one database. Thread-safe."""

    def __init__(self, connection: OdooConnection, transport: Transport | None = None) -> None:
        """Create a connection; nothing is sent yet. `transport` is discovered at the first call unless it is given."""
        self.connection = connection
        self._shared = _Shared(open_session(connection), transport)
        self._known: dict[str, Any] = {}
        self.denied: set[str] = set()  # models that this user may not read, so that none is tried twice
        self._write_until = math.inf
        self._may_write = True

    def until(self, moment: float) -> Rpc:
        """Return this connection for writes up to a moment (`uptime()`): later ones raise TooLate."""
        bounded = copy.copy(self)
        bounded._write_until = moment
        return bounded

    def in_company(self, company_id: int) -> Rpc:
        """Return this connection for reads in another company of the database. Writes raise ValueError."""
        there = copy.copy(self)
        there.connection = replace(self.connection, company_id=company_id)
        there._known, there.denied = {}, set()
        there._may_write = False
        return there

    def close(self) -> None:
        """Close the HTTP session."""
        self._shared.session.close()

    @property
    def stats(self) -> Stats:
        """Return the counters of all calls of this connection."""
        return self._shared.session.stats

    @property
    def company_id(self) -> int:
        """Return the id of the company."""
        return self.connection.company_id

    @property
    def version(self) -> Version:
        """Return Odoo's version, discovered at the first call."""
        return self.transport.version

    @property
    def transport(self) -> Transport:
        """Return JSON-2 or JSON-RPC, discovered at the first call."""
        shared = self._shared
        with shared.lock:
            if shared.transport is None:
                shared.transport = self._shared.session.repeated(lambda: discover(shared.session, self.connection))
            return shared.transport

    def once(self, what: str, read: Callable[[], Result]) -> Result:
        """Return the result of `read`, called at the first time only: what does not change while a client is in use."""
        if what not in self._known:
            self._known[what] = read()
        known: Result = self._known[what]
        return known

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
                transport,
                model,
                method,
                ids,
                context,
                arguments,
                write=False,
                companies=in_companies or [self.company_id],
            )
            return sound_answer(model, method, arguments, self._shared.fields.get(model, {}), answer)

        return self._shared.session.repeated(once) if retry else once()

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
        if not self._may_write:
            raise ValueError(f"{model}/{method}: nothing is written in company {self.company_id}")
        return self._send(
            self.transport, model, method, ids, context, arguments, write=True, companies=[self.company_id]
        )

    def search_read(self, model: str, domain: Sequence[Any], fields: Sequence[str], **options: Any) -> list[Row]:
        """Return fields of the records of a domain. `options` are those of `call`, and `order` and `limit`."""
        answer = self.call(model, "search_read", domain=domain, fields=fields, **options)
        return expect_rows(answer, f"{model}.search_read")

    def read(self, model: str, ids: Sequence[int], fields: Sequence[str], **options: Any) -> list[Row]:
        """Return fields of these records. `options` are those of `call`."""
        return expect_rows(self.call(model, "read", ids=ids, fields=fields, **options), f"{model}.read")

    def records(self, model: str, ids: Sequence[int], fields: list[str]) -> list[Row]:
        """Return fields of these records, archived or not. Records of another company and missing ones are left out."""
        if not ids:
            return []
        domain = [*self.company_domain(model), ["id", "in", list(ids)]]
        return self.search_read(model, domain, fields, order="id", context=ARCHIVED_TOO)

    def record(self, model: str, id: int, fields: list[str]) -> Row:
        """Return fields of one record. Raises FixDocument where it does not exist in this company."""
        rows = [row for row in self.records(model, [id], fields) if row["id"] == id]
        if not rows:
            raise FixDocument(f"record {id} does not exist", system="odoo", call=f"{model}.search_read")
        return rows[0]

    def listed(self, model: str, fields: Sequence[str], domain: Sequence[Any] = ()) -> list[Row]:
        """Return all records of a model in the company, including archived ones, by id. Fields that the model does not have are omitted."""
        known = [name for name in fields if name in self.fields(model)]
        return self.search_read(model, [*self.company_domain(model), *domain], known, order="id", context=ARCHIVED_TOO)

    def grouped(self, model: str, domain: list[Any], by: list[str], aggregates: list[str]) -> list[Row]:
        """Return aggregates (`amount:sum`) of a domain grouped by the fields `by`, with `__count`, in every version of Odoo."""
        if self.version.major >= GROUPS_FORMATTED_SINCE:
            answer = self.call(
                model, "formatted_read_group", domain=domain, groupby=by, aggregates=[*aggregates, "__count"]
            )
            return expect_rows(answer, f"{model}.formatted_read_group")
        answer = self.call(model, "read_group", domain=domain, fields=aggregates, groupby=by, lazy=False)
        rows = expect_rows(answer, f"{model}.read_group")
        return [{**row, **{each: row.get(each.partition(":")[0]) for each in aggregates}} for row in rows]

    def fields(self, model: str) -> dict[str, dict[str, Any]]:
        """Return the fields that this user sees, by name: type, relation, relation_field, store. Read once per model."""
        known = self._shared.fields
        if model not in known:
            # labels and selections take Odoo a hundred times as long
            wanted = ["type", "relation", "relation_field", "store"]
            known[model] = self.call(model, "fields_get", attributes=wanted)
        return known[model]

    def has_field(self, model: str, field: str) -> bool:
        """Return whether this server and user have the field (by its name in 19)."""
        name = self.name_of(model, field)
        return name is not None and name in self.fields(model)

    def name_of(self, model: str, field: str) -> str | None:
        """Return the field's name on this server, or None where its version does not have it.

        Of a version that was never run, such as one between two others, it is the newest of its names that the server has.
        """
        name = name_of(self.version, model, field)
        names = names_of(model, field)
        if (len(names) > 1 or name is None) and standing(self.version).support is Support.EXPECTED:
            known = self.fields(model)
            return next((each for each in names if each in known), name)
        return name

    def can(self, capability: str, model: str) -> bool:
        """Return whether this server has a capability that takes a model: by its version, and where that was never run, if it has the model."""
        if not can(self.version, capability) or standing(self.version).support is not Support.EXPECTED:
            return can(self.version, capability)
        try:
            self.fields(model)
        except UnknownField:
            return False
        return True

    @property
    def companies(self) -> list[int]:
        """Return the ids of the company and of those above it, nearest first. Read once.

        Since 17 a branch uses the taxes, journals, products and customers of all of them.
        """
        return self.once("companies", self._companies)

    def _companies(self) -> list[int]:
        own = self.company_id
        if not self.has_field("res.company", "parent_path"):
            return [own]
        rows = self.search_read("res.company", [["id", "=", own]], ["parent_path"])
        path = str(rows[0]["parent_path"] or "") if rows else ""
        above = [int(each) for each in path.split("/") if each.isdecimal() and int(each) != own]
        return [own, *reversed(above)]

    def company_domain(self, model: str) -> list[Any]:
        """Return the company condition of every search on a model.

        The company itself; also those above it for inherited master data; no company as well for shared records; empty for other models.
        """
        if model in COMPANY_OWNED:
            return [["company_id", "=", self.company_id]]
        if model in COMPANY_INHERITED:
            above = self.companies
            return [["company_id", "in", above]] if len(above) > 1 else [["company_id", "=", self.company_id]]
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
        shared = self._shared
        full = {**shared.language, "tz": "UTC", **(context or {}), "allowed_company_ids": list(companies)}
        known = method_of(transport.version, model, method)
        try:
            records, until = None if ids is None else list(ids), self._write_until
            return transport.call(model, known, records, full, arguments, write=write, until=until)
        except FixDocument as problem:
            language = shared.language.get("lang", "")
            if not language or not str(problem.args[0]).endswith(language):
                raise
            # English was archived in this database (docs/facts/odoo-19.0.md#1 [248]): nothing was done yet
            shared.language.clear()
            return self._send(transport, model, method, ids, context, arguments, write=write, companies=companies)


COMPANY_OWNED = frozenset(
    {
        "account.move", "account.payment", "sale.order", "stock.picking", "stock.warehouse", "stock.move", "account.move.line",
        "sale.order.line",
    }
)  # fmt: skip
COMPANY_INHERITED = frozenset({"account.journal", "account.tax"})
COMPANY_SHARED = frozenset({"product.product", "product.pricelist", "res.partner", "delivery.carrier"})


def expect_rows(answer: Any, call: str) -> list[Row]:
    """Return the answer. Raises Unreadable if it is no list of records."""
    if not isinstance(answer, list):
        raise Unreadable(f"a list was expected, not {type(answer).__name__}", system="odoo", call=call)
    if not all(isinstance(row, dict) for row in answer):
        raise Unreadable("a list of records was expected", system="odoo", call=call)
    return answer
