"""The FastAPI app of the sales pages: its routes, the headers of every response, and the error pages."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException

from magodoo.errors import MagodooError
from magodoo_airflow.pages.access import LoginNeeded
from magodoo_airflow.pages.decisions import decisions
from magodoo_airflow.pages.rendering import templates
from magodoo_airflow.pages.statements import statements
from magodoo_airflow.pages.views import views

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
app.include_router(views)
app.include_router(decisions)
app.include_router(statements)


LONGEST_PART, LONGEST_PATH = 255, 2000  # bytes of a path and of one part of it, as file systems count: no key is longer


@app.middleware("http")
async def readable_address(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Answer an address that no document, list or file can have: 400 for a NUL or a lone surrogate, 404 for a name that is too long.

    Neither the database nor the file system takes them.
    """
    path, values = request.scope["path"], [text for pair in request.query_params.multi_items() for text in pair]
    if any("\0" in text or not _is_storable(text) for text in (path, *values)):
        return _problem(
            request, 400, "The address of this page is damaged: it holds a character that no text may hold."
        )
    if len(path.encode()) > LONGEST_PATH or any(len(part.encode()) > LONGEST_PART for part in path.split("/")):
        return _problem(request, 404, "There is no such page: a part of the address is longer than any name.")
    return await call_next(request)


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@app.middleware("http")
async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Add security headers: only the app's own styles and scripts run, only Airflow may frame the pages, nothing is cached."""
    request.state.nonce = secrets.token_urlsafe(16)
    response = await call_next(request)
    policy = (
        f"default-src 'none'; style-src 'self'; script-src 'nonce-{request.state.nonce}'; img-src 'self' data:; font-src 'self';"
        " form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    )
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-cache" if "/static/" in request.url.path else "no-store"
    return response


@app.exception_handler(LoginNeeded)
async def to_login(request: Request, _: Exception) -> Response:
    """Redirect the browser to Airflow's login, whichever auth manager has it, and back to the page."""
    root = str(request.scope.get("root_path", ""))
    path = request.scope["path"] if request.scope["path"].startswith(root) else root + request.scope["path"]
    back = path + (f"?{request.url.query}" if request.url.query else "")
    login = f"{root.removesuffix('/magento')}/api/v2/auth/login"
    return RedirectResponse(f"{login}?{urlencode({'next': back})}", status_code=303)


@app.exception_handler(HTTPException)
async def refused(request: Request, problem: HTTPException) -> Response:
    """Answer an HTTPException with its status and detail."""
    return _problem(request, problem.status_code, str(problem.detail))


@app.exception_handler(RequestValidationError)
async def not_understood(request: Request, problem: RequestValidationError) -> Response:
    """Answer invalid parameters with 400 and their names."""
    errors = "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in problem.errors())
    return _problem(request, 400, f"The page was asked for something that it does not understand: {errors}.")


@app.exception_handler(MagodooError)
async def not_set_up(request: Request, problem: MagodooError) -> Response:
    """Answer 503 with the error's message, which gives the remedy: the settings cannot be read, or the like."""
    return _problem(request, 503, str(problem))


@app.exception_handler(DBAPIError)
async def staging_refused(request: Request, problem: DBAPIError) -> Response:
    """Answer an error of the staging database: 400 for a damaged address, else 503. Its own message may contain values and is not shown."""
    name = type(problem.orig).__name__
    if name == "QueryCanceled":
        return _problem(request, 503, "This took too long. Narrow the filters, for example by dates.")
    if isinstance(problem, DataError):
        return _problem(request, 400, "The address of this page is damaged. Begin with the list's first page.")
    return _problem(
        request,
        503,
        f"The staging database cannot be read ({name}). Check the connection magodoo_staging, and that it was migrated.",
    )


def _problem(request: Request, status: int, message: str) -> Response:
    """Return the message as a page for a browser, as JSON for a script."""
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": message}, status_code=status)
    content = {
        "root": request.scope.get("root_path", ""), "status": HTTPStatus(status).phrase, "message": message, "nonce": request.state.nonce,
    }  # fmt: skip
    return templates.TemplateResponse(request, "problem.html", content, status_code=status)
