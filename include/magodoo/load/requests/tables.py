"""A `load` table: one head row, further rows for its lines, every cell text (facts odoo-19.0 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

CREATE_OR_IGNORE: Mapping[str, Any] = {"mode": "update", "noupdate": True, "tracking_disable": True}


@dataclass(frozen=True)
class Table:
    """Rows of one model for `load`; the first row of a record carries its head."""

    model: str
    fields: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_json(self) -> dict[str, Any]:
        return {"model": self.model, "fields": list(self.fields), "rows": [list(row) for row in self.rows]}

    def call(self) -> dict[str, Any]:
        """The call as a dry run shows it."""
        body = {
            "fields": list(self.fields),
            "data": [list(row) for row in self.rows],
            "context": dict(CREATE_OR_IGNORE),
        }
        return {"system": "odoo", "model": self.model, "method": "load", "body": body}


def table(
    model: str, head: Mapping[str, str | None], one2many: str = "", lines: Sequence[Mapping[str, str]] = ()
) -> Table:
    """A record with its lines, which may differ in their columns. Of the head's cells, "" is left to Odoo, None is empty on purpose."""
    columns = [name for name, cell in head.items() if cell != ""]
    inner = list(dict.fromkeys(name for line in lines for name in line))
    fields = (*columns, *(f"{one2many}/{name}" for name in inner))
    blank = tuple("" for _ in columns)
    top = tuple(head[name] or "" for name in columns)
    rows = [
        (*(top if index == 0 else blank), *(line.get(name, "") for name in inner))
        for index, line in enumerate(lines or [{}])
    ]
    return Table(model, fields, tuple(rows))


def call(model: str, method: str, **body: Any) -> dict[str, Any]:
    """A call to Odoo as a dry run shows it; records that do not exist yet are named by their external ids."""
    return {"system": "odoo", "model": model, "method": method, "body": body}


def figure(number: Decimal) -> str:
    """A number as a cell: no exponent, no trailing zeros."""
    return f"{number.normalize():f}" if number else "0"
