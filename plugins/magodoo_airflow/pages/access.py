"""Access to the pages: Airflow's own login and rights, whatever auth manager is configured.

Looking needs a login and the right to see the instance's load DAG. Each other duty needs a right of its own on a DAG of the instance (`Right`),
and a request that comes from a form of these pages: the login cookie is SameSite=Lax only (docs/facts/airflow-3.3.md#5), so a form carries
a token bound to the user and to this login.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN, ResourceMethod
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from fastapi import Depends, Form, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator

from magodoo.settings.read import read_with_problems

_bearer = HTTPBearer(auto_error=False)


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("it holds a character that no text may hold")
    value.encode()  # a lone surrogate raises a ValueError
    return value


FormText = Annotated[str, Form(), AfterValidator(_storable)]
"""A text of a form: the database takes neither a NUL nor a lone surrogate."""


class LoginNeeded(Exception):
    """Raised for a browser without a login, which is redirected to the login and back."""


async def signed_in(request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Any:
    """Return the user. A browser without a login is redirected to it; a script gets 401."""
    try:
        return await get_user(request, None, bearer)
    except HTTPException as refused:
        page_wanted = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if refused.status_code in (401, 403) and page_wanted and bearer is None:
            raise LoginNeeded from None
        raise


class Right(Enum):
    """What a person may do on the pages of an instance: a right that Airflow's own roles give on one of its DAGs.

    Each is on a DAG of its own: in FAB who may trigger a DAG may edit it as well, so that two rights on one DAG are not kept apart.
    """

    LOOK = ("look", "see the runs of", "sales_load", "GET", DagAccessEntity.RUN)
    SETTLE = ("settle findings and prepare statements", "trigger", "sales_quality", "POST", DagAccessEntity.RUN)
    APPROVE = ("approve and reject changes", "trigger", "sales_load", "POST", DagAccessEntity.RUN)
    RELEASE = ("release what a check holds", "trigger", "sales_approval", "POST", DagAccessEntity.RUN)
    SIGN = ("sign statements", "trigger", "sales_statement", "POST", DagAccessEntity.RUN)

    def __init__(self, words: str, verb: str, dag: str, method: ResourceMethod, entity: DagAccessEntity | None) -> None:
        self.words, self.verb, self.dag, self.method, self.entity = words, verb, dag, method, entity

    def refusal(self, instance: str) -> str:
        """Return the sentence for somebody who lacks the right."""
        return f"To {self.words} needs the right to {self.verb} the DAG {self.dag}__{instance}."


@dataclass(frozen=True)
class Reader:
    """A user, and the instances that they may see."""

    user: Any
    instances: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the user's name."""
        return str(self.user.get_name())

    def may_read(self, instance: str) -> bool:
        """Return whether the user may see the instance, also one that the settings file does not describe correctly."""
        return instance in self.instances or self.may(Right.LOOK, instance)

    def may(self, right: Right, instance: str) -> bool:
        """Ask the auth manager as Airflow's own buttons do, so that FAB's roles apply as expected."""
        details = DagDetails(id=f"{right.dag}__{instance}")
        ask = get_auth_manager().is_authorized_dag
        return bool(ask(method=right.method, access_entity=right.entity, details=details, user=self.user))

    def rights(self, instance: str) -> frozenset[str]:
        """Return the names of the rights that the user has in an instance, in lower case, as templates ask for them."""
        return frozenset(right.name.lower() for right in Right if self.may(right, instance))

    def must_read(self, instance: str) -> None:
        """Raise 404 for an instance that the user may not see, as if it did not exist."""
        if instance not in self.instances:
            raise HTTPException(404, f"There is no instance {instance} that you may see.")

    def chosen(self, instance: str) -> list[str]:
        """Return the instances that a page shows: the one of its filter, else all that the user may see."""
        return [one for one in self.instances if instance in ("", one)]


def reader(user: Annotated[Any, Depends(signed_in)]) -> Reader:
    """Return the user with the instances whose load DAG they may see."""
    known = read_with_problems().settings.instances
    anybody = Reader(user, ())
    return Reader(user, tuple(one for one in known if anybody.may(Right.LOOK, one)))


class Writer(Reader):
    """A user who submitted a form that writes."""

    def must(self, right: Right, instances: Collection[str]) -> None:
        """Raise 403 unless the user has the right in each of these instances."""
        for instance in instances:
            if not self.may(right, instance):
                raise HTTPException(403, right.refusal(instance))


def writer(request: Request, who: Annotated[Reader, Depends(reader)], token: Annotated[str, Form()] = "") -> Writer:
    """Return the user who submitted a form. Raises 403 for a form without the token of this user's login or from another site."""
    if not hmac.compare_digest(token.encode(), form_token(request, who.user).encode()):
        raise HTTPException(403, "This form is out of date: open the page again.")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(403, "This form was sent by another site.")
    return Writer(who.user, who.instances)


def form_token(request: Request, user: Any) -> str:
    """Return the token that a form of this user must carry in this login: an HMAC keyed with the secret that signs Airflow's sessions.

    It ends with the login: after a logout, or when the auth manager renews the login's own token, the page is opened again.
    """
    key = str(conf.get_mandatory_value("api", "secret_key")).encode()
    login = request.headers.get("authorization") or request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    return hmac.new(key, f"magodoo form of {user.get_id()} in login {login}".encode(), hashlib.sha256).hexdigest()
