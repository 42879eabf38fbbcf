"""The app behind the sales pages: routes, and nothing but routes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from airflow.models import Connection as AirflowConnection  # noqa: AIR311 - in the api-server there is no task to ask
from fastapi import Depends, FastAPI, Form, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from sqlalchemy import Connection, Engine

from magodoo.load import ledger
from magodoo.money import dump_json, plain
from magodoo.quality.tables import CSV_COLUMNS, to_csv
from magodoo.reconcile import store as finding_store
from magodoo.settings.read import read_with_problems
from magodoo.staging import connect
from magodoo_airflow.pages import reading
from magodoo_airflow.pages.access import LoginNeeded, User, Writer, form_token, may_write
from magodoo_airflow.pages.lists import LABELS, LISTINGS, Listing
from magodoo_airflow.pages.reading import Wanted

HERE = Path(__file__).parent
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
templates = Jinja2Templates(directory=HERE / "templates")


@app.exception_handler(LoginNeeded)
async def to_login(request: Request, _: Exception) -> Response:
    """The browser goes to Airflow's login and comes back to the page."""
    return RedirectResponse(f"/auth/login?{urlencode({'next': str(request.url)})}", status_code=303)


@app.middleware("http")
async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Nothing but our own style and script may run; the pages are shown in Airflow's frame only."""
    request.state.nonce = secrets.token_urlsafe(16)
    response = await call_next(request)
    if "/data-docs/" not in request.url.path:
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'self'; script-src 'nonce-{request.state.nonce}'; img-src 'self' data:; form-action 'self';"
            " frame-ancestors 'self'; base-uri 'none'"
        )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


@app.get("/", response_class=HTMLResponse)
def overview(request: Request, user: User, instance: str = "") -> Response:
    """Agreement per kind, findings and money at stake, runs, what waits."""
    instances = list(read_with_problems().settings.instances.values())
    chosen = [one for one in instances if instance in ("", one.id)]
    with reading_from_staging() as connection:
        numbers = {one.id: reading.overview(connection, one.id) for one in chosen}
    return page(request, user, "overview.html", numbers=numbers, instances=instances, instance=instance)


@app.get("/list/{name}", response_class=HTMLResponse)
def listing(
    request: Request, user: User, name: str, wanted: Annotated[Wanted, Depends()], columns: str = ""
) -> Response:
    """One of the lists; every filter stands in the address."""
    one = _listing(name)
    with reading_from_staging() as connection:
        rows = reading.rows(connection, one, _clean(wanted))
        totals = reading.sums(connection, one, _clean(wanted))
    following = rows[reading.PAGE - 1] if len(rows) > reading.PAGE else None
    shown = [column for column in one.columns if not column.extra or column.key in columns.split(",")]
    return page(
        request, user, "list.html", listing=one, rows=rows[: reading.PAGE], sums=totals, shown=shown, wanted=wanted, chosen=columns,
        after=f"{following['sort_value']}|{following['source_id']}" if following else "",
    )  # fmt: skip


@app.get("/list/{name}.csv")
def listing_csv(user: User, name: str, wanted: Annotated[Wanted, Depends()]) -> Response:
    """What is filtered, whole, with every column."""
    one = _listing(name)
    with reading_from_staging() as connection:
        rows = reading.rows(connection, one, replace(_clean(wanted), after=""), limit=None)
    money = [column.key for column in one.columns if column.type in ("money", "quantity")]
    return csv(to_csv(rows, [*(column.key for column in one.columns)], money), name)


@app.get("/document/{instance}/{side}/{kind}/{source_id}", response_class=HTMLResponse)
def document(request: Request, user: User, instance: str, side: str, kind: str, source_id: str) -> Response:
    """Both sides next to each other, with the pair's rule, findings, changes and raw payloads."""
    with reading_from_staging() as connection:
        found = reading.document(connection, instance, side, kind, source_id)
    if found is None:
        raise HTTPException(404, f"{side} {kind} {source_id} is not staged for {instance}")
    settings = read_with_problems().settings.instances.get(instance)
    return page(request, user, "document.html", **found, instance=instance, settings=settings, parts=_PARTS)


