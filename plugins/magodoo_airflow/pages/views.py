"""The pages that only show: overview, lists, documents, findings, changes, quarantine, preflight, Data Docs."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, Response

from magodoo.domain import labels
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import FindingType, Side
from magodoo.reconcile import catalogue
from magodoo.settings import Instance
from magodoo.settings.read import read_with_problems
from magodoo.timestamps import utc_now
from magodoo_airflow.pages import records, rows
from magodoo_airflow.pages.access import Reader, Right, reader
from magodoo_airflow.pages.connection import staging, staging_for_exports
from magodoo_airflow.pages.exports import CSV, download
from magodoo_airflow.pages.lists import Listing
from magodoo_airflow.pages.overview import overview
from magodoo_airflow.pages.rendering import LISTS, page, spreadsheet
from magodoo_airflow.pages.work_lists import CHANGES, WORK_LISTS

views = APIRouter()
Who = Annotated[Reader, Depends(reader)]


@views.get("/")
def first_page(request: Request, who: Who, instance: str = "") -> Response:
    """Show agreement per kind, amounts at stake, what waits, and the last runs."""
    reading = read_with_problems()
    with staging() as connection:
        shown = [overview(connection, one, utc_now()) for one in who.chosen(instance)]
    problems = [one for one in reading.problems if one.instance is None or who.may_read(one.instance)]
    return page(request, who, "overview.html", overviews=shown, problems=problems, settings=reading.settings.instances)


@views.get("/list/{name}.csv")
def list_csv(request: Request, who: Who, name: str) -> Response:
    """Return all filtered rows with every column, as CSV."""
    return _csv(request, who, _listing(name))


@views.get("/list/{name}")
def list_page(request: Request, who: Who, name: str) -> Response:
    """Show a list."""
    return _list(request, who, _listing(name))


def _work_list(listing: Listing) -> None:
    def shown(request: Request, who: Who) -> Response:
        return _list(request, who, listing)

    def as_csv(request: Request, who: Who) -> Response:
        return _csv(request, who, listing)

    views.get(f"{listing.path}.csv", name=f"{listing.name}.csv")(as_csv)
    views.get(listing.path, name=listing.name)(shown)


for _listed in WORK_LISTS:
    _work_list(_listed)


def _list(request: Request, who: Reader, listing: Listing) -> Response:
    wanted = _wanted(request, who, listing)
    switched_on = request.query_params.getlist("columns")
    columns = [column for column in listing.columns if not column.extra or column.key in switched_on]
    with staging() as connection:
        wanted = rows.searched(connection, listing, wanted)
        found = rows.page(connection, listing, wanted)
        totals = rows.sums(connection, listing, wanted, columns)
    deciding = (
        listing is CHANGES and wanted.tab == "waiting" and any(who.may(Right.APPROVE, one) for one in wanted.instances)
    )
    return page(
        request, who, "list.html", listing=listing, found=found, totals=totals, columns=columns, wanted=wanted, deciding=deciding,
        switched_on=switched_on,
    )  # fmt: skip


def _csv(request: Request, who: Reader, listing: Listing) -> Response:
    wanted = _wanted(request, who, listing, after="")

    def parts() -> Generator[bytes, None, None]:
        with staging_for_exports() as connection:
            yield from spreadsheet(rows.everything(connection, listing, wanted), listing)

    return download(parts(), CSV, f"{listing.name}.csv")


def _wanted(request: Request, who: Reader, listing: Listing, **changed: Any) -> rows.Wanted:
    query = request.query_params
    values: dict[str, Any] = {
        "instances": who.chosen(query.get("instance", "")),
        "filters": {one.name: query[one.name] for one in listing.filters if one.name in query},
        "tab": query.get("tab", ""), "search": query.get("search", ""), "sort": query.get("sort", ""),
        "up": query.get("direction") == "asc", "after": query.get("after", ""),
    }  # fmt: skip
    return rows.Wanted(**values | changed)


def _listing(name: str) -> Listing:
    if name not in LISTS:
        raise HTTPException(404, f"There is no list {name}; there are {', '.join(LISTS)}.")
    return LISTS[name]


@views.get("/document/{instance}/{side}/{kind}/{source_id}")
def document(request: Request, who: Who, instance: str, side: str, kind: str, source_id: str) -> Response:
    """Show both sides of a document beside each other, with the pair's rule, findings, changes and raw payloads."""
    who.must_read(instance)
    with staging() as connection:
        found = records.document(connection, instance, side, kind, source_id)
    if found is None:
        raise HTTPException(
            404, f"The {side} {labels.in_sentence(kind)} {source_id} is not staged for instance {instance}."
        )
    return page(
        request, who, "document.html", document=found, instance=instance, links=_outside(instance, found), parts=_PARTS, words_parts=_WORDS,
        may=who.rights(instance),
    )  # fmt: skip


_PARTS = (
    ("Subtotal", "subtotal"), ("Shipping", "shipping"), ("Discount", "discount"), ("Adjustment", "adjustment"),
    ("Tax excluded", "untaxed"), ("Tax", "tax"), ("Total", "grand_total"),
)  # fmt: skip
_WORDS = (
    ("Number", "number", "text"), ("State", "state", "state"), ("Status", "status", "state"), ("Currency", "currency", "text"),
    ("Document date", "document_date", "date"), ("Accounting date", "accounting_date", "date"), ("Due date", "due_date", "date"),
    ("Made", "created_at", "moment"), ("Changed", "updated_at", "moment"), ("Quantity", "quantity", "quantity"),
    ("Open amount", "open_amount", "money"), ("Paid or captured", "captured_amount", "money"), ("Payment method", "payment_method", "text"),
    ("Transaction", "transaction_id", "text"), ("Journal", "journal", "text"), ("Tracking", "tracking", "list"), ("Carrier", "carrier", "text"),
    ("Customer", "customer_name", "text"), ("Ship to", "ship_to_name", "text"), ("E-mail", "customer_email", "text"), ("Phone", "customer_phone", "text"),
    ("Country", "country", "text"), ("VAT number", "vat", "text"), ("Our reference", "reference", "text"), ("Other references", "other_references", "list"),
)  # fmt: skip


