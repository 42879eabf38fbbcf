"""Odoo's own records: modules, models, external ids, parameters, chatter."""

from __future__ import annotations

from typing import Any

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError, ValidationError
from magodoo_sandbox.odoo.fields import Field
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.store import Row

DATABASE_FIELD_CODE = """\
parameters = self.env['ir.config_parameter'].sudo()
for company in self:
    neutralized = parameters.get_param('database.is_neutralized')
    company['x_magodoo_database'] = '%s %s' % (parameters.get_param('database.uuid'), neutralized or '')
"""
"""What an administrator enters as *Compute* of the company's field for the marks of a copy (docs/how-to/test-on-a-copy.md)."""


class ModelData(Model):
    """External ids: UNIQUE(module, name); without Access Rights only check_object_reference shows them."""

    name, label, order = "ir.model.data", "Model Data", "module, model, name"
    rec_name = "complete_name"
    declared = f.columns(
        {
            "module": f.char("Module", required=True),
            "name": f.char("External Identifier", required=True),
            "complete_name": f.char("Complete ID", index=True),
            "model": f.char("Model Name", required=True),
            "res_id": f.integer("Record ID"),
            "pointer": f.char("Model and record", index=True),
            "noupdate": f.boolean("Non Updatable"),
        }
    )

    @public(model_level=True, access="")
    def check_object_reference(
        self, env: Env, module: str, xml_id: str, raise_on_access_error: bool = False
    ) -> list[str | int]:
        entry = self.entry(f"{module}.{xml_id}")
        if entry is None and f"{module}.{xml_id}" in self.db.remembered:
            return [self.db.remembered[f"{module}.{xml_id}"], False]
        if entry is None or entry["res_id"] not in self.db.models[entry["model"]].rows:
            raise ValueError(f"External ID not found in the system: {module}.{xml_id}")
        seen = self.db.models[entry["model"]].find(env, [["id", "=", entry["res_id"]]], 0, 1, None)
        return [entry["model"], entry["res_id"] if seen else False]

    def complete(self, env: Env, vals: Row) -> None:
        vals["complete_name"] = f"{vals.get('module')}.{vals.get('name')}"
        vals["pointer"] = f"{vals.get('model')},{vals.get('res_id') or 0}"
        if self.entry(vals["complete_name"]):
            raise ValidationError(
                "The operation cannot be completed: duplicate key value violates unique constraint "
                '"ir_model_data_module_name_uniq_index"\n'
                f"DETAIL:  Key (module, name)=({vals['module']}, {vals['name']}) already exists.\n"
            )

    def register(self, env: Env, xmlid: str, model: str, record: int) -> None:
        """Give a record its external id; an entry whose record is gone is pointed to the new one.

        Odoo forgets then the names that it remembers of loads which were rolled back (measured on 19).
        """
        self.db.remembered.clear()
        module, _, name = xmlid.partition(".")
        stale = self.entry(xmlid)
        if stale:
            self.db.store.delete(self.name, stale["id"])
        noupdate = bool(env.context.get("noupdate"))
        self.make(env, [{"module": module, "name": name, "model": model, "res_id": record, "noupdate": noupdate}])

    def entry(self, xmlid: str) -> Row | None:
        found = self.db.store.find(self.name, "complete_name", xmlid)
        return self.rows[found[0]] if found else None

    def target(self, xmlid: str, model: str) -> int | None:
        """Return the id of the living record of this model that the external id names."""
        entry = self.entry(xmlid)
        if entry is None or entry["model"] != model or entry["res_id"] not in self.db.models[model].rows:
            return None
        return int(entry["res_id"])

    def entries_of(self, model: str, record: int) -> list[Row]:
        return [self.rows[i] for i in self.db.store.find(self.name, "pointer", f"{model},{record}")]

    def name_of(self, model: str, record: int) -> str:
        entries = self.entries_of(model, record)
        return str(entries[0]["complete_name"]) if entries else ""

    def forget(self, model: str, record: int) -> None:
        for entry in self.entries_of(model, record):
            self.db.store.delete(self.name, entry["id"])


class IrModel(Model):
    name, label, order = "ir.model", "Models", "model"
    search_names = ("model",)
    declared = f.columns({"name": f.char("Model Description"), "model": f.char("Model", required=True, index=True)})


