"""`odoo-read`: orders, invoices and deliveries with their lines out of the live Odoo 19 into staged PostgreSQL rows.

Against odoorpc read one record at a time, and in pages of the same size with the lines of a page in a second call. Both ask for
less than ours does: for the documents' own fields and their lines', not for partners, products and taxes, and they store nothing.
The limit is the same requests as ours, whose answers are thrown away.
"""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

from bench.clock import Took
from bench.contest import Contestant, hold, median, ratio, tell
from bench.databases import databases
from bench.entry import Entry, write

SIZES = {"quick": 10, "full": 500}
LINES = {"order": "order_line", "invoice": "invoice_line_ids", "shipment": "move_ids"}


def measure(size: int, runs: int) -> Entry:
    """`size` orders, each with an invoice and a delivery."""
    from bench.books import books

    with databases() as server, books(size, server) as live:
        tell(f"  writing {size} orders into Odoo")
        of = live.loaded()
        ours = {name: of[name] for name in ("url", "database", "key")}
        theirs = {**ours, "wanted": json.dumps(wanted(**ours))}

        def staged() -> dict[str, str]:
            return {"staging": server.staged()}

        found = hold(
            [
                Contestant("magodoo", "bench.odoo_read:ours", ours, fresh=staged),
                Contestant("requests", "bench.odoo_read:requests", ours, fresh=staged),
                Contestant("pages", "bench.theirs.books:read_pages", theirs, theirs=True),
                Contestant("records", "bench.theirs.books:read_records", theirs, theirs=True),
            ],
            runs,
        )
    documents = sum(found["magodoo"]["result"].values())
    for figures in found.values():
        figures["documents_per_second"] = median([documents / figures["seconds"]])
    own = {
        **found["magodoo"],
        "documents": documents,
        "ratio_to_pages": ratio(found["pages"], found["magodoo"]),
    }
    return Entry(
        ratio(found["records"], found["magodoo"]),
        ratio(found["requests"], found["magodoo"]),
        own,
        {name: found[name] for name in ("records", "pages", "requests")},
        size,
        runs,
    )


def wanted(url: str, database: str, key: str) -> list[dict[str, Any]]:
    """Return what the others read: our fields of each kind, as far as this server has them, without the records they point to."""
    from magodoo.connectors.odoo.client import OdooClient
    from magodoo.connectors.odoo.connection import OdooConnection
    from magodoo.connectors.odoo.documents import PAGE_SIZE
    from magodoo.connectors.odoo.record_kinds import READINGS
    from magodoo.connectors.odoo.record_trees import TreeReader

    client = OdooClient.connect(OdooConnection(url, database, key, 1))
    readings = []
    for kind, lines in LINES.items():
        reading = READINGS[kind]
        tree, _ = TreeReader(client.rpc).fitting(reading.model, reading.tree)
        readings.append({
            "kind": kind, "model": reading.model, "domain": list(reading.domain), "fields": list(tree), "lines": lines,
            "line_model": client.rpc.fields(reading.model)[lines]["relation"], "line_fields": list(tree[lines]["fields"]),
            "page_size": PAGE_SIZE,
        })  # fmt: skip
    return readings


# The contestants


def ours(url: str, database: str, key: str, staging: str) -> Took:
    """`pipeline.extract` of Odoo, kinds that have documents; master data is read before the clock starts."""
    from magodoo.pipeline import extract, master_data
    from magodoo.staging import connect

    engine, took = connect(staging), Took()
    context = _context(url, database, key, engine)
    master_data.refresh_lists(context)
    with took.watch(), mock.patch.object(master_data, "refresh_lists", return_value={}):
        extract.run(context, "odoo", kinds=tuple(LINES))
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("select kind, count(*) from document group by kind").all()
    took.result = dict(sorted((kind, count) for kind, count in rows))
    return took


def requests(url: str, database: str, key: str, staging: str) -> Took:
    """Return the same reads, sent again by themselves."""
    from bench.theirs.books import Json2 as Bare
    from magodoo.connectors.odoo.transport import Json2

    sent: list[tuple[str, str, dict[str, Any]]] = []
    send = Json2.call

    def noted(transport: Any, model: str, method: str, ids: Any, context: Any, arguments: Any, *, write: bool) -> Any:
        answer = send(transport, model, method, ids, context, arguments, write=write)
        sent.append((model, method, {**arguments, "context": context, **({} if ids is None else {"ids": ids})}))
        return answer  # what Odoo refused, such as its settings, is not requested again

    with mock.patch.object(Json2, "call", noted):
        result = ours(url, database, key, staging).result
    documents = [each for each in sent if each[1] in ("web_search_read", "search_read", "read")]
    took, odoo = Took(result=result, more={"requests": len(documents)}), Bare(url, database, key)
    with took.watch():
        for model, method, body in documents:
            odoo.call(model, method, **body)
    return took


def _context(url: str, database: str, key: str, engine: Any) -> Any:
    from datetime import UTC, datetime

    from bench.sales import INSTANCE
    from magodoo.connectors.odoo.client import OdooClient
    from magodoo.connectors.odoo.connection import OdooConnection
    from magodoo.context import Context
    from magodoo.settings import Settings

    client = OdooClient.connect(OdooConnection(url, database, key, 1))
    return Context(
        Settings(instances={"us": INSTANCE}),
        INSTANCE,
        engine,
        odoo_client=client,
        dag_run="bench",
        now=lambda: datetime.now(UTC),
    )


def main(size: str, runs: int, documents: int | None) -> None:
    write("odoo-read", measure(documents or SIZES[size], runs), ("odoorpc",))
