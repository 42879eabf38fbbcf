"""The base of all models: fields, values of a row, names, and the list of methods that may be called from outside."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.fields import Field
from magodoo_sandbox.odoo.store import Row

if TYPE_CHECKING:
    from magodoo_sandbox.odoo.database import OdooDatabase

Getter = Callable[[Row], Any]
Method = TypeVar("Method", bound=Callable[..., Any])
_LOG_FIELDS = {
    "id": f.integer("ID", readonly=True),
    "display_name": f.char("Display Name", compute="display_name", readonly=True),
    "create_date": f.moment("Created on", readonly=True, copy=False),
    "write_date": f.moment("Last Updated on", readonly=True, copy=False),
    "create_uid": f.one("res.users", "Created by", readonly=True, copy=False),
    "write_uid": f.one("res.users", "Last Updated by", readonly=True, copy=False),
}


@overload
def public(method: Method) -> Method: ...
@overload
def public(*, model_level: bool = False, access: str = "write") -> Callable[[Method], Method]: ...
def public(method: Method | None = None, *, model_level: bool = False, access: str = "write") -> Any:
    """Mark a method as callable by RPC. `model_level` ones take no ids; `access` is the right that they need."""

    def mark(function: Method) -> Method:
        parameters = list(inspect.signature(function).parameters.values())[2 if model_level else 3 :]
        function.public = inspect.Signature(parameters)  # type: ignore[attr-defined]
        function.model_level = model_level  # type: ignore[attr-defined]
        function.access = access  # type: ignore[attr-defined]
        return function

    return mark(method) if method else mark


class Base:
    """One model of one database. Methods take the `Env` first, then the ids where they work on records."""

    name: ClassVar[str] = ""
    label: ClassVar[str] = ""
    order: ClassVar[str] = "id"
    rec_name: ClassVar[str] = "name"
    search_names: ClassVar[tuple[str, ...]] = ()
    declared: ClassVar[Mapping[str, Field]] = f.columns({})

    def __init__(self, db: OdooDatabase) -> None:
        self.db = db
        declared = {**_LOG_FIELDS, **type(self).declared}
        self.fields = {name: field.named(name) for name, field in declared.items()}
        self.getters: dict[str, Getter] = {}
        self.hidden: set[str] = set()  # fields that the series does not have, at least not under this name
        self.renamed: dict[str, str] = {}  # names of the series, to those of 19

    @property
    def rows(self) -> dict[int, Row]:
        return self.db.tables[self.name]

    def field(self, name: str) -> Field:
        found = self.fields.get(name)
        if found is None or name in self.hidden:
            raise ValueError(f"Invalid field {name!r} on {self.name!r}")
        return found

    def rename(self, names: Mapping[str, str]) -> None:
        """Show fields under other names than those of 19, by name of 19."""
        for before in self.renamed:
            del self.fields[before]
            self.getters.pop(before, None)
        self.renamed = {before: name for name, before in names.items()}
        self.hidden = set(names)
        for before, name in self.renamed.items():
            self.fields[before] = replace(self.fields[name], name=before, compute="renamed", index=False)
            self.getters[before] = self.getter(name)

    def of_19(self, vals: Row) -> Row:
        """Values under the names that 19 has for their fields."""
        return {self.renamed.get(name, name): value for name, value in vals.items()} if self.renamed else vals

    def comodel(self, field: Field) -> Any:
        return self.db.models[field.comodel]

    def get(self, row: Row, name: str) -> Any:
        """Return the value of a field, stored or derived, as it is stored: many2one as id, moments with their microseconds."""
        getter = self.getters.get(name)
        if getter is None:
            getter = self.getter(name) if name in self.fields else self._make_getter(self.field(name))
        return getter(row)

    def getter(self, name: str) -> Getter:
        if name not in self.getters:
            self.getters[name] = self._make_getter(self.fields[name])
        return self.getters[name]

    def display_name(self, row: Row) -> str:
        return str(row.get(self.rec_name) or "")

    @cached_property
    def active_only(self) -> bool:
        return "active" in self.fields

    def add_field(self, field: Field) -> None:
        self.fields[field.name] = field
        self.getters.pop(field.name, None)
        if field.indexed and not self.db.store.is_indexed(self.name, field.name):
            self.db.store.add_index(self.name, field.name)

    def touch(self, env: Env, ids: list[int]) -> None:
        """Move write_date without changing anything else, as Odoo's recomputations do."""
        for record in ids:
            if record in self.rows:
                self.db.store.update(self.name, record, {"write_date": env.stamp, "write_uid": env.uid})

    def put(self, env: Env, record: int, **values: Any) -> None:
        """Store values as they are, without the hooks of write(); moves write_date if something changes."""
        row = self.rows[record]
        changed = {key: value for key, value in values.items() if row.get(key, self.fields[key].empty) != value}
        if changed:
            changed |= {"write_date": env.stamp, "write_uid": env.uid}
            self.db.store.update(self.name, record, changed)

    def _make_getter(self, field: Field) -> Getter:
        name, empty = field.name, field.empty
        if field.related:
            return self._related_getter(field)
        if field.compute:
            compute: Getter = getattr(self, field.compute)
            return compute
        if field.type == "one2many":
            return self._inverse_getter(field)
        if field.type == "many2many":
            return lambda row: row.get(name) or []
        return lambda row: row.get(name, empty)

    def _related_getter(self, field: Field) -> Getter:
        first, _, rest = field.related.partition(".")
        step = self.getter(first)
        comodel = self.comodel(self.field(first))
        empty = field.empty

        def follow(row: Row) -> Any:
            target = comodel.rows.get(step(row))
            return empty if target is None else comodel.get(target, rest)

        return follow

    def _inverse_getter(self, field: Field) -> Getter:
        comodel, find = self.comodel(field), self.db.store.find
        reverse = comodel.order.split(",")[-1].strip() == "id desc"
        by_sequence = "sequence" in comodel.fields
        keep = field.domain

        def collect(row: Row) -> list[int]:
            ids = find(field.comodel, field.inverse, row["id"])
            table = comodel.rows
            if keep:
                ids = [i for i in ids if keep(table[i])]
            if by_sequence:
                ids.sort(key=lambda i: (table[i].get("sequence", 10), i))
            return ids[::-1] if reverse else ids

        return collect
