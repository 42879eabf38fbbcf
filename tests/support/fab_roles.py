"""Roles of FAB for one instance, and people who have them, made over FAB's own REST API as an administrator."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass

import requests

from magodoo_devstack.airflow import Api

ALL_DAGS = {("can_read", "DAGs")}  # of `Viewer`: it reads the DAGs of every instance
PASSWORD = "a password of the tests"


@dataclass(frozen=True)
class Rights:
    """What a role has on the DAGs of an instance, by the names of docs/how-to/give-rights.md."""

    instance: str

    def look(self) -> set[tuple[str, str]]:
        return {("can_read", self._dag("sales_load"))}

    def trigger(self, dag: str) -> set[tuple[str, str]]:
        return {("can_edit", self._dag(dag)), ("can_create", self._run(dag))}

    def _dag(self, dag: str) -> str:
        return f"DAG:{dag}__{self.instance}"

    def _run(self, dag: str) -> str:
        return f"DAG Run:{dag}__{self.instance}"


def of_the_website(admin: Api) -> set[tuple[str, str]]:
    """What `Viewer` may, without the right to read every DAG."""
    return of_role(admin, "Viewer") - ALL_DAGS


def of_role(admin: Api, name: str) -> set[tuple[str, str]]:
    """The actions and resources of a role."""
    role = _call(admin, "GET", f"roles/{name}").json()
    return {(each["action"]["name"], each["resource"]["name"]) for each in role["actions"]}


def person(admin: Api, name: str, rights: set[tuple[str, str]]) -> Api:
    """Somebody with a role of these rights and no other."""
    actions = [{"action": {"name": action}, "resource": {"name": resource}} for action, resource in sorted(rights)]
    _call(admin, "POST", "roles", json={"name": name, "actions": actions})
    names = {"first_name": name, "last_name": "of the tests", "email": f"{name}@example.com"}
    _call(admin, "POST", "users", json={"username": name, "password": PASSWORD, "roles": [{"name": name}], **names})
    return Api(admin.url, name, PASSWORD)


def _call(admin: Api, method: str, path: str, **options: object) -> requests.Response:
    admin.dags()  # logged in from here on
    answer = admin.session.request(method, f"{admin.url}/auth/fab/v1/{path}", timeout=120, **options)  # type: ignore[arg-type]
    assert answer.ok, f"{answer.status_code} {answer.text}"
    return answer


def form_token(person: Api, secret: str) -> str:
    """The token that the forms of this person's login carry."""
    login = str(person.session.headers["Authorization"])
    payload = login.split(".")[1]
    user = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
    return hmac.new(secret.encode(), f"magodoo form of {user} in login {login}".encode(), hashlib.sha256).hexdigest()
