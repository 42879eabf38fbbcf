"""The definition of a list: its table, columns, filters and tabs. The lists themselves: `sales_lists.py`, `work_lists.py`."""

from __future__ import annotations

from dataclasses import dataclass

# The PostgreSQL type that a column is compared as, and the value for null, so that every sort has one total order.
_COMPARED = {
    "text": ("text", "''"),
    "state": ("text", "''"),
    "money": ("bigint", "-9223372036854775808"),
    "quantity": ("bigint", "-9223372036854775808"),
    "number": ("bigint", "-9223372036854775808"),
    "date": ("date", "'-infinity'"),
    "moment": ("timestamptz", "'-infinity'"),
}


@dataclass(frozen=True)
class Column:
    """`sql` selects the value. Types: text, state (a word with a colour), money and quantity (units), number, date, moment, counts (JSON)."""

    key: str
    label: str
    sql: str
    type: str = "text"
    extra: bool = False  # shown only when switched on; always in the CSV
    sortable: bool = True
    required: bool = False  # never null: sorted without coalesce, so that an index can be used
    link: str = ""  # which of the row's links the cell carries

    @property
    def number(self) -> bool:
        """Return whether the column is aligned as a number."""
        return self.type in ("money", "quantity", "number")

    @property
    def compared_as(self) -> str:
        """Return the PostgreSQL type that values are compared as."""
        return _COMPARED[self.type][0]

    @property
    def sorted_by(self) -> str:
        """Return the SQL expression to sort by, never null."""
        return self.sql if self.required else f"coalesce({self.sql}, {_COMPARED[self.type][1]})"


@dataclass(frozen=True)
class Filter:
    """A filter of the form: its name in the address, the condition that binds it, and its options (none: free text)."""

    name: str
    label: str
    condition: str
    options: tuple[str, ...] = ()
    type: str = "text"


@dataclass(frozen=True)
class Tab:
    """A named part of a list."""

    name: str
    label: str
    condition: str


@dataclass(frozen=True)
class Listing:
    """A list. `table` is filtered, sorted and summed, `joined` adds columns that are only shown.

    `key`: the columns (with their type) that make the order of rows total; `identity`: those that identify a row; `newest`: the default
    column to sort by.
    """

    name: str
    title: str
    table: str
    where: str
    key: tuple[tuple[str, str], ...]
    identity: tuple[tuple[str, str], ...]
    newest: Column
    instance: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    search: str  # a condition on :search, a pattern in lower case
    placeholder: str
    link: str  # the address of a row below the pages' own, composed in SQL
    joined: str = ""
    hint: str = ""
    currency: str = "''"
    sums: tuple[str, ...] = ()
    tabs: tuple[Tab, ...] = ()
    address: str = ""
    view: bool = False  # a column of its own leads to the row's page, as the connector documents it

    @property
    def has_currency(self) -> bool:
        """Return whether the amounts have a currency."""
        return self.currency != "''"

    @property
    def path(self) -> str:
        """Return the path of the list below the pages' root."""
        return self.address or f"/list/{self.name}"

    def column(self, key: str) -> Column | None:
        """Return the sortable column with this key, or None."""
        return next((column for column in self.columns if column.key == key and column.sortable), None)
