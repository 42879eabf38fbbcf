"""What callers write: create, write, unlink, copy; x2many commands; the hooks for the models' rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import MissingError, UserError, ValidationError
from magodoo_sandbox.odoo.fields import Field
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.reading import Reading
from magodoo_sandbox.odoo.store import Row

Commands = list[Any]
XMLID = "__xmlid"
_MISSING_VALUE = (
    "Missing required value for the field '{string}' ({name}).\nModel: '{label}' ({model})\n"
    "- create/update: a mandatory field is not set\n"
    "- delete: another model requires the record being deleted, you can archive it instead\n"
)


class Writing(Reading):
    """The writing half of every model. `owned` names the one2many fields whose records die with the parent."""

    owned: ClassVar[tuple[str, ...]] = ()
    of_one_company: ClassVar[tuple[str, ...]] = ()
    """The many2one fields whose records must not be another company's."""

    # Hooks

    def complete(self, env: Env, vals: Row) -> None:
        """Fill in what follows from other values, before anything is checked or stored."""

    def created(self, env: Env, ids: list[int]) -> None:
        """After rows and their one2many lines are stored."""

    def before_write(self, env: Env, ids: list[int], vals: Row) -> None:
        """Refuses, or takes values out of `vals` that it handles itself."""

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        """After values and lines are stored."""

    def before_unlink(self, env: Env, ids: list[int]) -> None:
        """Refuses."""

    def unlinked(self, env: Env, rows: list[Row]) -> None:
        """After the rows are gone."""

    # Methods

    @public(model_level=True, access="create")
    def create(self, env: Env, vals_list: Any) -> list[int]:
        records = vals_list if isinstance(vals_list, list) else [vals_list]
        for vals in records:
            self.refuse_hidden(vals)
        return self.make(env, records)

    @public(access="write")
    def write(self, env: Env, ids: list[int], vals: Row) -> bool:
        self.check_rules(env, ids, "write")
        self.refuse_hidden(vals)
        return self.change(env, ids, vals)

    @public(access="unlink")
    def unlink(self, env: Env, ids: list[int]) -> bool:
        self.check_rules(env, ids, "unlink")
        return self.remove(env, ids)

    @public(access="create")
    def copy(self, env: Env, ids: list[int], default: Row | None = None) -> list[int]:
        self.ensure(env, ids)
        return self.make(env, [{**self.copied(env, self.rows[record]), **(default or {})} for record in ids])

    @public(model_level=True, access="create")
    def default_get(self, env: Env, fields: list[str]) -> Row:
        given = {
            key.removeprefix("default_"): value for key, value in env.context.items() if key.startswith("default_")
        }
        return {name: given[name] for name in fields if name in given}

    @public(access="read")
    def message_post(self, env: Env, ids: list[int], body: str = "", message_type: str = "", subject: str = "",
                     subtype_xmlid: str = "") -> list[int]:  # fmt: skip
        """Return a chatter message; moves no write_date (docs/facts/odoo-19.0.md#4)."""
        self.ensure(env, ids)
        notes = [{"model": self.name, "res_id": record, "body": body, "subject": subject} for record in ids]
        return self.db.models["mail.message"].make(env, notes)

    def refuse_hidden(self, vals: Row) -> None:
        """Refuses values, or values of lines, for fields that the series does not have."""
        for name, value in vals.items():
            if name in self.hidden:
                raise ValueError(f"Invalid field {name!r} in {self.name!r}")
            if name in self.fields and self.fields[name].type == "one2many":
                for command in value or []:
                    if len(command) > 2 and isinstance(command[2], dict):
                        self.comodel(self.fields[name]).refuse_hidden(command[2])

    # Words

    def make(self, env: Env, vals_list: Iterable[Row], *, nested: bool = False) -> list[int]:
        """Store records and answers their ids. `nested`: the parent's hook follows, so this model's does not run."""
        ids = [self._insert(env, dict(self.of_19(vals))) for vals in vals_list]
        if not nested:
            self.created(env, ids)
        return ids

    def change(self, env: Env, ids: list[int], vals: Row, *, nested: bool = False) -> bool:
        self.ensure(env, ids)
        vals = dict(self.of_19(vals))
        if not nested:
            self.before_write(env, ids, vals)
        unknown = next((name for name in vals if name not in self.fields), None)
        if unknown is not None:
            raise KeyError(unknown)
        values, lines = self._split(env, vals, ids)
        for record in ids:
            own = {name: value(self.rows[record]) if callable(value) else value for name, value in values.items()}
            self.db.store.update(self.name, record, {**own, "write_date": env.stamp, "write_uid": env.uid})
            for field, commands in lines:
                self._apply_lines(env, record, field, commands)
        if not nested:
            self.written(env, ids, vals)
        return True

    def remove(self, env: Env, ids: list[int]) -> bool:
        self.ensure(env, ids)
        self.before_unlink(env, ids)
        rows = [dict(self.rows[record]) for record in ids]
        for record in ids:
            for name in self.owned:
                child = self.comodel(self.fields[name])
                child.erase(env, self.get(self.rows[record], name))
        self.erase(env, ids)
        self.unlinked(env, rows)
        return True

    def erase(self, env: Env, ids: list[int]) -> None:
        """Delete rows and their external ids without asking anybody."""
        data = self.db.models["ir.model.data"]
        for record in ids:
            data.forget(self.name, record)
            self.db.store.delete(self.name, record)

    def ensure(self, env: Env, ids: list[int]) -> None:
        missing = [record for record in ids if record not in self.rows]
        if missing:
            raise MissingError(self.name, missing, env.uid)

    def one(self, ids: list[int]) -> int:
        if len(ids) != 1:
            raise ValueError(f"Expected singleton: {self.name}({', '.join(map(str, ids))})")
        return ids[0]

    def copied(self, env: Env, row: Row) -> Row:
        """Values for a copy: what may be copied, and copies of the owned lines."""
        vals = {name: row[name] for name, field in self.fields.items() if field.stored and field.copy and name in row}
        for name, value in list(vals.items()):
            if self.fields[name].type == "many2many":
                vals[name] = [[6, 0, value]]
        for name in ("id", "create_date", "write_date", "create_uid", "write_uid"):
            vals.pop(name, None)
        for name in self.owned:
            child, inverse = self.comodel(self.fields[name]), self.fields[name].inverse
            lines = [child.copied(env, child.rows[line]) for line in self.get(row, name)]
            vals[name] = [[0, 0, {key: value for key, value in line.items() if key != inverse}] for line in lines]
        return vals

    # Parts

    def _insert(self, env: Env, vals: Row) -> int:
        xmlid = vals.pop(XMLID, None)
        for name in vals:
            if name not in self.fields:
                raise ValueError(f"Invalid field {name!r} in {self.name!r}")
        self._add_defaults(env, vals)
        self.complete(env, vals)
        values, lines = self._split(env, vals, [])
        row = {name: value({}) if callable(value) else value for name, value in values.items()}
        row = {name: value for name, value in row.items() if value is not False and value != []}
        self._require(row)
        self._require_one_company(env, row)
        stamp = {"create_date": env.stamp, "write_date": env.stamp, "create_uid": env.uid, "write_uid": env.uid}
        record = self.db.store.insert(self.name, {**row, **stamp})
        for field, commands in lines:
            self._apply_lines(env, record, field, commands)
        if xmlid:
            self.db.models["ir.model.data"].register(env, xmlid, self.name, record)
        return record

    def _add_defaults(self, env: Env, vals: Row) -> None:
        for key, value in env.context.items():
            if key.startswith("default_") and key[8:] in self.fields:
                vals.setdefault(key[8:], value)
        for name, field in self.fields.items():
            if field.default is not None and name not in vals:
                vals[name] = field.default(env) if callable(field.default) else field.default

    def _require(self, row: Row) -> None:
        for field in self.fields.values():
            if field.required and field.stored and field.name not in row and field.empty is False:
                known = {"string": field.string, "name": field.name, "label": self.label, "model": self.name}
                message = "The operation cannot be completed: " + _MISSING_VALUE.format(**known)
                raise ValidationError(message, field=field.name)

    def _require_one_company(self, env: Env, row: Row) -> None:
        for name in self.of_one_company:
            field = self.fields[name]
            comodel = self.comodel(field)
            theirs = comodel.rows.get(row.get(name, 0), {}).get("company_id")
            if theirs and theirs != row.get("company_id", env.company_ids[0]):
                raise UserError(
                    "Uh-oh! You\u2019ve got some company inconsistencies here:\n"
                    f"- \u201c{self.label}\u201d belongs to another company than \u201c{field.string}\u201d ({name}: "
                    f"{comodel.display_name(comodel.rows[row[name]])!r}).\n"
                    "To avoid a mess, no company crossover is allowed!"
                )

    def _split(self, env: Env, vals: Row, ids: list[int]) -> tuple[Row, list[tuple[Field, Commands]]]:
        """Values to store, and commands for one2many lines. A many2many value is a function of the row as it is."""
        values: Row = {}
        lines: list[tuple[Field, Commands]] = []
        for name, value in vals.items():
            field = self.fields[name]
            if field.type == "one2many":
                if not field.compute:
                    lines.append((field, value or []))
            elif field.type == "many2many" and field.stored:
                values[name] = self._linker(env, field, value)
            elif field.stored:
                values[name] = field.accept(self.name, value)
                if field.type == "many2one" and values[name]:
                    self.comodel(field).ensure(env, [values[name]])
        if "id" in values and values["id"] in self.rows:
            raise ValueError(f"id {values['id']} is taken")
        return values, lines

    def _linker(self, env: Env, field: Field, value: Any) -> Any:
        comodel = self.comodel(field)

        def link(row: Row) -> list[int]:
            ids = list(row.get(field.name) or [])
            for command in value or []:
                ids = _linked(ids, command, lambda vals: comodel.make(env, [vals])[0])
            comodel.ensure(env, ids)
            return ids

        return link

    def _apply_lines(self, env: Env, parent: int, field: Field, commands: Commands) -> None:
        child = self.comodel(field)
        fresh: list[Row] = []
        for command in commands:
            code, record = command[0], command[1] if len(command) > 1 else 0
            if code == 0:
                fresh.append({**command[2], field.inverse: parent})
            elif code == 1:
                child.change(env, [record], command[2], nested=True)
            elif code in (2, 3):
                child.erase(env, [record])
            elif code == 4:
                child.change(env, [record], {field.inverse: parent}, nested=True)
            elif code in (5, 6):
                child.erase(
                    env, [i for i in self.get(self.rows[parent], field.name) if i not in (command[2:] or [[]])[0]]
                )
        if fresh:
            child.make(env, fresh, nested=True)


def _linked(ids: list[int], command: Any, make: Any) -> list[int]:
    if not isinstance(command, list | tuple):
        return [*ids, int(command)]
    code = command[0]
    if code == 6:
        return [int(i) for i in command[2]]
    if code == 5:
        return []
    if code == 0:
        return [*ids, make(command[2])]
    record = int(command[1])
    if code == 4:
        return ids if record in ids else [*ids, record]
    return [i for i in ids if i != record] if code in (2, 3) else ids
