"""One Odoo database in memory: its models, its clock, and the one door through which every call goes."""

from __future__ import annotations

import hmac
import inspect
import json
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from magodoo_sandbox.odoo import series
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import AccessDenied, AccessError, HttpError, UserError
from magodoo_sandbox.odoo.fields import NUMBERS, Field
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.registry import MODELS
from magodoo_sandbox.odoo.rights import Rights
from magodoo_sandbox.odoo.store import Row, Store

GONE_SINCE = {"stock.valuation.layer": 19, "stock.return.picking": 20, "stock.return.picking.line": 20}
"""Models that a later version does not have (docs/facts/odoo-20.md#1)."""
_PRIVATE = {"exists", "search_fetch", "browse", "filtered", "mapped", "sudo", "with_context", "fetch", "ensure_one"}


class OdooDatabase:
    """An empty database as after installation; `provision()` adds what a merchant needs.

    `now` is an aware UTC datetime, or None for the real clock. `series` is the version that the server says it is: the routes, the calls for
    rights, and what series.py lists follow it, all else is as in 19. `tables[model][id]` are the rows themselves, for damage.
    """

    def __init__(self, name: str = "odoo") -> None:
        self.name = name
        self.now: datetime | None = None
        self._series = 19
        self.store = Store()
        self.rights = Rights(self)
        self.lock = threading.RLock()
        self.remembered: dict[str, str] = {}  # models by the names of loads that were rolled back
        self.models: dict[str, Any] = {model.name: model(self) for model in MODELS}
        series.hide(self)
        for model in self.models.values():
            self.store.declare(model.name, [field.name for field in model.fields.values() if field.indexed])

    @property
    def series(self) -> int:
        return self._series

    @series.setter
    def series(self, major: int) -> None:
        self._series = major
        series.adapt(self)

    @property
    def tables(self) -> dict[str, dict[int, Row]]:
        return self.store.tables

    def env(self, user: str | int = "admin", context: dict[str, Any] | None = None) -> Env:
        """Return an environment for calls to models from inside; raises KeyError for a login that does not exist."""
        uid = user if isinstance(user, int) else self.uid_of(user)
        return Env(self, uid, self.stamp(), dict(context or {}))

    def uid_of(self, login: str) -> int:
        for uid, row in self.tables["res.users"].items():
            if row.get("login") == login:
                return uid
        raise KeyError(login)

    def call(
        self,
        model: str,
        method: str,
        ids: list[int] | int | None = None,
        user: str | int = "admin",
        context: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """One call as JSON-2 makes it: a transaction, rolled back on any error. Fractions in it are `Decimal`."""
        with self.lock:
            env = self.env(user, context)
            _, function = self.resolve(model, method)
            self._check_language(env)
            records = [ids] if isinstance(ids, int) else list(ids or [])
            if function.model_level and records:
                raise HttpError(422, f"cannot call {model}.{method} with ids")
            try:
                bound = function.public.bind(**arguments)
            except TypeError as problem:
                raise HttpError(422, str(problem)) from None
            return self._run(env, model, function, records, bound)

    def execute_kw(self, uid: int, model: str, method: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """One call as classic RPC makes it: ids, then positional arguments; create() of one dict answers one id."""
        with self.lock:
            env = self.env(uid, kwargs.pop("context", None))
            if model not in self.models or self.series >= GONE_SINCE.get(model, self.series + 1):
                raise UserError(f"Object {model} doesn't exist")
            try:
                _, function = self.resolve(model, method)
            except HttpError as problem:
                raise AttributeError(problem.message) from None
            self._check_language(env)
            first, rest = ([], args) if function.model_level else (args[:1], args[1:])
            records = [first[0]] if first and isinstance(first[0], int) else list(first[0] if first else [])
            try:
                bound = function.public.bind(*rest, **kwargs)
            except TypeError as problem:
                name = str(problem).rpartition(" ")[2]
                raise TypeError(f"BaseModel.{method}() missing 1 required positional argument: {name}") from None
            result = self._run(env, model, function, records, bound)
            return result[0] if method == "create" and rest and isinstance(rest[0], dict) else result

    def _run(self, env: Env, model: str, function: Any, ids: list[int], bound: inspect.BoundArguments) -> Any:
        self.rights.check(env, model, function.access)
        with self.store.transaction():
            records = () if function.model_level else (ids,)
            return function(env, *records, *bound.args, **bound.kwargs)

    def resolve(self, model: str, method: str) -> tuple[Model, Any]:
        """Return the model and its public method; AccessError for a private one, NotFound for what is not there."""
        target = self.models.get(model)
        if target is None or self.series >= GONE_SINCE.get(model, self.series + 1):
            raise HttpError(404, f"the model {model!r} does not exist")
        if method.startswith("_") or method in _PRIVATE:
            raise AccessError(f"Private methods (such as '{model}.{method}') cannot be called remotely.")
        function = getattr(target, method, None)
        if not hasattr(function, "public"):
            raise HttpError(404, f"The method '{model}.{method}' does not exist")
        return target, function

    def login(self, key: str) -> int:
        """Return the user id of an API key; AccessDenied for any other text."""
        for uid, row in self.tables["res.users"].items():
            if key and hmac.compare_digest(key.encode(), str(row.get("api_key") or "").encode()):
                return uid
        raise AccessDenied("Access Denied")

    def may_use(self, uid: int, secret: str) -> bool:
        """Classic RPC takes the API key or the password (docs/facts/odoo-19.0.md#2)."""
        row = self.tables["res.users"].get(uid, {})
        return bool(secret) and secret in (row.get("api_key"), row.get("password_text"))

    def check_password(self, login: str, secret: str) -> int | None:
        uid = next((i for i, row in self.tables["res.users"].items() if row["login"] == login), None)
        return uid if uid is not None and self.may_use(uid, secret) else None

    def give_keys(self, **keys: str) -> None:
        """Set the API keys of users: `give_keys(sync="...", admin="...")`."""
        for login, key in keys.items():
            uid = self.uid_of(login)
            self.tables["res.users"][uid]["api_key"] = key
            if not self.store.find("res.users.apikeys", "user_id", uid):
                self.store.insert("res.users.apikeys", {"name": "magodoo", "user_id": uid, "scope": "rpc"})

    def dump(self) -> dict[str, Any]:
        """Everything as plain data for `json.dump(..., default=float)`; `load()` reads it back."""
        manual = [
            {
                "model": model.name,
                "name": field.name,
                "string": field.string,
                "type": field.type,
                "compute": field.compute,
            }
            for model in self.models.values()
            for field in model.fields.values()
            if field.manual
        ]
        tables = {model: list(rows.values()) for model, rows in self.tables.items() if rows}
        now = self.now.isoformat() if self.now else None
        return {
            "name": self.name,
            "now": now,
            "manual_fields": manual,
            "next_ids": self.store.next_ids,
            "tables": tables,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Replace everything by a dump's content."""
        self.now = datetime.fromisoformat(state["now"]) if state["now"] else None
        for declared in state["manual_fields"]:
            compute = declared.get("compute", "")  # a dump of earlier has none
            field = Field(declared["type"], declared["string"], index=True, copy=False, manual=True, compute=compute)
            self.models[declared["model"]].add_field(field.named(declared["name"]))
        for name, model in self.models.items():
            numbers = [field.name for field in model.fields.values() if field.type in NUMBERS]
            rows = state["tables"].get(name, [])
            for row in rows:
                row.update({key: Decimal(row[key]) for key in numbers if isinstance(row.get(key), int)})
            self.tables[name] = {row["id"]: row for row in rows}
        self.store.next_ids.update(state["next_ids"])
        self.store.reindex()

    def reindex(self) -> None:
        """To be called after an indexed field (a many2one, a reference) was changed in `tables` directly."""
        self.store.reindex()

    def save_file(self, path: Path | str) -> None:
        Path(path).write_text(json.dumps(self.dump(), default=float), encoding="utf-8")

    @classmethod
    def load_file(cls, path: Path | str) -> OdooDatabase:
        state = json.loads(Path(path).read_text(encoding="utf-8"), parse_float=Decimal)
        database = cls(state["name"])
        database.load(state)
        return database

    def provision(self, **options: Any) -> None:
        """Provision a merchant's database: companies, chart, taxes, journals, products, warehouse, users (see provision.py)."""
        from magodoo_sandbox.odoo.provision import provision  # the models must exist before their data can be described

        provision(self, **options)

    def stamp(self) -> str:
        moment = self.now or datetime.now(UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")

    def _check_language(self, env: Env) -> None:
        language = env.context.get("lang")
        if language and not any(row["code"] == language for row in self.tables["res.lang"].values()):
            raise UserError(f"Invalid language code: {language}")
