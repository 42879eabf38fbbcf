"""The pages of the monthly statements: the months, one statement, its files, and the signature."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from magodoo.errors import FixConfiguration, FixDocument
from magodoo.settings.read import read_with_problems
from magodoo.statement import csv_export, duties, pdf, store, summary, wording, workbook
from magodoo.statement.periods import Month
from magodoo.timestamps import utc_now
from magodoo_airflow.pages.access import FormText, Reader, Right, Writer, reader, writer
from magodoo_airflow.pages.connection import staging, staging_for_exports
from magodoo_airflow.pages.exports import CSV, download
from magodoo_airflow.pages.rendering import page

statements = APIRouter()
Who = Annotated[Reader, Depends(reader)]
Signer = Annotated[Writer, Depends(writer)]
MOST_CHANGES = 500
MOST_DOCUMENTS = 500


@statements.get("/statement")
def months(request: Request, who: Who, instance: str = "") -> Response:
    """Show the months that have a statement."""
    with staging() as connection:
        found = store.months(connection, who.chosen(instance))
    return page(request, who, "statements.html", months=found)


@statements.get("/statement/{instance}/{month}")
def one(request: Request, who: Who, instance: str, month: str, version: int | None = None) -> Response:
    """Show the statement of a month as signed, with later changes; if it is unsigned, the latest one; with `version`, an earlier signed one."""
    with staging() as connection:
        signed, latest = _of(connection, who, instance, month, version)
        newest = store.signed(connection, instance, _month(instance, month).first) if version else signed
        before = _before(connection, signed)
        current = signed is not None and newest is not None and signed.id == newest.id
        lines = store.moved_lines(signed.body, latest.body) if signed and latest and current else []
        documents = store.changes(connection, signed, _month(instance, month)) if signed and current else []
        filings = store.filings(connection, signed.id) if signed else []
    shown = signed or latest
    assert shown is not None
    revised = latest if current and lines else None  # what may be prepared and signed as the next version
    return page(
        request, who, "statement.html", instance=instance, month=month, kept=shown, body=shown.body, signed=signed, latest=latest,
        moved=lines, changes=documents[:MOST_CHANGES], more=max(0, len(documents) - MOST_CHANGES), short=summary, wording=wording,
        before=before, moved_before=store.moved_lines(before.body, shown.body) if before else [], newest=newest, filings=filings,
        draft=shown if signed is None else revised, to_note=store.to_note, one_person=pdf.ONE_PERSON, may=who.rights(instance),
    )  # fmt: skip


def _before(connection: Connection, signed: store.Kept | None) -> store.Kept | None:
    """Return the version that a signed statement revised; None for the first."""
    if signed is None or signed.version == 1:
        return None
    return store.signed(connection, signed.instance, signed.month, signed.version - 1)


@statements.get("/statement/{instance}/{month}/statement.pdf")
def as_pdf(who: Who, instance: str, month: str, version: int | None = None) -> Response:
    """Return the signed statement as PDF, else the latest one."""

    def parts() -> Generator[bytes, None, None]:
        kept, before = _shown(who, instance, month, version)
        yield pdf.pdf(kept, moved=store.moved_lines(before.body, kept.body) if before else [])

    return download(parts(), "application/pdf", f"statement-{instance}-{month}.pdf")


@statements.get("/statement/{instance}/{month}/statement.csv")
def as_csv(who: Who, instance: str, month: str, version: int | None = None) -> Response:
    """Return the signed statement as CSV, else the latest one."""

    def parts() -> Generator[bytes, None, None]:
        kept, _ = _shown(who, instance, month, version)
        yield csv_export.statement(kept.body).encode("utf-8-sig")

    return download(parts(), CSV, f"statement-{instance}-{month}.csv")


@statements.get("/statement/{instance}/{month}/documents.csv")
def documents_as_csv(who: Who, instance: str, month: str, version: int | None = None) -> Response:
    """Return every document behind the figures with its line, as CSV."""

    def parts() -> Generator[bytes, None, None]:
        kept, _ = _shown(who, instance, month, version)
        yield BOM_UTF8
        with staging_for_exports() as connection:
            for part in csv_export.documents(store.documents(connection, kept.id)):
                yield part.encode()

    return download(parts(), CSV, f"statement-documents-{instance}-{month}.csv")


@statements.get("/statement/{instance}/{month}/statement.xlsx")
def as_workbook(who: Who, instance: str, month: str, version: int | None = None) -> Response:
    """Return the statement with every document behind it as an Excel workbook."""

    def parts() -> Generator[bytes, None, None]:
        kept, _ = _shown(who, instance, month, version)
        with staging_for_exports() as connection:
            yield workbook.workbook(kept, store.documents_by_line(connection, kept.id))

    return download(parts(), workbook.TYPE, f"statement-{instance}-{month}.xlsx")


@statements.get("/statement/{instance}/{month}/documents")
def documents(
    request: Request, who: Who, instance: str, month: str, currency: str, kind: str, line: str, version: int | None = None,
) -> Response:  # fmt: skip
    """Show the documents behind one figure."""
    with staging() as connection:
        signed, latest = _of(connection, who, instance, month, version)
        kept = signed or latest
        assert kept is not None
        found = list(islice(store.documents_of(connection, kept.id, currency, kind, line), MOST_DOCUMENTS + 1))
    return page(
        request, who, "statement_documents.html", instance=instance, month=month, currency=currency, kind=kind, line=line, wording=wording,
        rows=found[:MOST_DOCUMENTS], more=len(found) > MOST_DOCUMENTS, version=signed.version if signed else None,
    )  # fmt: skip


@statements.post("/statement/{instance}/{month}/prepare")
def prepare(
    request: Request, who: Signer, instance: str, month: str, statement: Annotated[int, Form()], seen: FormText,
) -> Response:  # fmt: skip
    """Record that the person prepared the statement that they saw. Raises 409 when it was made again or signed meanwhile."""
    with _acting(who, Right.SETTLE, instance, month, statement) as connection:
        store.prepare(connection, statement, seen, who.name, utc_now())
    return _back(request, instance, month)


@statements.post("/statement/{instance}/{month}/sign")
def sign(
    request: Request, who: Signer, instance: str, month: str, statement: Annotated[int, Form()], seen: FormText, note: FormText = "",
    about: Annotated[list[FormText], Form()] = [], said: Annotated[list[FormText], Form()] = [], for_the_others: FormText = "",  # noqa: B006
) -> Response:  # fmt: skip
    """Sign the statement that the person saw, in their name. Raises 409 when it was made again or signed meanwhile, or a note is missing.

    `about` and `said` are pairs of a key of `store.to_note` and the note on it; `for_the_others` is the note on all that have none.
    """
    given = {key: words for key, words in zip(about, said, strict=False) if words.strip()}
    with _acting(who, Right.SIGN, instance, month, statement) as connection:
        kept = store.by_id(connection, statement)
        names = store.to_note(kept.body) if kept else {}
        settings = read_with_problems().settings.instances.get(instance)
        if settings is not None and (
            why := duties.why_not_sign(connection, settings, _month(instance, month), who.name)
        ):
            raise FixDocument(why)
        notes = {key: given.get(key, for_the_others) for key in names}
        store.sign(connection, statement, seen, who.name, note, utc_now(), notes)
    return _back(request, instance, month)


@statements.post("/statement/{instance}/{month}/file")
def file(
    request: Request, who: Signer, instance: str, month: str, statement: Annotated[int, Form()], reference: FormText = "",
) -> Response:  # fmt: skip
    """Record where the signed statement was filed. Raises 409 for one that is not signed, and without a reference."""
    with _acting(who, Right.SIGN, instance, month, statement) as connection:
        store.file(connection, statement, who.name, reference, utc_now())
    return _back(request, instance, month)


@contextmanager
def _acting(who: Writer, right: Right, instance: str, month: str, statement: int) -> Iterator[Connection]:
    """Yield a transaction for an act on a statement of the month by somebody with the right to it. What the store refuses is answered with 409."""
    who.must_read(instance)
    who.must(right, [instance])
    first = _month(instance, month).first
    with staging() as connection:
        kept = store.by_id(connection, statement)
        if kept is None or (kept.instance, kept.month) != (instance, first):
            raise HTTPException(409, "This statement is signed already, or is no longer there: open the page again.")
        try:
            yield connection
        except FixDocument as refused:
            raise HTTPException(409, str(refused)) from refused


def _back(request: Request, instance: str, month: str) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/statement/{instance}/{month}", status_code=303)


def _of(
    connection: Connection, who: Reader, instance: str, month: str, version: int | None = None
) -> tuple[store.Kept | None, store.Kept | None]:
    """Return the signed statement of a month, the newest or that of a version, and the unsigned one. Raises 404 when there is none."""
    who.must_read(instance)
    first = _month(instance, month).first
    found = store.signed(connection, instance, first, version), store.latest(connection, instance, first)
    if version is not None and found[0] is None:
        raise HTTPException(404, f"There is no version {version} of the statement of {month}.")
    if found == (None, None):
        raise HTTPException(404, f"There is no statement of {month} yet: trigger the DAG sales_statement__{instance}.")
    return found


def _shown(who: Reader, instance: str, month: str, version: int | None) -> tuple[store.Kept, store.Kept | None]:
    """Return the signed statement of a month, else the latest one, and the version that it revised."""
    with staging_for_exports() as connection:
        signed, latest = _of(connection, who, instance, month, version)
        before = _before(connection, signed)
    kept = signed or latest
    assert kept is not None
    return kept, before


def _month(instance: str, month: str) -> Month:
    try:
        return Month.read(month, read_with_problems().settings.instance(instance).zone)
    except FixConfiguration as problem:
        raise HTTPException(404, "There is no such month.") from problem
