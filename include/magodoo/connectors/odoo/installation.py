"""The database and the user of the key: modules, rights, expiry of keys, identity."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from magodoo.connectors.odoo.rpc import ARCHIVED_TOO, Row, Rpc
from magodoo.errors import FixDocument, Forbidden, UnknownField, Unreadable
from magodoo.timestamps import utc_now

RETURNS = "stock.return.picking"
RIGHTS: tuple[tuple[str, str], ...] = (
    ("res.partner", "create"),
    ("sale.order", "create"),
    ("sale.order", "write"),
    ("account.move", "create"),
    ("account.move", "write"),
    ("account.payment", "create"),
    ("account.move.line", "write"),
    ("stock.picking", "write"),
    ("stock.move", "write"),
    (RETURNS, "create"),
)
"""(model, operation) that the writers need (docs/facts/pair.md#9). 20 has no wizard for returns (docs/facts/odoo-20.md#1)."""

GROUPS = (
    "sales_team.group_sale_salesman_all_leads",
    "account.group_account_invoice",
    "base.group_partner_manager",
    "stock.group_stock_user",
)
"""Groups that grant those rights. Without the first, record rules hide other users' orders without an error."""

MORE_THAN_NEEDED = (
    "base.group_system",
    "base.group_erp_manager",
    "account.group_account_manager",
    "sales_team.group_sale_manager",
)
"""Groups that the pipeline has no use for: with them the key could change the company's setup."""

PROBES: dict[str, tuple[str, str]] = {
    # module: (model, field) that only this module adds; for users who may not list modules
    "account": ("account.move", "payment_state"),
    "sale": ("sale.order", "client_order_ref"),
    "sale_stock": ("sale.order", "picking_ids"),
    "stock": ("stock.picking", "backorder_id"),
    "stock_delivery": ("stock.picking", "carrier_tracking_ref"),
    "delivery": ("sale.order", "carrier_id"),
    "stock_sms": ("res.company", "has_received_warning_stock_sms"),
    "mrp": ("product.product", "bom_count"),
    "account_edi": ("account.move", "edi_state"),
    "account_accountant": ("account.move", "deferred_move_ids"),
}

DATABASE_FIELD = "x_magodoo_database"
"""A field of the company, by which a user who may read no system parameter sees the marks of a copy (docs/how-to/test-on-a-copy.md)."""

_ELECTRONIC = re.compile(r"_edi$|^l10n_[a-z]{2}_edi_")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ELECTRONIC_FIELD = re.compile(r"(l10n_[a-z]{2}_edi)_")


@dataclass(frozen=True)
class CopyMarks:
    """What distinguishes a copy of a database from the original.

    Attributes:
        uuid: Odoo's own `database.uuid`, "" where it is unknown.
        neutralised: Whether the database says that it was neutralised.
        unknown: Why this user cannot tell, as text, "" where it can.
    """

    uuid: str = ""
    neutralised: bool = False
    unknown: str = ""


class Installation:
    """Reads what is installed, and what the user of the key may do."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def modules(self) -> set[str]:
        """Return the installed modules. For a user who may not list them: those of `PROBES` whose field exists."""
        try:
            rows = self._rpc.search_read("ir.module.module", [["state", "=", "installed"]], ["name"])
        except Forbidden:
            return {module for module, (model, field) in PROBES.items() if self._visible(model, field)}
        return {row["name"] for row in rows}

    def e_invoicing(self, sales_journal: str | None = None) -> list[str]:
        """Return what makes documents electronic: modules, and the sales journal's formats (None: of any journal); empty without.

        Modules that the user may not list are detected by their fields on an invoice.
        """
        modules = {name for name in self.modules() if _ELECTRONIC.search(name)}
        fields = (_ELECTRONIC_FIELD.match(name) for name in self._rpc.fields("account.move"))
        modules |= {found[1] for found in fields if found}
        return [*sorted(modules), *(f"journal {code}" for code in self._electronic_journals(sales_journal))]

    def _electronic_journals(self, wanted: str | None) -> list[str]:
        if not self._rpc.has_field("account.journal", "edi_format_ids"):
            return []
        fields = ["code", "active", "edi_format_ids"]
        rows = self._rpc.listed("account.journal", fields, [["type", "=", "sale"]])
        return [
            row["code"] for row in rows if row["active"] and row["edi_format_ids"] and wanted in (None, row["code"])
        ]

    def user_and_rights(self) -> Row:
        """Return the user of the key: id, login, companies, `groups` held of GROUPS, `missing` rights of RIGHTS."""
        user = int(self._rpc.call("res.users", "context_get")["uid"])
        rows = self._rpc.read("res.users", [user], ["login", "name", "company_id", "company_ids"])
        if not rows:
            raise Unreadable("the user of the key cannot be read", system="odoo", call="res.users.read")
        held = self._rpc.in_parallel(lambda group: self._has_group(user, group), GROUPS)
        returns = self._rpc.can("returns_by_wizard", RETURNS)
        rights = [right for right in RIGHTS if returns or right[0] != RETURNS]
        allowed = self._rpc.in_parallel(lambda right: self._may(*right), rights)
        return {
            **rows[0],
            "groups": [group for group, has in zip(GROUPS, held, strict=True) if has],
            "missing": [f"{model} {act}" for (model, act), may in zip(rights, allowed, strict=True) if not may],
        }

    def more_than_needed(self) -> list[str]:
        """Return the groups of this user that no step of the pipeline needs."""
        user = int(self._rpc.call("res.users", "context_get")["uid"])
        held = self._rpc.in_parallel(lambda group: self._has_group(user, group), MORE_THAN_NEEDED)
        return [group for group, has in zip(MORE_THAN_NEEDED, held, strict=True) if has]

    def key_expiry(self) -> date | None:
        """Return the earliest expiry date of this user's RPC keys, None when none expires. Odoo does not report which key is used.

        Expired keys that are still listed are ignored: they would not have been accepted.
        """
        if "expiration_date" not in self._rpc.fields("res.users.apikeys"):
            return None
        user = int(self._rpc.call("res.users", "context_get")["uid"])
        now = f"{utc_now():%Y-%m-%d %H:%M:%S}"
        domain = [["user_id", "=", user], ["scope", "in", [False, "rpc"]], ["expiration_date", ">", now]]
        rows = self._rpc.search_read("res.users.apikeys", domain, ["expiration_date"], order="expiration_date", limit=1)
        return date.fromisoformat(str(rows[0]["expiration_date"])[:10]) if rows else None

    def database_uuid(self) -> str:
        """Return an identity of this database that a restricted user can read: the same for every user and address.

        Reading `database.uuid` needs administrator rights. It is derived from the creation times of the first company, currency and language
        instead. A restored copy has the same identity, whatever its uuid: see `marks_of_copy`.
        """
        known = [self._creation(model, 1) for model in ("res.company", "res.currency", "res.lang")]
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"odoo {' '.join(known)}"))

    def marks_of_copy(self) -> CopyMarks:
        """Return the marks of a copy, of the system parameters or, for a user who may not read them, of `DATABASE_FIELD`.

        Odoo gives a duplicate or a database restored *as a copy* a new uuid; one that is restored *as moved* keeps it.
        """
        domain = [["key", "in", ["database.uuid", "database.is_neutralized"]]]
        try:
            rows = self._rpc.search_read("ir.config_parameter", domain, ["key", "value"])
        except Forbidden:
            return self._marks_of_field()
        found = {str(row["key"]): str(row["value"] or "") for row in rows}
        uuid = found.get("database.uuid", "")
        return CopyMarks(
            uuid, _is_true(found.get("database.is_neutralized", "")), "" if uuid else "it has no `database.uuid`"
        )

    def _marks_of_field(self) -> CopyMarks:
        known = self._rpc.fields("res.company").get(DATABASE_FIELD)
        if known is None:
            return CopyMarks(unknown="the user may not read `database.uuid`")
        if known.get("store"):
            return CopyMarks(unknown=f"the company's field {DATABASE_FIELD} is stored, so that a copy keeps it")
        (row,) = self._rpc.read("res.company", [self._rpc.company_id], [DATABASE_FIELD])
        uuid, _, neutralised = str(row[DATABASE_FIELD] or "").strip().partition(" ")
        if not _UUID.fullmatch(uuid):
            return CopyMarks(unknown=f"the company's field {DATABASE_FIELD} holds no uuid")
        return CopyMarks(uuid, _is_true(neutralised))

    def _visible(self, model: str, field: str) -> bool:
        try:
            return field in self._rpc.fields(model)
        except (UnknownField, Forbidden, FixDocument):
            return False

    def _has_group(self, user: int, group: str) -> bool:
        ids = [user] if self._rpc.version.major >= 18 else None
        return bool(self._rpc.call("res.users", "has_group", ids=ids, group_ext_id=group))

    def may_book_exchange_differences(self) -> bool:
        """Return whether matching may book an exchange difference: before 19 that reads stock.valuation.layer. Read once."""
        return self._rpc.version.major >= 19 or self._rpc.once("exchange differences", self._may_read_valuation)

    def _may_read_valuation(self) -> bool:
        try:
            return bool(self._rpc.call("stock.valuation.layer", "has_access", operation="read", **self._quietly()))
        except UnknownField:
            return True  # without the module nothing is read
        except Forbidden:
            return False

    def _may(self, model: str, operation: str) -> bool:
        """Return whether this user has the right. False for a model that is not installed."""
        try:
            return bool(self._rpc.call(model, "has_access", operation=operation, **self._quietly()))
        except (UnknownField, Forbidden):
            return False

    def _quietly(self) -> dict[str, Any]:
        """Return the argument with which a version before 18 answers whether there is a right, and raises nothing."""
        return {} if self._rpc.version.major >= 18 else {"raise_exception": False}

    def _creation(self, model: str, id: int) -> str:
        rows = self._rpc.search_read(model, [["id", "=", id]], ["create_date"], context=ARCHIVED_TOO)
        return str(rows[0]["create_date"]) if rows else ""


def _is_true(value: str) -> bool:
    """Return whether a parameter says so: Odoo writes `true`, people `True` or 1."""
    return value.strip().lower() in ("true", "1", "t")
