"""Who may see and who may write: Airflow's own login and rights, whatever auth manager is configured.

Reading needs a login. Writing needs the right to trigger the instance's load DAG, and a request that comes from our own page:
the login cookie is readable and SameSite=Lax (facts airflow-3.3 5), so a form carries a token bound to the login.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from fastapi import Depends, Form, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

_bearer = HTTPBearer(auto_error=False)


class LoginNeeded(Exception):
    """An anonymous browser: it is sent to the login and back."""


async def signed_in(request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Any:
    """The user. A browser without a login is sent to it; a script gets 401."""
    try:
        return await get_user(request, None, bearer)
    except HTTPException as refused:
        if refused.status_code in (401, 403) and "text/html" in request.headers.get("accept", "") and bearer is None:
            raise LoginNeeded from None
        raise


User = Annotated[Any, Depends(signed_in)]


def form_token(user: Any) -> str:
    """What a form of this user must carry."""
    key = str(conf.get("api_auth", "jwt_secret", fallback="") or conf.get("core", "fernet_key", fallback="")).encode()
    return hmac.new(key, f"magodoo:{user.get_id()}".encode(), hashlib.sha256).hexdigest()


def may_write(user: Any, instance: str) -> bool:
    """Whether the user may trigger the instance's load DAG."""
    return bool(
        get_auth_manager().is_authorized_dag(method="POST", details=DagDetails(id=f"sales_load__{instance}"), user=user)
    )


def writer(request: Request, user: User, instance: Annotated[str, Form()], token: Annotated[str, Form()]) -> Any:
    """The user of a form that writes. Raises 403 for a viewer, for a foreign form, for a foreign origin."""
    if not hmac.compare_digest(token, form_token(user)):
        raise HTTPException(403, "This form is out of date: open the page again.")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "A form of another site.")
    if not may_write(user, instance):
        raise HTTPException(403, "Writing needs the right to trigger the DAG; you may only look.")
    return user


Writer = Annotated[Any, Depends(writer)]
