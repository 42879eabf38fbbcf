"""Searching: search, search_count, grouping; what the caller's companies and rules leave visible; ordering."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo.domains import compile_domain
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import AccessError
from magodoo_sandbox.odoo.model import Base, public
from magodoo_sandbox.odoo.store import Row

_RULE_MESSAGE = (
    "Uh-oh! Looks like you have stumbled upon some top-secret records.\n\n"
    "Sorry, {user} (id={uid}) doesn't have '{operation}' access to:\n- {label} ({model})\n\n"
    "If you really, really need access, perhaps you can win over your friendly administrator "
    "with a batch of freshly baked cookies."
)


class Searching(Base):
    """The searching half of every model."""

    @public(model_level=True, access="read")
    def search(
        self, env: Env, domain: list[Any], offset: int = 0, limit: int | None = None, order: str | None = None
    ) -> list[int]:
        return self.find(env, domain, offset, limit, order)

    @public(model_level=True, access="read")
    def search_count(self, env: Env, domain: list[Any], limit: int | None = None) -> int:
        found = len(self._matching(env, domain))
        return found if limit is None else min(found, limit)

    @public(model_level=True, access="read")
    def formatted_read_group(
        self,
        env: Env,
        domain: list[Any],
        groupby: list[str] | None = None,
        aggregates: list[str] | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        return [
            self._group(groupby or [], key, aggregates or [], rows)
            for key, rows in self._groups(env, domain, groupby or [])[:limit]
        ]

    @public(model_level=True, access="read")
    def read_group(
        self, env: Env, domain: list[Any], fields: list[str], groupby: list[str], lazy: bool = True
    ) -> list[Row]:
        """Return the way of before 19, which 19 still answers (docs/facts/odoo-19.0.md#3 [257]); `lazy` groups by the first name only."""
        names = groupby[:1] if lazy else groupby
        shown = []
        for key, rows in self._groups(env, domain, names):
            found = self._group(names, key, [name for name in fields if ":" in name], rows)
            count = f"{names[0]}_count" if lazy and names else "__count"
            found["__domain"] = _both(domain or [], found.pop("__extra_domain"))
            shown.append({name.partition(":")[0]: value for name, value in found.items()} | {count: len(rows)})
        return shown

    def _groups(self, env: Env, domain: list[Any], groupby: list[str]) -> list[tuple[tuple[Any, ...], list[Row]]]:
        """Rows by their values, in the order of these; one with several values of a many2many is in each of their groups."""
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in self._matching(env, domain):
            values = [self.get(row, name) for name in groupby]
            for key in itertools.product(
                *[(value or [False]) if isinstance(value, list) else [value] for value in values]
            ):
                groups.setdefault(key, []).append(row)
        return sorted(groups.items(), key=lambda group: [_sortable(part) for part in group[0]])

    def find(self, env: Env, domain: list[Any], offset: int, limit: int | None, order: str | None) -> list[int]:
        rows = self._matching(env, domain)
        self._sort(rows, order or self.order)
        rows = rows[offset:] if limit is None else rows[offset : offset + limit]
        return [row["id"] for row in rows]

    def check_rules(self, env: Env, ids: list[int], operation: str) -> None:
        """AccessError if one of the records exists but a record rule hides it (docs/facts/odoo-19.0.md#1)."""
        visible = self.db.rights.visible(env, self)
        if visible and not all(visible(self.rows[record]) for record in ids if record in self.rows):
            user = self.db.models["res.users"].display_name(env.user)
            known = {"user": user, "uid": env.uid, "operation": operation, "label": self.label, "model": self.name}
            raise AccessError(_RULE_MESSAGE.format(**known))

    def _matching(self, env: Env, domain: list[Any]) -> list[Row]:
        condition = compile_domain(self, domain or [], env)
        table = self.rows
        test = condition.test
        if condition.candidates is None:
            found = [row for row in table.values() if test(row)]
        else:
            found = [table[i] for i in condition.candidates if i in table and test(table[i])]
        visible = self.db.rights.visible(env, self)
        if visible:
            found = [row for row in found if visible(row)]
        if self.active_only and env.context.get("active_test", True) and not _mentions_active(domain):
            found = [row for row in found if row.get("active")]
        return found

    def _sort(self, rows: list[Row], order: str) -> None:
        """Several keys, empty values last when ascending and first when descending, as PostgreSQL does."""
        for part in reversed(order.split(",")):
            name, _, direction = part.strip().partition(" ")
            get, field = self.getter(name), self.field(name)
            down = direction.strip().lower().startswith("desc")
            if field.type == "many2one":
                comodel = self.comodel(field)
                table = comodel.rows
                rows.sort(key=lambda row: _name_key(comodel, table, get(row)), reverse=down)
            else:
                rows.sort(key=lambda row: _sortable(get(row)), reverse=down)

    def _group(self, groupby: list[str], key: tuple[Any, ...], aggregates: list[str], rows: list[Row]) -> Row:
        shown: Row = {}
        for name, value in zip(groupby, key, strict=True):
            field = self.field(name)
            comodel = self.comodel(field) if field.type in ("many2one", "many2many") else None
            shown[name] = [value, comodel.display_name(comodel.rows[value])] if comodel and value else value
        leaves = [[name, "=", value] for name, value in zip(groupby, key, strict=True)]
        shown["__extra_domain"] = ["&"] * (len(leaves) - 1) + leaves
        for aggregate in aggregates:
            name, _, how = aggregate.partition(":")
            values = [] if name == "__count" else [self.get(row, name) for row in rows]
            shown[aggregate] = len(rows) if name == "__count" else _aggregate(how, values)
        return shown


def _aggregate(how: str, values: list[Any]) -> Any:
    if how == "sum":
        return sum(values, Decimal(0))
    result = (max if how == "max" else min)(values)
    return result[:19] if isinstance(result, str) else result


def _both(one: list[Any], other: list[Any]) -> list[Any]:
    """Two domains that must hold together, with every `&` written."""
    operators = sum(term in ("&", "|") for term in one)
    unwritten = len(one) - 2 * operators - 1 - sum(term == "!" for term in one)
    return ["&", *["&"] * unwritten, *one, *other] if one and other else [*one, *other]


def _mentions_active(domain: list[Any]) -> bool:
    return any(isinstance(item, list | tuple) and item[0] == "active" for item in domain or [])


def _sortable(value: Any) -> tuple[bool, Any]:
    empty = value is False or value is None
    return (empty, "" if empty else value)


def _name_key(comodel: Any, table: dict[int, Row], record: Any) -> tuple[bool, str, int]:
    return (record not in table, comodel.display_name(table[record]) if record in table else "", record or 0)
