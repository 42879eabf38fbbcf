"""What callers read: read, search_read, web_search_read with its tree, fields_get, names, external ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.fields import X2MANY, Field
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.searching import Searching
from magodoo_sandbox.odoo.store import Row

Show = Callable[[Row], Any]


class Reading(Searching):
    """The reading half of every model."""

    @public(access="read")
    def read(self, env: Env, ids: list[int], fields: list[str] | None = None, load: Any = "_classic_read") -> list[Row]:
        self.check_rules(env, ids, "read")
        return self.show(env, ids, fields, load)

    @public(model_level=True, access="read")
    def search_read(
        self,
        env: Env,
        domain: list[Any] | None = None,
        fields: list[str] | None = None,
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
        load: Any = "_classic_read",
    ) -> list[Row]:
        return self.show(env, self.find(env, domain or [], offset, limit, order), fields, load)

    @public(model_level=True, access="read")
    def web_search_read(
        self,
        env: Env,
        domain: list[Any],
        specification: dict[str, Any],
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
        count_limit: int | None = None,
    ) -> dict[str, Any]:
        ids = self.find(env, domain, 0, None, order)
        page = ids[offset:] if limit is None else ids[offset : offset + limit]
        length = len(ids) if count_limit is None else min(len(ids), count_limit)
        return {"length": length, "records": self.tree(env, page, specification)}

    @public(access="read")
    def web_read(self, env: Env, ids: list[int], specification: dict[str, Any]) -> list[Row]:
        self.check_rules(env, ids, "read")
        return self.tree(env, ids, specification)

    @public(model_level=True, access="read")
    def name_search(
        self, env: Env, name: str = "", domain: list[Any] | None = None, operator: str = "ilike", limit: int = 100
    ) -> list[list[Any]]:
        wanted = [["display_name", operator, name]] if name else []
        found = self.find(env, [*(domain or []), *wanted], 0, limit, None)
        return [[record, self.display_name(self.rows[record])] for record in found]

    @public(model_level=True, access="")
    def fields_get(
        self, env: Env, allfields: list[str] | None = None, attributes: list[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        described = {
            name: _describe(field)
            for name, field in self.fields.items()
            if name not in self.hidden and (not allfields or name in allfields)
        }
        if attributes is None:
            return described
        return {name: {key: facts[key] for key in attributes if key in facts} for name, facts in described.items()}

    @public(access="read")
    def get_external_id(self, env: Env, ids: list[int]) -> dict[str, str]:
        data = self.db.models["ir.model.data"]
        return {str(record): data.name_of(self.name, record) for record in ids}

    @public(access="read")
    def get_metadata(self, env: Env, ids: list[int]) -> list[Row]:
        logged = self.show(env, ids, ["create_uid", "create_date", "write_uid", "write_date"], "_classic_read")
        data = self.db.models["ir.model.data"]
        for entry in logged:
            names = data.entries_of(self.name, entry["id"])
            entry["xmlid"] = names[0]["complete_name"] if names else False
            entry["noupdate"] = bool(names and names[0].get("noupdate"))
            entry["xmlids"] = [{"xmlid": n["complete_name"], "noupdate": bool(n.get("noupdate"))} for n in names]
        return logged

    @public(access="")
    def has_access(self, env: Env, ids: list[int], operation: str) -> bool:
        return self.db.rights.allows(env, self.name, operation)

    @public(access="read")
    def export_data(self, env: Env, ids: list[int], fields_to_export: list[str]) -> dict[str, Any]:
        raise UserError("You don't have the rights to export data. Please contact an Administrator.")

    def show(self, env: Env, ids: list[int], fields: list[str] | None, load: Any) -> list[Row]:
        """Rows as `read` gives them, in the order of `ids`; ids that are gone are left out (docs/facts/odoo-19.0.md#3)."""
        names = list(dict.fromkeys(fields)) if fields else [name for name in self.fields if name not in self.hidden]
        plain = load != "_classic_read"
        shows = [(name, self._shower(env, self.field(name), plain)) for name in names if name != "id"]
        rows = self.rows
        found = (rows[record] for record in ids if record in rows)
        return [{"id": row["id"], **{name: show(row) for name, show in shows}} for row in found]

    def tree(self, env: Env, ids: list[int], specification: dict[str, Any]) -> list[Row]:
        branch = self._branch(env, specification)
        rows = self.rows
        return [branch(rows[record]) for record in ids if record in rows]

    def _branch(self, env: Env, specification: dict[str, Any]) -> Show:
        """Return a function that shows a row with everything that the specification names below it."""
        shows = [(name, self._twig(env, name, below or {})) for name, below in specification.items() if name != "id"]
        return lambda row: {"id": row["id"], **{name: show(row) for name, show in shows}}

    def _twig(self, env: Env, name: str, below: dict[str, Any]) -> Show:
        """Return what is below a relation: a record that a rule hides is refused, and with it everything; in a list it is left out."""
        field = self.field(name)
        if "fields" not in below or field.type not in ("many2one", *X2MANY):
            return self._shower(env, field, plain=True)
        comodel, get = self.comodel(field), self.getter(name)
        branch = comodel._branch(env, below["fields"])
        table = comodel.rows
        seen = self.db.rights.visible(env, comodel) if below["fields"] else None
        if field.type == "many2one":

            def one(row: Row) -> Any:
                if seen and get(row) in table:
                    comodel.check_rules(env, [get(row)], "read")
                return branch(table[get(row)]) if get(row) in table else False

            return one
        return lambda row: [
            branch(table[record]) for record in get(row) if record in table and (not seen or seen(table[record]))
        ]

    def _shower(self, env: Env, field: Field, plain: bool) -> Show:
        get = self.getter(field.name)
        seen = self.db.rights.visible(env, self.comodel(field)) if field.type in X2MANY else None
        if seen:
            others = self.comodel(field).rows
            return lambda row: [record for record in get(row) if record in others and seen(others[record])]
        if field.type == "many2one" and not plain:
            comodel = self.comodel(field)
            table, name = comodel.rows, comodel.display_name
            return lambda row: [get(row), name(table[get(row)])] if get(row) in table else False
        if field.type == "datetime":
            return lambda row: get(row) and get(row)[:19]
        if field.type == "integer" and field.name == "id":
            return lambda row: row["id"]
        return get


def _describe(field: Field) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "type": field.type,
        "string": field.string,
        "name": field.name,
        "required": field.required,
        "readonly": field.readonly,
        "store": field.stored
        or field.type == "one2many"
        or bool(field.compute and field.name != "display_name" and not field.manual),
        "searchable": True,
        "sortable": field.type not in X2MANY and field.stored,
        "groupable": field.stored,
        "exportable": True,
        "company_dependent": False,
        "manual": field.manual,
        "depends": [],
    }
    if field.selection:
        facts["selection"] = [list(pair) for pair in field.selection]
    if field.comodel:
        facts["relation"] = field.comodel
    if field.inverse:
        facts["relation_field"] = field.inverse
    return facts
