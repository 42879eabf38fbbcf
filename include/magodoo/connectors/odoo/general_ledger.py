"""Sums of Odoo's journal items by day, document, account and tax, and the items open on a day: what the statement is reconciled with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from magodoo.connectors.odoo.record_kinds import Tree, tree
from magodoo.connectors.odoo.record_trees import TreeReader
from magodoo.connectors.odoo.rpc import Row, Rpc
from magodoo.connectors.odoo.versions import TAGS_WITHOUT_SIGN_SINCE
from magodoo.connectors.odoo.witnesses import ITEMS
from magodoo.domain.states import OdooMoveState
from magodoo.errors import Unreadable
from magodoo.money import to_units

POSTED: tuple[Any, ...] = ("parent_state", "=", OdooMoveState.POSTED)
AMOUNTS = ("amount_currency", "balance")
PAGE = 1000
# A matching is effective from the later date of its two items (`max_date`), as in Odoo's aged receivable.
_OPEN_ITEM = tree(
    "date move_id move_name ref amount_currency amount_residual_currency",
    currency_id=tree("name"),
    matched_debit_ids=tree("max_date credit_amount_currency"),
    matched_credit_ids=tree("max_date debit_amount_currency"),
)
_TAX = tree(
    "name amount amount_type type_tax_use tax_exigibility ubl_cii_tax_category_code",
    invoice_repartition_line_ids=tree("tag_ids repartition_type", account_id=tree("code name")),
    refund_repartition_line_ids=tree("tag_ids repartition_type", account_id=tree("code name")),
)  # fmt: skip


class Tax(NamedTuple):
    """A sales tax: its rate, whether it is due on payment only, the tags that it puts on items, and its category on electronic invoices."""

    name: str
    rate: Decimal
    on_payment: bool
    tags: frozenset[int]
    category: str  # "": not set, or Odoo has no electronic invoices
    accounts: frozenset[str] = frozenset()  # names of the accounts that its amounts go to


class Grid(NamedTuple):
    """A tag as the tax report shows it: without the sign of its name, and the factor of a debit balance."""

    name: str
    sign: int


class GeneralLedger:
    """Reads posted journal items of the company. Every sum is in units (1/10000)."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc, self._trees = rpc, TreeReader(rpc)

    def sums(self, domain: Sequence[Any], by: Sequence[str], sums: Sequence[str] = AMOUNTS) -> list[Row]:
        """Return one row per combination of `by` (many2one and many2many: id or None; text or date: value or None).

        A row has the names of `by`, of `sums` (units, debit positive), and `count`. An item with two taxes counts for both.
        """
        full = [*self._rpc.company_domain(ITEMS), list(POSTED), *domain]
        rows = self._rpc.grouped(ITEMS, full, list(by), [f"{name}:sum" for name in sums])
        return [
            {
                **{name: _key(row[name]) for name in by},
                **{name: to_units(row[f"{name}:sum"]) for name in sums},
                "count": row["__count"],
            }
            for row in rows
        ]

    def items(self, domain: Sequence[Any], fields: Sequence[str], limit: int | None = None) -> list[Row]:
        """Return posted journal items of the company, by date and id."""
        full = [*self._rpc.company_domain(ITEMS), list(POSTED), *domain]
        return self._rpc.search_read(ITEMS, full, list(fields), order="date, id", limit=limit)

    def open_items(self, domain: Sequence[Any], day: date, page: int = PAGE) -> list[Row]:
        """Return the posted items of a domain, dated up to `day`, that were open at its end: open now, or matched later.

        A row has id, move_id, day (ISO text), number, reference, currency (code), amount and open (units, debit positive). An item and its
        matchings are read in one call, so that a payment in the meantime is counted once. Odoo keeps no trace of a matching that was undone
        since: its items count as open.
        """
        open_then = [
            "|", "|", ["amount_residual_currency", "!=", 0], ["matched_debit_ids.max_date", ">", f"{day}"],
            ["matched_credit_ids.max_date", ">", f"{day}"],
        ]  # fmt: skip
        found: list[Row] = []
        last = 0
        while True:
            after = [["id", ">", last], ["date", "<=", f"{day}"]]
            full = [*self._rpc.company_domain(ITEMS), list(POSTED), *domain, *after, *open_then]
            rows = self._read(ITEMS, _OPEN_ITEM, full, page)
            found += [_open_item(row, f"{day}") for row in rows]
            if len(rows) < page:
                return [row for row in found if row["open"]]
            last = rows[-1]["id"]

    def taxes(self) -> dict[int, Tax]:
        """Return the sales taxes of the company by id, including archived ones."""
        domain = [*self._rpc.company_domain("account.tax"), ["type_tax_use", "=", "sale"]]
        return {
            row["id"]: Tax(
                str(row["name"]),
                Decimal(str(row["amount"])),
                row.get("tax_exigibility") == "on_payment",
                frozenset(
                    tag
                    for name in ("invoice_repartition_line_ids", "refund_repartition_line_ids")
                    for line in row.get(name, ())
                    for tag in line["tag_ids"]
                ),
                str(row.get("ubl_cii_tax_category_code") or ""),
                frozenset(
                    " ".join(str(line["account_id"].get(name) or "") for name in ("code", "name")).strip()
                    for name in ("invoice_repartition_line_ids", "refund_repartition_line_ids")
                    for line in row.get(name, ())
                    if line.get("repartition_type") == "tax" and line.get("account_id")
                ),
            )
            for row in self._read("account.tax", _TAX, domain)
        }

    def tags(self, ids: Iterable[int]) -> dict[int, Grid]:
        """Return tags by id. Before 19 there are two of a grid, whose names begin with + and -, and an item says whether it is inverted."""
        domain = [["id", "in", sorted(set(ids))]]
        rows = self._read("account.account.tag", tree("name balance_negate"), domain)
        return {
            row["id"]: Grid(
                str(row["name"])
                if self._rpc.version.major >= TAGS_WITHOUT_SIGN_SINCE
                else str(row["name"]).lstrip("+-"),
                -1 if row.get("balance_negate") else 1,
            )
            for row in rows
        }

    def has_inverted_tags(self) -> bool:
        """Return whether items say that their tags are inverted (before 19)."""
        return self._rpc.has_field(ITEMS, "tax_tag_invert")

    def countries(self) -> dict[int, str]:
        """Return the ISO codes of the countries that an address is in, by id."""
        found = self._rpc.grouped("res.partner", [["country_id", "!=", False]], ["country_id"], ["id:max"])
        ids = sorted({_key(row["country_id"]) for row in found})
        return (
            {row["id"]: str(row["code"] or "") for row in self._rpc.read("res.country", ids, ["code"])} if ids else {}
        )

    def delivered(self, ids: Sequence[int]) -> list[Row]:
        """Return by entry: id, number, day (date), is_refund, country of delivery ("": none) and has_vat, without any number or name."""
        wanted = ["name", "date", "move_type", "partner_shipping_id", "commercial_partner_id"]
        rows = self._rpc.search_read(
            "account.move", [*self._rpc.company_domain("account.move"), ["id", "in", list(ids)]], wanted, order="id"
        )
        named = {_key(row[name]) for row in rows for name in ("partner_shipping_id", "commercial_partner_id")} - {None}
        partners = {row["id"]: row for row in self._rpc.records("res.partner", sorted(named), ["country_id", "vat"])}
        codes = self._rpc.once("countries of addresses", self.countries)
        made = []
        for row in rows:
            address, customer = (
                partners.get(_key(row[name]), {}) for name in ("partner_shipping_id", "commercial_partner_id")
            )
            made.append({
                "id": row["id"], "number": str(row["name"] or ""), "day": date.fromisoformat(row["date"]),
                "is_refund": row["move_type"] == "out_refund", "country": codes.get(_key(address.get("country_id", False)), ""),
                "has_vat": bool(customer.get("vat")),
            })  # fmt: skip
        return made

    def has_entries(self, domain: Sequence[Any]) -> bool:
        """Return whether the company has posted entries of a domain."""
        return bool(self._rpc.call("account.move", "search_count", domain=self._posted(domain), limit=1))

    def entries_without_country(self, domain: Sequence[Any], field: str = "partner_shipping_id") -> list[int]:
        """Return the ids of posted entries of the company whose delivery address has no country; `field` is a path to the address."""
        nowhere: list[Any] = ["|", [field, "=", False], [f"{field}.country_id", "=", False]]
        return sorted(self._rpc.call("account.move", "search", domain=self._posted([*domain, *nowhere])))

    def _posted(self, domain: Sequence[Any]) -> list[Any]:
        return [*self._rpc.company_domain("account.move"), ["state", "=", OdooMoveState.POSTED], *domain]

    def _read(self, model: str, wanted: Tree, domain: list[Any], limit: int | None = None) -> list[Row]:
        read = self._trees.read(model, wanted, domain, limit=limit)
        if read.flawed:
            raise Unreadable(read.flawed[0][1], system="odoo", call=model)
        return read.rows

    def entries(self, ids: Sequence[int]) -> dict[int, Row]:
        """Return journal entries by id: name, ref, move_type, date, journal_id."""
        if not ids:
            return {}
        domain = [*self._rpc.company_domain("account.move"), ["id", "in", sorted(set(ids))]]
        fields = ["name", "ref", "move_type", "date", "journal_id"]
        return {row["id"]: row for row in self._rpc.search_read("account.move", domain, fields, order="id")}


def _key(value: Any) -> Any:
    """Return the id of `[7, "a name"]`, None for an empty value, else the value."""
    if isinstance(value, list):
        if not value:
            raise Unreadable("an empty group", system="odoo", call=ITEMS)
        return value[0]
    return None if value is False else value


def _open_item(row: Row, day: str) -> Row:
    """Return the row of an item; `open` is its residual now and what was matched after the day."""
    rest = to_units(row["amount_residual_currency"])
    for name, amount, sign in (
        ("matched_credit_ids", "debit_amount_currency", 1),
        ("matched_debit_ids", "credit_amount_currency", -1),
    ):
        rest += sign * sum(to_units(part[amount]) for part in row[name] if part["max_date"] > day)
    return {
        "id": row["id"], "move_id": row["move_id"], "day": row["date"], "number": str(row["move_name"] or ""),
        "reference": str(row["ref"] or ""), "currency": row["currency_id"]["name"], "amount": to_units(row["amount_currency"]), "open": rest,
    }  # fmt: skip
