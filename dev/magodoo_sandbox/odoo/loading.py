"""load(): Odoo's import, the only call that writes a record and its external id in one transaction.

A row with values in plain columns starts a record, rows with only one2many columns below it are its further lines.
Every cell is text. The answer is always 200: `{"ids": [...] | false, "messages": [...], "nextrow": 0}`; one bad record
and nothing is saved (docs/facts/odoo-19.0.md#6).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import AccessError, DatabaseError, OdooError, UserError, ValidationError
from magodoo_sandbox.odoo.fields import NUMBERS, X2MANY, Field
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.store import Row
from magodoo_sandbox.odoo.writing import XMLID, Writing

DBID = ".id"
_TRUE, _FALSE = {"1", "true", "yes"}, {"", "0", "false", "no"}
_POSSIBLE = {
    "name": "Possible Values",
    "type": "ir.actions.act_window",
    "target": "new",
    "view_mode": "list,form",
    "views": [[False, "list"], [False, "form"]],
    "context": {"create": False},
    "help": "See all possible values",
}


class Refused(Exception):
    """A message of type error about one record."""

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.more = more


class Model(Writing):
    """A whole model: reading, writing and loading."""

    @public(model_level=True, access="")
    def load(self, env: Env, fields: list[str], data: list[list[Any]]) -> dict[str, Any]:
        _require_text(data)
        messages: list[Row] = []
        records = _records(self, fields, data)
        converted = [self._convert_record(env, number, record, messages) for number, record in enumerate(records)]
        ids: list[int] | bool = False
        if not any(message["type"] == "error" for message in messages):
            ids = self._save(env, records, [vals for vals in converted if vals is not None], messages)
        if ids is False:
            self._remember(converted, {message.get("record") for message in messages if message["type"] == "error"})
        return {"ids": ids, "messages": messages, "nextrow": 0}

    def _remember(self, converted: list[Row | None], blamed: set[Any]) -> None:
        """Odoo keeps the names of the valid records of a load that it rolled back (measured on 19)."""
        data = self.db.models["ir.model.data"]
        names = (vals.get(XMLID) for number, vals in enumerate(converted) if vals and number not in blamed)
        self.db.remembered |= {name: self.name for name in names if name and data.entry(name) is None}

    def _convert_record(self, env: Env, number: int, record: Record, messages: list[Row]) -> Row | None:
        place = {"rows": {"from": record.first, "to": record.last}}
        warnings: list[tuple[str, str]] = []
        try:
            vals = self.convert(env, record.cells, warnings)
        except Refused as refusal:
            messages.append({**place, "type": "error", "record": number, **refusal.more, "message": str(refusal)})
            return None
        messages += [
            {**place, "type": "warning", "record": number, "field": field, "message": text} for field, text in warnings
        ]
        return vals

    def _save(self, env: Env, records: list[Record], converted: list[Row], messages: list[Row]) -> list[int] | bool:
        """All in one batch; if that fails, one by one to find the invalid record. Nothing is saved if there is one."""
        store = self.db.store
        try:
            with store.transaction():
                return self._write_records(env, converted)
        except (OdooError, ValueError, KeyError, AttributeError) as problem:
            trouble: Exception = problem
        try:
            with store.transaction():
                for number, (record, vals) in enumerate(zip(records, converted, strict=True)):
                    try:
                        with store.transaction():
                            self._write_records(env, [vals])
                    except (OdooError, ValueError, KeyError, AttributeError) as problem:
                        messages.append(_failure(number, record, problem))
                raise _NothingStaysError
        except _NothingStaysError:
            if not messages:
                raise trouble from None
        if isinstance(trouble, UserError | AccessError):
            # An error of the batch is reported on its first record, before the messages about single ones.
            first = _failure(0, records[0], trouble)
            messages[:0] = [] if first in messages else [first]
        return False

    def _write_records(self, env: Env, converted: list[Row]) -> list[int]:
        """Ids in the order of the records; those to be created are created together, as Odoo does."""
        data = self.db.models["ir.model.data"]
        result: list[int] = []
        fresh: list[tuple[int, Row]] = []
        for vals in converted:
            vals = dict(vals)
            dbid, xmlid = vals.pop(DBID, None), vals.get(XMLID)
            known = data.target(xmlid, self.name) if xmlid else dbid
            if not known:
                fresh.append((len(result), vals))
            elif not (xmlid and self._is_kept(env, xmlid)):
                self.db.rights.check(env, self.name, "write")
                vals.pop(XMLID, None)
                self.change(env, [known], vals)
            result.append(known or 0)
        if fresh:
            self.db.rights.check(env, self.name, "create")
            for (place, _), record in zip(fresh, self.make(env, [vals for _, vals in fresh]), strict=True):
                result[place] = record
        return result

    def _is_kept(self, env: Env, xmlid: str) -> bool:
        """Create-or-ignore: context mode=update leaves records alone that were loaded with noupdate."""
        entry = self.db.models["ir.model.data"].entry(xmlid)
        return env.context.get("mode") == "update" and bool(entry and entry.get("noupdate"))

    def convert(
        self, env: Env, cells: list[tuple[list[str], Any]], warnings: list[tuple[str, str]], top: str = ""
    ) -> Row:
        """Values for create() or write() from the cells of one record; `top` is the line field when this is a line."""
        vals: Row = {}
        for path, cell in cells:
            if path[0] in self.hidden:
                raise ValueError(f"Invalid field name '{path[0]}'")
            if path == ["id"]:
                if cell:
                    vals[XMLID] = _complete(env, cell)
            elif path == [DBID]:
                vals[DBID] = self._own_dbid(cell)
            elif isinstance(cell, list):
                vals[path[0]] = self._convert_lines(env, path[0], cell, warnings)
            else:
                vals[path[0]] = self._convert_cell(env, path, str(cell), warnings, top)
        return vals

    def _own_dbid(self, cell: Any) -> int | None:
        if not cell:
            return None
        if not str(cell).isdigit() or int(cell) not in self.rows:
            raise Refused(f"Unknown database identifier '{cell}'", field=DBID)
        return int(cell)

    def _convert_lines(self, env: Env, name: str, lines: list[Any], warnings: list[tuple[str, str]]) -> list[Any]:
        comodel = self.comodel(self.fields[name])
        commands: list[Any] = []
        for cells in lines:
            vals = comodel.convert(env, cells, warnings, name)
            dbid, xmlid = vals.pop(DBID, None), vals.get(XMLID)
            known = dbid or (self.db.models["ir.model.data"].target(xmlid, comodel.name) if xmlid else None)
            if known:
                vals.pop(XMLID, None)
            commands.append([1, known, vals] if known else [0, 0, vals])
        return commands

    def _convert_cell(self, env: Env, path: list[str], cell: str, warnings: list[tuple[str, str]], top: str) -> Any:
        field = self.fields[path[0]]
        place = {"field": top or field.name}
        if not cell:
            return [[5]] if field.type == "many2many" else (Decimal(0) if field.type in NUMBERS else False)
        if field.type == "many2many":
            pieces = [piece.strip() for piece in cell.split(",") if piece.strip()]
            return [[6, 0, [self._reference(env, field, path[1:], piece, warnings, top) for piece in pieces]]]
        if field.type == "many2one":
            return self._reference(env, field, path[1:], cell, warnings, top)
        if field.type == "boolean":
            if cell.lower() not in _TRUE | _FALSE:
                warnings.append((place["field"], f"Unknown value '{cell}' for boolean field '{field.string}'"))
            return cell.lower() not in _FALSE
        if field.type == "selection":
            return self._selected(field, cell, place)
        if field.type in (*NUMBERS, "integer"):
            return self._numeral(field, cell, place)
        if field.type == "json":
            return json.loads(cell, parse_float=Decimal)
        return cell

    def _selected(self, field: Field, cell: str, place: Row) -> str:
        for key, label in field.selection:
            if cell in (key, label):
                return key
        labels = [label for _, label in field.selection]
        message = f"Value '{cell}' not found in selection field '{field.string}'"
        raise Refused(message, **place, moreinfo=labels, field_name=field.string)

    def _numeral(self, field: Field, cell: str, place: Row) -> Any:
        try:
            return field.accept(self.name, cell)
        except ValueError:
            kind = "an integer" if field.type == "integer" else "a number"
            message = f"'{cell}' does not seem to be {kind} for field '{field.string}'"
            raise Refused(message, **place, field_name=field.string) from None

    def _reference(
        self, env: Env, field: Field, how: list[str], cell: str, warnings: list[tuple[str, str]], top: str
    ) -> int:
        """Return the record that a cell names: by database id (`field/.id`), external id (`field/id`) or name."""
        comodel = self.comodel(field)
        kind, info = "name", {**_POSSIBLE, "res_model": field.comodel}
        found: int | None = None
        if how:
            info = {**_POSSIBLE, "res_model": "ir.model.data", "domain": [["model", "=", field.comodel]]}
            kind = "database id" if how == [DBID] else "external id"
            if how == [DBID]:
                found = int(cell) if cell.isdigit() and int(cell) in comodel.rows else None
            else:
                found = self.db.models["ir.model.data"].target(_complete(env, cell), field.comodel)
        else:
            matches = comodel.named(env, cell)
            found = matches[0] if matches else None
            if len(matches) > 1:
                head = self._head_label(top, field)
                text = f'Found multiple matches for value "{cell}" in field "{head}" ({len(matches)} matches)'
                warnings.append((top or field.name, text))
        if found is None:
            self._no_match(field, kind, cell, top, info)
        return int(found or 0)

    def _no_match(self, field: Field, kind: str, cell: str, top: str, info: Row) -> None:
        head = self._head_label(top, field)
        where = f"{head}/{field.string}" if top else field.string
        message = f"No matching record found for {kind} '{cell}' in field '{where}'"
        raise Refused(message, field=top or field.name, moreinfo=info, field_name=head)

    def _head_label(self, top: str, field: Field) -> str:
        if not top:
            return field.string
        heads = (model.fields[top] for model in self.db.models.values() if top in model.fields)
        return next(head.string for head in heads if head.type in X2MANY and head.comodel == self.name)

    def named(self, env: Env, name: str) -> list[int]:
        """Ids of active records whose name, or code, is exactly this."""
        keys = self.search_names or (self.rec_name,)
        domain = ["|"] * (len(keys) - 1) + [[key, "=", name] for key in keys]
        return self.find(env, domain, 0, None, "id")


class _NothingStaysError(Exception):
    """Rolls back the block that only searched for the invalid records."""


class Record:
    """One record of the sheet: its rows, and its cells by column path; the cell of a line field is a list of lines."""

    def __init__(self, first: int, last: int, cells: list[tuple[list[str], Any]]) -> None:
        self.first, self.last, self.cells = first, last, cells


def _records(model: Model, fields: list[str], data: list[list[Any]]) -> list[Record]:
    paths = [field.split("/") for field in fields]
    for path in paths:
        if path[0] not in ("id", DBID) and (path[0] not in model.fields or path[0] in model.hidden):
            raise ValueError(f"Invalid field name '{path[0]}'")
    nested = [path[0] in model.fields and model.fields[path[0]].type == "one2many" for path in paths]
    starts = [number for number, row in enumerate(data) if number == 0 or not _continues(row, nested)]
    ends = [*(start - 1 for start in starts[1:]), len(data) - 1]
    return [
        Record(start, end, _cells(paths, nested, data[start : end + 1]))
        for start, end in zip(starts, ends, strict=True)
        if data
    ]


def _continues(row: list[Any], nested: list[bool]) -> bool:
    return any(cell for cell, line in zip(row, nested, strict=True) if line) and not any(
        cell for cell, line in zip(row, nested, strict=True) if not line
    )


def _cells(paths: list[list[str]], nested: list[bool], rows: list[list[Any]]) -> list[tuple[list[str], Any]]:
    cells: list[tuple[list[str], Any]] = [
        (path, rows[0][column]) for column, path in enumerate(paths) if not nested[column]
    ]
    for head in dict.fromkeys(path[0] for path, line in zip(paths, nested, strict=True) if line):
        columns = [column for column, path in enumerate(paths) if nested[column] and path[0] == head]
        lines = [[(paths[c][1:], row[c]) for c in columns] for row in rows if any(row[c] for c in columns)]
        cells.append(([head], lines))
    return cells


def _complete(env: Env, xmlid: str) -> str:
    return xmlid if "." in xmlid else f"{env.context.get('_import_current_module', '__import__')}.{xmlid}"


def _failure(number: int, record: Record, problem: Exception) -> Row:
    message: Row = {"rows": {"from": record.first, "to": record.last}, "record": number, "type": "error"}
    text = str(problem.args[0]) if problem.args else str(problem)
    if isinstance(problem, ValidationError):
        text = text.removeprefix("The operation cannot be completed: ")
    message["message"] = text
    if isinstance(problem, ValidationError) and problem.field:
        message["field"] = problem.field
    if not isinstance(problem, OdooError):
        message["message"] = f"Unknown error during import: {type(problem)}: {text}"
    return message


def serialization_failure(rows: int) -> dict[str, Any]:
    """Return what the loser of two concurrent loads of one key gets; the server does not retry it (docs/facts/odoo-19.0.md#6)."""
    text = "could not serialize access due to concurrent update\n"
    place = {"rows": {"from": 0, "to": max(rows - 1, 0)}, "record": 0, "type": "error", "message": text}
    return {"ids": False, "messages": [place], "nextrow": 0}


def conflict() -> DatabaseError:
    """Return the same conflict in any other method, after the server's own five tries."""
    return DatabaseError("errors.SerializationFailure", "could not serialize access due to concurrent update\n")


def _require_text(data: list[list[Any]]) -> None:
    for row in data:
        for cell in row:
            if cell and not isinstance(cell, str | bool):
                kind = "float" if isinstance(cell, Decimal) else type(cell).__name__
                raise AttributeError(f"'{kind}' object has no attribute 'split'")