class Rule(Model):
    """A record rule for everybody: `domain_force` is a domain of literals. Odoo evaluates Python there."""

    name, label, order = "ir.rule", "Record Rule", "model_id desc, id"
    declared = f.columns(
        {
            "name": f.char("Name"),
            "active": f.boolean("Active", default=True),
            "model_id": f.one("ir.model", "Model", required=True),
            "domain_force": f.text("Domain", required=True),
        }
    )


class IrField(Model):
    """Creating a manual field makes it usable at once (docs/facts/odoo-19.0.md#6).

    Of fields that are computed by a text in Python there is one: the marks of a copy, of a company.
    """

    name, label, order = "ir.model.fields", "Fields", "name"
    declared = f.columns(
        {
            "name": f.char("Field Name", required=True, index=True),
            "field_description": f.char("Field Label"),
            "model_id": f.one("ir.model", "Model", required=True),
            "model": f.char("Model Name", index=True),
            "ttype": f.char("Field Type", required=True),
            "state": f.char("Type", default="manual"),
            "index": f.boolean("Indexed"),
            "copied": f.boolean("Copied"),
            "readonly": f.boolean("Readonly"),
            "store": f.boolean("Stored", default=True),
            "required": f.boolean("Required"),
            "relation": f.char("Related Model"),
            "compute": f.text("Compute"),
        }
    )

    def complete(self, env: Env, vals: Row) -> None:
        vals.setdefault("model", self.db.models["ir.model"].rows[vals["model_id"]]["model"])

    def created(self, env: Env, ids: list[int]) -> None:
        for row in (self.rows[record] for record in ids):
            label, model = row.get("field_description") or row["name"], self.db.models[row["model"]]
            if row.get("compute") and (row["model"], row["compute"]) != ("res.company", DATABASE_FIELD_CODE):
                raise UserError("the sandbox runs no Python of a field but that of the database's marks")
            computed = bool(row.get("compute"))
            field = Field(
                row["ttype"], label, index=bool(row.get("index")), copy=bool(row.get("copied")), manual=True,
                compute="marks_of_copy" if computed and not row.get("store") else "", readonly=bool(row.get("readonly")),
            )  # fmt: skip
            model.add_field(field.named(row["name"]))
            if computed and row.get("store"):
                for each in model.rows.values():
                    each[row["name"]] = model.marks_of_copy(each)


class Module(Model):
    name, label, order = "ir.module.module", "Module", "name"
    declared = f.columns(
        {
            "name": f.char("Technical Name", required=True, index=True),
            "shortdesc": f.char("Module Name"),
            "state": f.choice("Status", "uninstalled:Not_Installed installed:Installed", default="installed"),
            "author": f.char("Author"),
            "latest_version": f.char("Installed Version"),
        }
    )


class Sequence(Model):
    """The last number given under a prefix. No RPC name of Odoo's: it is our own table, kept in dumps."""

    name, label = "sandbox.sequence", "Sequence"
    declared = f.columns({"name": f.char("Prefix", required=True, index=True), "number": f.integer("Last number")})

    def next(self, env: Env, prefix: str) -> int:
        return self.move_to(env, prefix, self.last(prefix) + 1)

    def last(self, prefix: str) -> int:
        found = self.db.store.find(self.name, "name", prefix)
        return int(self.rows[found[0]].get("number", 0)) if found else 0

    def move_to(self, env: Env, prefix: str, number: int) -> int:
        found = self.db.store.find(self.name, "name", prefix)
        if found:
            self.db.store.update(self.name, found[0], {"number": number})
        else:
            self.db.store.insert(self.name, {"name": prefix, "number": number})
        return number


class Message(Model):
    name, label, order = "mail.message", "Message", "id desc"
    rec_name = "subject"
    declared = f.columns(
        {
            "model": f.char("Related Document Model"),
            "res_id": f.integer("Related Document ID"),
            "body": f.text("Contents"),
            "subject": f.char("Subject"),
        }
    )


class Parameter(Model):
    name, label, order = "ir.config_parameter", "System Parameter", "key"
    rec_name = "key"
    declared = f.columns({"key": f.char("Key", required=True, index=True), "value": f.text("Value")})

    @public(model_level=True, access="read")
    def get_param(self, env: Env, key: str, default: Any = False) -> Any:
        found = self.db.store.find(self.name, "key", key)
        return self.rows[found[0]].get("value") if found else default
