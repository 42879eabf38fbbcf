"""The FastAPI app of the sales pages: its routes, what encloses them, and the error pages."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DataError, DBAPIError, TimeoutError
from starlette.exceptions import HTTPException

from magodoo.errors import MagodooError
from magodoo_airflow.pages.access import LoginNeeded
from magodoo_airflow.pages.decisions import decisions
from magodoo_airflow.pages.limits import PAGE_AGAIN, PageLimit
from magodoo_airflow.pages.readable_address import ReadableAddress
from magodoo_airflow.pages.rendering import problem
from magodoo_airflow.pages.security_headers import SecurityHeaders
from magodoo_airflow.pages.statements import statements
from magodoo_airflow.pages.views import views

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
app.include_router(views)
app.include_router(decisions)
app.include_router(statements)
# The last one encloses all others: a refusal is then a page with its headers, too.
app.add_middleware(PageLimit)
app.add_middleware(ReadableAddress)
app.add_middleware(SecurityHeaders)


@app.exception_handler(LoginNeeded)
async def to_login(request: Request, _: Exception) -> Response:
    """Redirect the browser to Airflow's login, whichever auth manager has it, and back to the page."""
    root = str(request.scope.get("root_path", ""))
    path = request.scope["path"] if request.scope["path"].startswith(root) else root + request.scope["path"]
    back = path + (f"?{request.url.query}" if request.url.query else "")
    login = f"{root.removesuffix('/magento')}/api/v2/auth/login"
    return RedirectResponse(f"{login}?{urlencode({'next': back})}", status_code=303)


@app.exception_handler(HTTPException)
async def refused(request: Request, raised: HTTPException) -> Response:
    """Answer an HTTPException with its status and detail."""
    return problem(request, raised.status_code, str(raised.detail), raised.headers)


@app.exception_handler(RequestValidationError)
async def not_understood(request: Request, raised: RequestValidationError) -> Response:
    """Answer invalid parameters with 400 and their names."""
    errors = "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in raised.errors())
    return problem(request, 400, f"The page was asked for something that it does not understand: {errors}.")


@app.exception_handler(MagodooError)
async def not_set_up(request: Request, raised: MagodooError) -> Response:
    """Answer 503 with the error's message, which gives the remedy: the settings cannot be read, or the like."""
    return problem(request, 503, str(raised))


@app.exception_handler(DBAPIError)
async def staging_refused(request: Request, raised: DBAPIError) -> Response:
    """Answer an error of the staging database: 400 for a damaged address, else 503. Its own message may contain values and is not shown."""
    name = type(raised.orig).__name__
    if name == "QueryCanceled":
        return problem(request, 503, "This took too long. Narrow the filters, for example by dates.")
    if isinstance(raised, DataError):
        return problem(request, 400, "The address of this page is damaged. Begin with the list's first page.")
    return problem(
        request,
        503,
        f"The staging database cannot be read ({name}). Check the connection magodoo_staging, and that it was migrated.",
    )


@app.exception_handler(TimeoutError)
async def no_connection_free(request: Request, _: Exception) -> Response:
    """Answer 503 when every connection of the pages to staging is in use."""
    return problem(
        request, 503, "Every connection to the staging database is in use.", {"Retry-After": str(PAGE_AGAIN)}
    )