@app.get("/findings", response_class=HTMLResponse)
def findings(request: Request, user: User) -> Response:
    wanted = dict(request.query_params)
    with reading_from_staging() as connection:
        rows = reading.findings(connection, wanted)
    return page(
        request, user, "findings.html", rows=rows[:200], after=rows[199]["id"] if len(rows) > 200 else "", wanted=wanted
    )


@app.get("/findings.csv")
def findings_csv(request: Request, user: User) -> Response:
    with reading_from_staging() as connection:
        rows = reading.findings(connection, dict(request.query_params), limit=1_000_000)
    return csv(to_csv(rows, CSV_COLUMNS), "findings")


@app.get("/finding/{finding_id}", response_class=HTMLResponse)
def finding(request: Request, user: User, finding_id: int) -> Response:
    with reading_from_staging() as connection:
        found = reading._one(connection, "select f.*, c.kind as change_kind, c.state as change_state from finding f"
                             " left join change c on c.id = f.change_id where f.id = :id", {"id": finding_id})  # fmt: skip
    if found is None:
        raise HTTPException(404, f"there is no finding {finding_id}")
    return page(request, user, "finding.html", finding=found)


@app.post("/finding/{finding_id}/mute")
def mute(
    user: Writer,
    finding_id: int,
    instance: Annotated[str, Form()],
    reason: Annotated[str, Form(min_length=3)],
    until: Annotated[date, Form()],
) -> Response:
    """Mutes a finding until the end of a day (UTC), with a reason."""
    with reading_from_staging() as connection:
        finding_store.mute(connection, instance, finding_id, by=user.get_name(), reason=reason, until=until)
    return RedirectResponse(f"/magento/finding/{finding_id}", status_code=303)


@app.get("/changes", response_class=HTMLResponse)
def changes(request: Request, user: User) -> Response:
    """The ledger."""
    wanted = dict(request.query_params)
    with reading_from_staging() as connection:
        rows = reading.changes(connection, wanted)
    instances = {row["instance"] for row in rows}
    writable = {one for one in instances if may_write(user, one)}
    return page(
        request,
        user,
        "changes.html",
        rows=rows[:200],
        after=rows[199]["id"] if len(rows) > 200 else "",
        wanted=wanted,
        writable=writable,
    )


@app.get("/change/{change_id}", response_class=HTMLResponse)
def change(request: Request, user: User, change_id: int) -> Response:
    """One change with the exact calls."""
    with reading_from_staging() as connection:
        found = reading._one(connection, "select c.*, b.request, b.calls, b.before, b.after from change c"
                             " left join change_body b on b.change_id = c.id where c.id = :id", {"id": change_id})  # fmt: skip
    if found is None:
        raise HTTPException(404, f"there is no change {change_id}")
    return page(request, user, "change.html", change=found, writable=may_write(user, found["instance"]))


@app.post("/change/{change_id}/{verb}")
def decide(
    user: Writer, change_id: int, verb: str, instance: Annotated[str, Form()], reason: Annotated[str, Form()] = ""
) -> Response:
    """approve, reject or reopen, by a person with a name."""
    who = user.get_name()
    with reading_from_staging() as connection:
        own = reading._one(
            connection,
            "select id from change where id = :id and instance = :instance",
            {"id": change_id, "instance": instance},
        )
        if own is None:
            raise HTTPException(404, f"instance {instance} has no change {change_id}")
        if verb == "approve":
            done = ledger.approve(connection, [change_id], who, reason)
        elif verb == "reject" and reason:
            done = ledger.reject(connection, [change_id], who, reason)
        elif verb == "reopen":
            done = ledger.reopen(connection, [change_id], who)
        else:
            raise HTTPException(400, "approve, reject (with a reason) or reopen")
    if not done:
        raise HTTPException(409, f"change {change_id} is not in a state for this: open the page again")
    return RedirectResponse(f"/magento/change/{change_id}", status_code=303)