def _outside(instance: str, found: records.DocumentPage) -> list[tuple[str, str]]:
    """Return (label, link) into Magento and Odoo, where the settings have their addresses."""
    settings = read_with_problems().settings.instances.get(instance)
    links = []
    for side, row in found.sides.items():
        link = _magento_link(settings, row) if side == "magento" else _odoo_link(settings, row)
        if link.startswith(("https://", "http://")):
            links.append((labels.SIDES[side], link))
    return links


def _made(change: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return (label, link) of the document that a change made in the other system, where the settings have its address."""
    settings = read_with_problems().settings.instances.get(change["instance"])
    kind = ChangeKind(change["kind"])
    if settings is None or not change["target_id"]:
        return None
    row = {"kind": kind.entry.record or change["document_kind"], "source_id": change["target_id"]}
    link = _magento_link(settings, row) if kind.target is Side.MAGENTO else _odoo_link(settings, row)
    return (labels.SIDES[kind.target], link) if link.startswith(("https://", "http://")) else None


def _magento_link(settings: Instance | None, row: Mapping[str, Any]) -> str:
    paths = {
        "order": "order/view/order_id",
        "invoice": "invoice/view/invoice_id",
        "shipment": "shipment/view/shipment_id",
    }
    path = paths.get(row["kind"], "creditmemo/view/creditmemo_id")
    return f"{settings.magento_admin_url.rstrip('/')}/sales/{path}/{row['source_id']}/" if settings else ""


def _odoo_link(settings: Instance | None, row: Mapping[str, Any]) -> str:
    """Return the link by model and id: the short form that every Odoo resolves, whatever menus it has."""
    models = {
        "order": "sale.order",
        "invoice": "account.move",
        "credit_memo": "account.move",
        "payment": "account.payment",
    }
    model = models.get(row["kind"], "stock.picking")
    return f"{settings.odoo_url.rstrip('/')}/odoo/{model}/{row['source_id']}" if settings else ""


@views.get("/finding/{finding_id}")
def finding(request: Request, who: Who, finding_id: int) -> Response:
    """Show what differs, what it means and what to do, with the form to mute it."""
    with staging() as connection:
        found = records.finding(connection, finding_id)
    if found is None or found["instance"] not in who.instances:
        raise HTTPException(404, f"There is no finding {finding_id}.")
    known = catalogue.of(FindingType(found["type"]))
    return page(
        request, who, "finding.html", finding=found, known=known, instance=found["instance"], now=utc_now(),
        may=who.rights(found["instance"]),
    )  # fmt: skip


@views.get("/change/{change_id}")
def change(request: Request, who: Who, change_id: int) -> Response:
    """Show one change with its history and the exact calls."""
    with staging() as connection:
        found = records.change(connection, change_id)
    if found is None or found["instance"] not in who.instances:
        raise HTTPException(404, f"There is no change {change_id}.")
    return page(
        request,
        who,
        "change.html",
        change=found,
        made=_made(found),
        instance=found["instance"],
        may=who.rights(found["instance"]),
    )


@views.get("/quarantine/{quarantine_id}")
def quarantined(request: Request, who: Who, quarantine_id: int) -> Response:
    """Show a record that could not be read, with what was received."""
    with staging() as connection:
        found = records.quarantined(connection, quarantine_id)
    if found is None or found["instance"] not in who.instances:
        raise HTTPException(404, f"There is no quarantined record {quarantine_id}.")
    return page(request, who, "quarantined.html", record=found, instance=found["instance"])


@views.get("/preflight")
def preflight(request: Request, who: Who, instance: str = "") -> Response:
    """Show the latest preflight of each instance: what was checked, and what to do."""
    with staging() as connection:
        found = records.preflights(connection, who.chosen(instance))
    return page(request, who, "preflight.html", preflights=found)


@views.get("/data-docs/{instance}")
def data_docs(request: Request, who: Who, instance: str) -> Response:
    """Show the runs of an instance that have Data Docs, newest first."""
    who.must_read(instance)
    folder = _docs_root() / instance
    runs = [run for run in folder.iterdir() if (run / "index.html").is_file()] if folder.is_dir() else []
    runs.sort(key=lambda run: run.stat().st_mtime, reverse=True)
    shown = {
        run.name: sorted(file.relative_to(run).as_posix() for file in run.glob("validations/**/*.html")) for run in runs
    }
    return page(request, who, "data_docs.html", instance=instance, runs=shown)


@views.get("/data-docs/{instance}/{path:path}")
def data_doc(who: Who, instance: str, path: str) -> Response:
    """Return a file of the Data Docs, sandboxed: Great Expectations generates them."""
    who.must_read(instance)
    root = (_docs_root() / instance).resolve()
    file = (root / path).resolve()
    if not file.is_relative_to(root) or not file.is_file():
        raise HTTPException(404, "There is no such page among the Data Docs: it may have been pruned.")
    return FileResponse(file, headers={"Content-Security-Policy": _DATA_DOCS})


# Great Expectations' pages load scripts from other hosts, and need none to be read: here none runs, and nothing is fetched from elsewhere.
_DATA_DOCS = (
    "sandbox allow-popups; default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)


def _docs_root() -> Path:
    from magodoo.pipeline.data_docs import docs_root

    return Path(os.fspath(docs_root())).absolute()
