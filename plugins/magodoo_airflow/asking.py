"""Ask a person on the terminal for what a command needs: addresses, keys, a choice. What the environment says is not asked.

Answers are read line by line from standard input, keys without echo where it is a terminal. Nothing that is asked here is stored.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.errors import BadSettings, MagodooError

Client = TypeVar("Client")
ATTEMPTS = 3
OAUTH = {
    "consumer_key": "consumer key",
    "consumer_secret": "consumer secret",
    "access_token": "access token",
    "access_token_secret": "access token secret",
}


def ask(what: str, *, variable: str = "", default: str = "", secret: bool = False) -> str:
    """Return what the variable of the environment holds, else what a person answers, else the default; "" where neither is.

    Raises BadSettings where nobody can be asked and there is no default.
    """
    if variable and os.environ.get(variable):
        return os.environ[variable].strip()
    prompt = f"{what}{f' [{default}]' if default else ''}: "
    try:
        if secret and sys.stdin.isatty():
            return getpass.getpass(prompt).strip() or default
        print(prompt, end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        if not sys.stdin.isatty():
            print()
        return line.strip() or default
    except EOFError:
        if default:
            print()
            return default
        named = f"set {variable} in the environment, or run it in a terminal" if variable else "run it in a terminal"
        raise BadSettings(f"{what.partition(' (')[0]}: nobody answers", hint=named) from None


def agreed(what: str, *, default: bool) -> bool:
    """Return whether a person says yes; `YES=1` in the environment is a yes."""
    if os.environ.get("YES") == "1":
        return True
    answer = ask(f"{what} ({'Y/n' if default else 'y/N'})", default="y" if default else "n")
    return answer.lower() in ("y", "yes")


def address(what: str, variable: str, given: str = "") -> str:
    """Return an address with its scheme, which is asked for where it is missing."""
    found = given or ask(what, variable=variable)
    if found and "://" not in found:
        return ask("The address begins with https://, or http:// inside your own network", default=f"https://{found}")
    return found


def magento(given: str = "") -> tuple[MagentoClient, dict[str, str]]:
    """Return a client of the Magento that a person names, and the fields of its connection; its login was tried. Raises MagodooError."""

    def answers() -> dict[str, str]:
        asked = {"base_url": address("Magento's address (https://shop.example.com)", "MAGENTO_URL", given)}
        for names in ({"token": "MAGENTO_TOKEN"}, {"username": "MAGENTO_USERNAME", "password": "MAGENTO_PASSWORD"}):
            if all(os.environ.get(variable) for variable in names.values()):
                return asked | {name: os.environ[variable] for name, variable in names.items()}
        print("The four keys of the Magento integration (a token alone: leave the consumer key empty)")
        for name, words in OAUTH.items():
            asked[name] = ask(f"  {words}", variable=f"MAGENTO_{name.upper()}", secret=True)
            if name == "consumer_key" and not asked[name]:
                return {"base_url": asked["base_url"], "token": ask("  access token", secret=True)}
        return asked

    def connect(fields: dict[str, str]) -> MagentoClient:
        client = MagentoClient(MagentoConnection.from_mapping({**fields, "attempts": 2}))
        report = client.test_connection(writes=False)
        if report.wrong and report.wrong != "rights":
            raise BadSettings(str(report))
        print(f"  {report}")
        return client

    return _until_it_works(answers, connect)


def odoo(
    given: str = "", *, why: str = "", variable: str = "ODOO_KEY", **known: str
) -> tuple[OdooClient, dict[str, str]]:
    """Return a client of the Odoo that a person names, and the fields of its connection; its key was tried. Raises MagodooError.

    `known` are fields that are not asked for; `why` is said before the question for the key, which `variable` may hold.
    """

    def answers() -> dict[str, str]:
        asked = dict(known)
        if "url" not in asked:
            asked["url"] = address("Odoo's address (https://books.example.com)", "ODOO_URL", given)
            asked["database"] = ask("Odoo's database", variable="ODOO_DB")
        asked["api_key"] = ask(f"API key{why}", variable=variable, secret=True)
        asked["login"] = os.environ.get(variable.replace("KEY", "LOGIN"), "")
        asked.setdefault("company_id", os.environ.get("ODOO_COMPANY", "1"))
        return asked

    def connect(fields: dict[str, str]) -> OdooClient:
        client = OdooClient.connect(OdooConnection.from_mapping({**fields, "attempts": 2}))
        if client.rpc.version.major < 19 and not fields["login"]:
            fields["login"] = ask("Login of the key's user (Odoo before 19 asks for it)")
            client.close()
            client = OdooClient.connect(OdooConnection.from_mapping({**fields, "attempts": 2}))
        report = client.test_connection()
        if report.problem and report.problem != "rights":
            raise BadSettings(str(report))
        print(f"  {report}")
        return client

    return _until_it_works(answers, connect)


def _until_it_works(
    answers: Callable[[], dict[str, str]], connect: Callable[[dict[str, str]], Client]
) -> tuple[Client, dict[str, str]]:
    """Return the first client that connects. A person may try three times; without a person, and after that, the error is raised."""
    for attempt in range(1, ATTEMPTS + 1):
        fields = answers()
        try:
            return connect(fields), fields
        except MagodooError as problem:
            if attempt == ATTEMPTS or not sys.stdin.isatty():
                raise
            print(f"  {problem}\n  Once more.")
    raise AssertionError("the last attempt returns or raises")


def airflow_fields(kind: str, fields: dict[str, str]) -> dict[str, Any]:
    """Return the fields of an Airflow connection of type `magento` or `odoo` for those of our own connection."""
    if kind == "odoo":
        return {
            "conn_type": "odoo", "host": fields["url"], "schema": fields["database"], "login": fields["login"] or None,
            "password": fields["api_key"], "extra": {"company_id": int(fields["company_id"])},
        }  # fmt: skip
    common = {"conn_type": "magento", "host": fields["base_url"]}
    if "token" in fields:
        return {**common, "password": fields["token"], "extra": {"auth": "bearer"}}
    if "username" in fields:
        return {**common, "login": fields["username"], "password": fields["password"], "extra": {"auth": "admin"}}
    tokens = {name: fields[name] for name in ("access_token", "access_token_secret")}
    return {
        **common, "login": fields["consumer_key"], "password": fields["consumer_secret"], "extra": {"auth": "oauth1", **tokens},
    }  # fmt: skip
