"""The pages of the monthly statements: the months, one statement, its files, and the signature."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Generator
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from magodoo.errors import FixConfiguration, FixDocument
from magodoo.settings.read import read_with_problems
from magodoo.statement import csv_export, pdf, store, summary, wording
from magodoo.statement.periods import Month
from magodoo.timestamps import utc_now
from magodoo_airflow.pages.access import FormText, Reader, Writer, may_write, reader, writer
from magodoo_airflow.pages.connection import staging, staging_for_exports
from magodoo_airflow.pages.exports import CSV, download
from magodoo_airflow.pages.rendering import page

statements = APIRouter()
Who = Annotated[Reader, Depends(reader)]
Signer = Annotated[Writer, Depends(writer)]
MOST_CHANGES = 500


@statements.get("/statement")
def months(request: Request, who: Who, instance: str = "") -> Response:
    """Show the months that have a statement."""
    with staging() as connection:
        found = store.months(connection, who.chosen(instance))
    return page(request, who, "statements.html", months=found)


@statements.get("/statement/{instance}/{month}")
def one(request: Request, who: Who, instance: str, month: str) -> Response:
    """Show the statement of a month as signed, with later changes; if it is unsigned, the latest one."""
    with staging() as connection:
        signed, latest = _of(connection, who, instance, month)
        lines = store.moved_lines(signed.body, latest.body) if signed and latest else []
        documents = store.changes(connection, signed, _month(instance, month)) if signed else []
    shown = signed or latest
    assert shown is not None
    return page(
        request, who, "statement.html", instance=instance, month=month, kept=shown, body=shown.body, signed=signed, latest=latest,
        moved=lines, changes=documents[:MOST_CHANGES], more=max(0, len(documents) - MOST_CHANGES), short=summary, wording=wording,
        writable=signed is None and may_write(who.user, instance),
    )  # fmt: skip


@statements.get("/statement/{instance}/{month}/statement.pdf")
def as_pdf(who: Who, instance: str, month: str) -> Response:
    """Return the signed statement as PDF, else the latest one."""

    def parts() -> Generator[bytes, None, None]:
        kept = _shown(who, instance, month)
        yield pdf.pdf(kept.body, kept.hash, kept.made_at, kept.signed_by, kept.signed_at, kept.note)

    return download(parts(), "application/pdf", f"statement-{instance}-{month}.pdf")


@statements.get("/statement/{instance}/{month}/statement.csv")
def as_csv(who: Who, instance: str, month: str) -> Response:
    """Return the signed statement as CSV, else the latest one."""

    def parts() -> Generator[bytes, None, None]:
        yield csv_export.statement(_shown(who, instance, month).body).encode("utf-8-sig")

    return download(parts(), CSV, f"statement-{instance}-{month}.csv")


@statements.get("/statement/{instance}/{month}/documents.csv")
def documents_as_csv(who: Who, instance: str, month: str) -> Response:
    """Return every document behind the figures with its line, as CSV."""

    def parts() -> Generator[bytes, None, None]:
        kept = _shown(who, instance, month)
        yield BOM_UTF8
        with staging_for_exports() as connection:
            for part in csv_export.documents(store.documents(connection, kept.id)):
                yield part.encode()

    return download(parts(), CSV, f"statement-documents-{instance}-{month}.csv")


@statements.post("/statement/{instance}/{month}/sign")
def sign(
    request: Request, who: Signer, instance: str, month: str, statement: Annotated[int, Form()], seen: FormText,
    note: FormText = "",
) -> Response:  # fmt: skip
    """Sign the statement that the person saw, in their name. Raises 409 when it was made again or signed meanwhile."""
    who.must_read(instance)
    who.must_write([instance])
    with staging() as connection:
        _, latest = _of(connection, who, instance, month)
        if latest is None or latest.id != statement:
            raise HTTPException(409, "This statement is signed already, or is no longer there: open the page again.")
        try:
            store.sign(connection, statement, seen, who.name, note, utc_now())
        except FixDocument as refused:
            raise HTTPException(409, str(refused)) from refused
    return RedirectResponse(f"{request.scope.get('root_path', '')}/statement/{instance}/{month}", status_code=303)


def _of(connection: Connection, who: Reader, instance: str, month: str) -> tuple[store.Kept | None, store.Kept | None]:
    """Return the signed and the unsigned statement of a month. Raises 404 when there is neither."""
    who.must_read(instance)
    first = _month(instance, month).first
    found = store.signed(connection, instance, first), store.latest(connection, instance, first)
    if found == (None, None):
        raise HTTPException(404, f"There is no statement of {month} yet: trigger the DAG sales_statement__{instance}.")
    return found


def _shown(who: Reader, instance: str, month: str) -> store.Kept:
    """Return the signed statement of a month, else the latest one."""
    with staging_for_exports() as connection:
        signed, latest = _of(connection, who, instance, month)
    kept = signed or latest
    assert kept is not None
    return kept


def _month(instance: str, month: str) -> Month:
    try:
        return Month.read(month, read_with_problems().settings.instance(instance).zone)
    except FixConfiguration as problem:
        raise HTTPException(404, "There is no such month.") from problem
