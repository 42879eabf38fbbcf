"""`extract`: the lists of a Magento into staged PostgreSQL rows: orders, invoices, shipments, credit memos.

Against dlt's `rest_api` source into PostgreSQL, with the same page size, everything below a document kept as JSON
(`max_table_nesting=0`, its fastest setting) and with one level of tables for lines, which is what ours writes. The limit is the
bare HTTP reads of the same requests, whose answers are thrown away. The sandbox's answers are recorded in a round before the
first and served again at hardly any cost, the same to all; then ours and the bare reads once more at the pace of a real Magento
(`recorded.MAGENTO_PACE`), with fewer orders. From a real Magento if MAGENTO_URL and MAGENTO_TOKEN name one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from bench import recorded, shop
from bench.clock import Took
from bench.contest import VAR, Contestant, hold, median, ratio
from bench.databases import Databases, databases
from bench.entry import Entry, write

SIZES = {"quick": 300, "full": 20_000}
PACED = 2_000  # orders: at the pace of a real Magento the full size takes hours


def measure(size: int, runs: int) -> Entry:
    VAR.mkdir(parents=True, exist_ok=True)
    real = os.environ.get("MAGENTO_URL")
    serving: AbstractContextManager[str] = nullcontext(real) if real else _again(size)
    with serving as url, databases() as server, tempfile.TemporaryDirectory(dir=VAR) as folder:
        of = {"url": url, "token": os.environ.get("MAGENTO_TOKEN", shop.TOKEN)}
        counted = iter(range(1_000_000))
        page_size = _page_size(of)

        def staged() -> dict[str, str]:
            return {"database": server.staged()}

        def empty() -> dict[str, Any]:
            return {"database": server.empty(), "folder": f"{folder}/{next(counted)}", "page_size": page_size}

        contestants = [
            Contestant("magodoo", "bench.extract:ours", of, fresh=staged),
            Contestant("reads", "bench.extract:reads", of, fresh=staged, compared=False),
            Contestant("dlt", "bench.theirs.lists:dlt", {**of, "nesting": 0}, theirs=True, fresh=empty),
            Contestant("dlt_lines", "bench.theirs.lists:dlt", {**of, "nesting": 1}, theirs=True, fresh=empty),
        ]
        if not real:
            for contestant in (contestants[0], contestants[2]):
                contestant.run()  # its requests are known from now on
        found = hold(contestants, runs)
        paced = {} if real else _paced(min(size, PACED), runs, server)
    documents = sum(count for count, *_ in found["magodoo"]["result"].values())
    for figures in found.values():
        figures["documents_per_second"] = median([documents / figures["seconds"]])
    ours = {**found["magodoo"], "documents": documents, "source": "a real shop" if real else "sandbox", "page_size": page_size,
            "ratio_with_lines": ratio(found["dlt_lines"], found["magodoo"]), **paced}  # fmt: skip
    theirs = {name: found[name] for name in ("dlt", "dlt_lines", "reads")}
    return Entry(
        ratio(found["dlt"], found["magodoo"]),
        ratio(found["reads"], found["magodoo"]),
        ours,
        theirs,
        size,
        runs,
    )


def _paced(size: int, runs: int, server: Databases) -> dict[str, Any]:
    """Ours and the bare reads of the same requests from a Magento as slow as a real one."""

    def staged() -> dict[str, str]:
        return {"database": server.staged()}

    with _again(size) as url:
        of = {"url": url, "token": shop.TOKEN}
        contestants = [
            Contestant("magodoo paced", "bench.extract:ours", of, fresh=staged),
            Contestant("reads paced", "bench.extract:reads", {**of, "paced": True}, fresh=staged, compared=False),
        ]
        contestants[0].run()
        recorded.pace(url, recorded.MAGENTO_PACE)
        found = hold(contestants, runs)
    ours, reads = found["magodoo paced"], found["reads paced"]
    return {"at_magento_pace": {"size": size, "seconds": ours["seconds"], "reads_seconds": reads["seconds"],
            "limit_ratio": ratio(reads, ours)}}  # fmt: skip


@contextmanager
def _again(size: int) -> Iterator[str]:
    """Yield the URL of a server that repeats the sandbox's answers."""
    with shop.served(size) as sandbox, recorded.recorded(sandbox) as url:
        yield url


def _page_size(of: dict[str, Any]) -> int:
    from magodoo.connectors.magento import BearerToken, MagentoConnection

    return MagentoConnection(of["url"], BearerToken(of["token"])).page_size


# The contestants


def ours(url: str, token: str, database: str) -> Took:
    """`pipeline.extract`, as the scheduled DAG's task runs it for the first time."""
    from magodoo.pipeline import extract
    from magodoo.staging import connect

    engine, took = connect(database), Took()
    context = _context(url, token, engine)
    with took.watch():
        extract.run(context, "magento")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "select kind, count(*), sum(source_id::bigint), case kind when 'shipment' then 0 else sum(grand_total) / 100 end"
            " from document group by kind"
        ).all()
    names = {"order": "orders", "invoice": "invoices", "shipment": "shipments", "credit_memo": "creditmemos"}
    took.result = {
        names[kind]: [int(count), int(ids), int(total)]
        for kind, count, ids, total in sorted(rows, key=lambda row: list(names).index(row[0]))
    }
    return took


def reads(url: str, token: str, database: str, paced: bool = False) -> Took:
    """Return the same requests as ours sends, whose answers are read and thrown away. `paced`: the requests are found out without waiting."""
    import requests

    from magodoo.pipeline import extract
    from magodoo.staging import connect

    sent: list[str] = []
    send = requests.Session.send

    def noted(session: Any, request: Any, **options: Any) -> Any:
        sent.append(request.url)
        return send(session, request, **options)

    requests.Session.send = noted  # type: ignore[method-assign]
    if paced:
        recorded.pace(url, {})
    extract.run(_context(url, token, connect(database)), "magento")
    requests.Session.send = send  # type: ignore[method-assign]
    if paced:
        recorded.pace(url, recorded.MAGENTO_PACE)
    took = Took(more={"requests": len(sent)})
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        with took.watch():
            for address in sent:
                assert session.get(address, timeout=600).content
    return took


def _context(url: str, token: str, engine: Any) -> Any:
    from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
    from magodoo.context import Context
    from magodoo.settings import Instance, Settings

    instance = Instance(id="us", magento_connection="m", odoo_connection="o")
    client = MagentoClient(MagentoConnection(url, BearerToken(token)))
    return Context(Settings(instances={"us": instance}), instance, engine, magento_client=client, dag_run="bench")


def main(size: str, runs: int, documents: int | None) -> None:
    write("extract", measure(documents or SIZES[size], runs), ("dlt",))