@app.get("/data-docs/{instance}", response_class=HTMLResponse)
def data_docs(request: Request, user: User, instance: str) -> Response:
    """The runs of an instance that have Data Docs, newest first."""
    folder = _docs_root() / instance
    known = instance in read_with_problems().settings.instances and folder.is_dir()
    runs = (
        sorted((run for run in folder.iterdir() if run.is_dir()), key=lambda run: run.stat().st_mtime, reverse=True)
        if known
        else []
    )
    return page(request, user, "data_docs.html", instance=instance, runs=[run.name for run in runs])


@app.get("/data-docs/{instance}/{path:path}")
def data_doc(user: User, instance: str, path: str) -> Response:
    root = (_docs_root() / instance).resolve()
    file = (root / path).resolve()
    if not file.is_relative_to(root) or not file.is_file():
        raise HTTPException(404, "no such page among the Data Docs: it may have been pruned")
    return FileResponse(file)


_PARTS = (
    ("Subtotal", "subtotal"), ("Shipping", "shipping"), ("Discount", "discount"), ("Adjustment", "adjustment"), ("Untaxed", "untaxed"),
    ("Tax", "tax"), ("Grand total", "grand_total"), ("Open", "open_amount"), ("Quantity", "quantity"),
)  # fmt: skip


def page(request: Request, user: Any, name: str, **content: Any) -> Response:
    content |= {
        "listings": LISTINGS, "nonce": request.state.nonce, "token": form_token(user), "path": request.url.path, "query": dict(request.query_params),
        "who": user.get_name(),
    }  # fmt: skip
    return templates.TemplateResponse(request, name, content)


def csv(content: str, name: str) -> Response:
    return PlainTextResponse(
        "\ufeff" + content,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


@contextmanager
def reading_from_staging() -> Iterator[Connection]:
    with _engine().begin() as connection:
        connection.exec_driver_sql("set local statement_timeout = '20s'")
        yield connection


@cache
def _engine() -> Engine:
    settings = read_with_problems().settings
    url = AirflowConnection.get_connection_from_secrets(  # noqa: AIR311
        settings.staging_connection
    ).get_uri()
    return connect(url, pool_size=5, max_overflow=5)


def _docs_root() -> Path:
    return Path(
        os.environ.get("MAGODOO_DATA_DOCS") or Path(os.environ.get("MAGODOO_VAR", "var")) / "data_docs"
    ).absolute()


def _listing(name: str) -> Listing:
    if name not in LISTINGS:
        raise HTTPException(404, f"there is no list {name!r}; there are {', '.join(LISTINGS)}")
    return LISTINGS[name]


def _clean(wanted: Wanted) -> Wanted:
    """A date that is none, typed into the address, filters nothing instead of failing the page."""
    values = asdict(wanted)
    for name in ("since", "until"):
        try:
            date.fromisoformat(values[name])
        except ValueError:
            values[name] = ""
    return Wanted(**values)


def shown(value: Any, type_: str = "text", currency: str = "") -> str:
    """A cell as a person reads it: amounts with two decimals, times with their zone."""
    if value is None or value == "":
        return ""
    if type_ == "money":
        return f"{plain(int(value))} {currency}".strip()
    if type_ == "quantity":
        return plain(int(value), 0)
    if type_ == "moment" and isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if type_ == "state":
        return LABELS.get(str(value), str(value))
    return str(value)


def address(path: str, query: dict[str, Any], **changed: Any) -> str:
    """The page's own address with some filters changed; empty ones are left out."""
    return f"{path}?{urlencode({key: value for key, value in {**query, **changed}.items() if value not in ('', None)})}"


templates.env.filters["shown"] = shown
templates.env.filters["units"] = lambda value: "" if value is None else plain(int(value))
templates.env.filters["moment"] = lambda value: shown(value, "moment")
templates.env.filters["words"] = lambda value: str(value or "").replace("_", " ")
templates.env.filters["json"] = lambda value: "" if value is None else dump_json(value)
templates.env.globals["address"] = address
