"""Odoo 19 as others drive it: odoorpc one call at a time, and the bare batched calls; and what Odoo then contains."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.clock import Took

Call = dict[str, Any]
AT_ONCE = 2  # `parallel_writes` of the pipeline's connection


class Json2:
    """Bare calls of Odoo 19's own interface."""

    def __init__(self, url: str, database: str, key: str) -> None:
        self._url = url
        self._headers = {
            "Authorization": f"bearer {key}",
            "X-Odoo-Database": database,
            "Content-Type": "application/json",
        }

    def call(self, model: str, method: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self._url}/json/2/{model}/{method}", json.dumps(body).encode(), self._headers
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)


def standing(url: str, database: str, key: str) -> dict[str, Any]:
    """Return confirmed orders, posted invoices with their totals in cents and how they are paid."""
    odoo = Json2(url, database, key)
    orders = odoo.call("sale.order", "search_count", domain=[["state", "=", "sale"]])
    fields = ["amount_total", "amount_tax", "payment_state"]
    moves = odoo.call(
        "account.move",
        "search_read",
        domain=[["move_type", "=", "out_invoice"], ["state", "=", "posted"]],
        fields=fields,
    )
    states = sorted({move["payment_state"] for move in moves})
    sums = [round(100 * sum(move[name] for move in moves)) for name in fields[:2]]
    return {"orders": orders, "invoices": len(moves), "total": sums[0], "tax": sums[1], "paid": states}


def batched(url: str, database: str, key: str, calls: str) -> Took:
    """Return the writes that the pipeline sent, and nothing else; what is one call for each record, two at a time as it does."""
    odoo, took = Json2(url, database, key), Took()
    recorded = json.loads(Path(calls).read_text(encoding="utf-8"))

    def send(each: Call) -> Any:
        return odoo.call(each["model"], each["method"], **each["body"])

    with took.watch(), ThreadPoolExecutor(AT_ONCE) as pool:
        for single, some in itertools.groupby(recorded, lambda each: each["method"] == "reconcile"):
            list((pool.map if single else map)(send, some))
    took.result, took.more = standing(url, database, key), {"calls": len(recorded)}
    return took


def odoorpc(url: str, database: str, key: str, calls: str) -> Took:
    """Return the same records, one call for each and each step: what a loop with odoorpc does."""
    odoo = _session(url, database, key)
    recorded = json.loads(Path(calls).read_text(encoding="utf-8"))
    single = [one for each in recorded for one in one_by_one(each)]
    paid, took, sent = _payments(recorded), Took(), 0

    def execute(model: str, method: str, *words: Any, **body: Any) -> Any:
        nonlocal sent
        sent += 1
        named = {
            "service": "object",
            "method": "execute_kw",
            "args": [database, odoo.env.uid, key, model, method, words, body],
        }
        return odoo.json("/jsonrpc", named).get("result")  # a method may return nothing

    with took.watch():
        for each in single:
            body = dict(each["body"])
            if each["method"] == "reconcile":
                _settle(execute, *next(paid))
            else:
                execute(each["model"], each["method"], *([body.pop("ids")] if "ids" in body else []), **body)
    took.result, took.more = standing(url, database, key), {"calls": sent}
    return took


def _payments(recorded: list[Call]) -> Iterator[tuple[int, int]]:
    """(payment, invoice) in the order in which they are reconciled."""
    loads = [each["body"] for each in recorded if (each["model"], each["method"]) == ("account.payment", "load")]
    posts = [
        each["body"]["ids"]
        for each in recorded
        if (each["model"], each["method"]) == ("account.payment", "action_post")
    ]
    for body, ids in zip(loads, posts, strict=True):
        place = body["fields"].index("invoice_ids/.id")
        yield from ((payment, int(row[place])) for payment, row in zip(ids, body["data"], strict=True))


def _settle(execute: Any, payment: int, invoice: int) -> None:
    """Match the receivable lines of both; their ids are not those of the batched run."""
    (move,) = execute("account.payment", "read", [payment], ["move_id"])
    domain = [
        ["move_id", "in", [invoice, move["move_id"][0]]],
        ["account_type", "=", "asset_receivable"],
        ["reconciled", "=", False],
    ]
    execute("account.move.line", "reconcile", execute("account.move.line", "search", domain))


def one_by_one(call: Call) -> Iterator[Call]:
    """Yield a batched call as one call per record: a record of `load` begins with a row that has an id."""
    body = call["body"]
    if call["method"] == "load":
        place = next(body["fields"].index(name) for name in ("id", ".id") if name in body["fields"])
        records: list[list[Any]] = []
        for row in body["data"]:
            if row[place]:
                records.append([])
            records[-1].append(row)
        yield from ({**call, "body": {**body, "data": rows}} for rows in records)
    elif call["method"] != "reconcile" and len(body.get("ids") or []) > 1:
        yield from ({**call, "body": {**body, "ids": [each]}} for each in body["ids"])
    else:
        yield call


def read_records(url: str, database: str, key: str, wanted: str) -> Took:
    """Record by record: search, then browse and read each, and each of its lines."""
    return _read(url, database, key, json.loads(wanted), 1)


def read_pages(url: str, database: str, key: str, wanted: str) -> Took:
    """Page by page: as many records per call as the pipeline requests, then all their lines in another call."""
    return _read(url, database, key, json.loads(wanted), 0)


def _read(url: str, database: str, key: str, wanted: list[dict[str, Any]], size: int) -> Took:
    odoo, took, count = _session(url, database, key), Took(), {}
    with took.watch():
        for each in wanted:
            model, lines = odoo.env[each["model"]], odoo.env[each["line_model"]]
            ids = model.search(each["domain"])
            step = size or each["page_size"]
            read = 0
            for start in range(0, len(ids), step):
                rows = model.read(ids[start : start + step], each["fields"])
                below = [line for row in rows for line in row[each["lines"]]]
                for line in range(0, len(below), 1 if size else len(below) or 1):
                    read += len(lines.read(below[line : line + (1 if size else len(below))], each["line_fields"]))
            count[each["kind"]] = len(ids)
    took.result = dict(sorted(count.items()))
    return took


def _session(url: str, database: str, key: str) -> Any:
    """Return an odoorpc session with an API key, which its own login by password does not take."""
    import odoorpc as library
    from odoorpc.env import Environment

    address = urlsplit(url)
    odoo = library.ODOO(address.hostname, port=address.port, timeout=600)
    uid = odoo.json("/jsonrpc", {"service": "common", "method": "authenticate", "args": [database, "sync", key, {}]})[
        "result"
    ]
    odoo._env, odoo._login, odoo._password = Environment(odoo, database, uid, context={}), "sync", key
    return odoo
