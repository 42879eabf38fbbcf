"""Field declarations: what a model's columns are called, hold and refuse.

Numbers with fractions are kept as `Decimal` (the transport writes them as JSON floats), dates and datetimes as Odoo's
own text, many2one as the bare id, x2many as lists of ids. Empty is `False`, 0 or an empty list, never None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

ZERO = Decimal(0)
NUMBERS = ("float", "monetary")
X2MANY = ("one2many", "many2many")
_FORMATS = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%d %H:%M:%S"}


@dataclass(frozen=True)
class Field:
    """One column. `compute` names a method of the model that derives the value from a row, nothing is stored then."""

    type: str
    string: str = ""
    comodel: str = ""
    inverse: str = ""
    selection: tuple[tuple[str, str], ...] = ()
    required: bool = False
    readonly: bool = False
    index: bool = False
    copy: bool = True
    default: Any = None
    compute: str = ""
    related: str = ""
    digits: int | None = None
    domain: Callable[[dict[str, Any]], bool] | None = field(default=None, compare=False)
    name: str = ""
    manual: bool = False

    @property
    def stored(self) -> bool:
        return not (self.compute or self.related or self.type == "one2many")

    @property
    def indexed(self) -> bool:
        return self.stored and (self.index or self.type in ("many2one", "many2many"))

    @property
    def empty(self) -> Any:
        if self.type in NUMBERS:
            return ZERO
        return {"integer": 0, "one2many": [], "many2many": []}.get(self.type, False)

    def named(self, name: str) -> Field:
        label = self.string or name.removesuffix("_id").removesuffix("_ids").replace("_", " ").title()
        return replace(self, name=name, string=label)

    def accept(self, model: str, value: Any) -> Any:
        """Return the value as it is stored; raises what Odoo raises for one that it cannot take."""
        if self.type in NUMBERS:
            return number(value, self.digits)
        if self.type == "boolean":
            return bool(value)
        if self.type == "integer":
            return int(value or 0)
        if value is None or value is False or value == "":
            return False
        if self.type in _FORMATS:
            return _moment(self.type, value)
        if self.type == "selection":
            if not any(key == value for key, _ in self.selection):
                raise ValueError(f"Wrong value for {model}.{self.name}: {value!r}")
            return value
        if self.type == "many2one":
            return int(value[0] if isinstance(value, list | tuple) else value)
        if self.type == "json":
            return value
        return value if isinstance(value, str) else str(value)


def number(value: Any, digits: int | None = None) -> Decimal:
    """Return a Decimal of whatever JSON or load() brought; raises ValueError in Python's words for text that is no number."""
    if not value:
        return ZERO
    if isinstance(value, str):
        try:
            result = Decimal(value.strip())
        except InvalidOperation:
            raise ValueError(f"could not convert string to float: {value!r}") from None
    else:
        result = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return result if digits is None else rounded(result, digits)


def rounded(amount: Decimal, digits: int = 2) -> Decimal:
    """Half away from zero, as Odoo rounds money."""
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _moment(kind: str, value: Any) -> str:
    """Return a date for a datetime and the reverse are taken, but no `T`, no zone, no fraction (docs/facts/odoo-19.0.md#3)."""
    text = str(value)
    if kind == "date":
        return datetime.strptime(text[:10], _FORMATS["date"]).strftime(_FORMATS["date"])  # noqa: DTZ007
    form = _FORMATS["date"] if len(text) <= 10 else _FORMATS["datetime"]
    return datetime.strptime(text, form).strftime(_FORMATS["datetime"])  # noqa: DTZ007


def columns(declared: Mapping[str, Field]) -> Mapping[str, Field]:
    """Return the columns of a model, shared by all databases and therefore not to be changed."""
    return MappingProxyType(declared)


def char(string: str = "", **more: Any) -> Field:
    return Field("char", string, **more)


def text(string: str = "", **more: Any) -> Field:
    return Field("text", string, **more)


def integer(string: str = "", **more: Any) -> Field:
    return Field("integer", string, **more)


def real(string: str = "", **more: Any) -> Field:
    return Field("float", string, **more)


def money(string: str = "", **more: Any) -> Field:
    return Field("monetary", string, **more)


def boolean(string: str = "", **more: Any) -> Field:
    return Field("boolean", string, **more)


def date(string: str = "", **more: Any) -> Field:
    return Field("date", string, **more)


def moment(string: str = "", **more: Any) -> Field:
    return Field("datetime", string, **more)


def json(string: str = "", **more: Any) -> Field:
    return Field("json", string, **more)


def choice(string: str, options: str, **more: Any) -> Field:
    """Return a selection written as `draft:Draft posted:Posted`; `_` in a label and `~` in a key stand for a space."""
    pairs = (option.split(":") for option in options.split())
    return Field(
        "selection",
        string,
        selection=tuple((key.replace("~", " "), label.replace("_", " ")) for key, label in pairs),
        **more,
    )


def one(comodel: str, string: str = "", **more: Any) -> Field:
    return Field("many2one", string, comodel, **more)


def many(comodel: str, inverse: str, string: str = "", **more: Any) -> Field:
    return Field("one2many", string, comodel, inverse, **more)


def linked(comodel: str, string: str = "", **more: Any) -> Field:
    return Field("many2many", string, comodel, **more)
