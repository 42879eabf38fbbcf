"""Settlements of an invoice or credit note: the partial reconciliations of its receivable items, whoever made them.

The payments that Odoo links to a document do not prove that it is paid: one payment may settle several documents, and since Odoo 18 a bank statement line
is matched with the document itself, without any `account.payment`. Partial reconciliations are the same in every supported version (16 to
19): which entry settled which part, in the document's currency.

Amounts are units (1/10000). The sums of an entry are in company currency, signed from the document's view: positive settles it (money
received for an invoice, money paid out for a credit note).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from magodoo.connectors.odoo.rpc import ARCHIVED_TOO, Row, Rpc
from magodoo.domain.states import PAYMENT_MADE_WITHOUT_ENTRY, OdooMovePaymentState, OdooMoveState
from magodoo.errors import FixDocument, Unreadable
from magodoo.money import to_units

PARTIAL, ITEM, PAYMENT = "account.partial.reconcile", "account.move.line", "account.payment"
OPEN_ACCOUNTS = ["asset_receivable", "liability_payable"]
LIQUIDITY_ACCOUNTS = frozenset({"asset_cash", "liability_credit_card"})
MOST_ACCOUNTS = 3
_SIDES = (("debit_move_id", "credit_move_id", "debit_amount_currency"),
          ("credit_move_id", "debit_move_id", "credit_amount_currency"))  # fmt: skip
_ITEM_FIELDS = ["move_id", "move_type", "journal_id", "statement_line_id", "payment_id", "date"]
_ENTRY_FIELDS = ["move_id", "account_id", "account_type", "balance"]


class Settlements:
    """Reads what settled invoices and credit notes."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def add(self, rows: Sequence[Row]) -> dict[int, str]:
        """Set `settlements` and `unbooked_payments` of every row. Return, by id, why some cannot be read; their lists are not to be used.

        settlements: id (of the partial reconciliation), amount (in the document's currency) and `entry`, the other side, with id, name, move_type
        ("" where this user cannot see it), journal, date, is_payment, is_statement, is_exchange, and for an entry that is no document: gross (its
        receivable items that settle documents), liquidity (bank, cash and outstanding accounts), other (the rest: charges and write-offs where
        positive), accounts (names of the rest), is_result (whether any of the rest is income or expense), is_expense (whether all of it is
        expense), has_liquidity.

        unbooked_payments: payments without an entry, with id, name, journal, amount, currency, due (open amount of their documents).
        """
        touched = [row for row in rows if _is_touched(row)]
        for row in rows:
            row["settlements"], row["unbooked_payments"] = [], []
        problems: dict[int, str] = {}
        try:
            self._add(touched)
        except (FixDocument, Unreadable):
            for row in touched:  # one of them fails: read each alone, so that the others succeed
                row["settlements"], row["unbooked_payments"] = [], []
                try:
                    self._add([row])
                except (FixDocument, Unreadable) as problem:
                    problems[row["id"]] = f"what settled it: {problem}"
        return problems

    def payments_of(self, moves: Sequence[int]) -> set[int]:
        """Return the payments whose entries settle one of these documents in part (docs/facts/odoo-versions.md#3)."""
        partials = self._partials(list(moves)) if moves else []
        items = self._items(sorted({partial[side][0] for partial in partials for side, _, _ in _SIDES}))
        return {item["payment_id"][0] for item in items.values() if item["payment_id"]}

    def _add(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        of_row = {row["id"]: row for row in rows}
        partials = self._partials(list(of_row))
        items = self._items(sorted({partial[side][0] for partial in partials for side, _, _ in _SIDES}))
        exchange = {partial["exchange_move_id"][0] for partial in partials if partial.get("exchange_move_id")}
        entries = self._entries(items, of_row)
        for partial in partials:
            for side, other, amount in _SIDES:
                item, counterpart = items.get(partial[side][0]), items.get(partial[other][0])
                row = of_row.get(item["move_id"][0]) if item else None
                if item is None or row is None or (counterpart and counterpart["move_id"] == item["move_id"]):
                    continue
                entry = _entry(partial[other], counterpart, exchange, entries, 1 if side == "debit_move_id" else -1)
                row["settlements"].append({"id": partial["id"], "amount": to_units(partial[amount]), "entry": entry})
        self._add_unbooked(rows, {item["payment_id"][0] for item in items.values() if item["payment_id"]})

    def _partials(self, moves: list[int]) -> list[Row]:
        """Return the partial reconciliations of the receivable and payable items of these documents, oldest first."""
        either = [
            ["&", [f"{side}.move_id", "in", moves], [f"{side}.account_id.account_type", "in", OPEN_ACCOUNTS]]
            for side, _, _ in _SIDES
        ]
        fields = [*(name for side, _, amount in _SIDES for name in (side, amount)), "exchange_move_id"]
        return self._listed(PARTIAL, ["|", *either[0], *either[1]], fields)

    def _items(self, ids: list[int]) -> dict[int, Row]:
        """Return items by id. Those of another company, which this user does not see, are left out."""
        return {row["id"]: row for row in self._listed(ITEM, [["id", "in", ids]], _ITEM_FIELDS)} if ids else {}

    def _entries(self, items: Mapping[int, Row], of_row: Mapping[int, Row]) -> dict[int, Row]:
        """Return the sums of the entries on the other side, by their id: company currency, debit positive."""
        heads = {item["move_id"][0]: item for item in items.values() if item["move_id"][0] not in of_row}
        wanted = sorted(id for id, head in heads.items() if head["move_type"] == "entry")
        if not wanted:
            return {}
        lines: dict[int, list[Row]] = {id: [] for id in wanted}
        for line in self._listed(ITEM, [["move_id", "in", wanted]], _ENTRY_FIELDS):
            lines[line["move_id"][0]].append(line)
        liquid = {**self._journals_own(heads, lines), **self._outstanding(heads, lines)}
        return {id: _sums(own, liquid.get(id, 0)) for id, own in lines.items()}

    def _outstanding(self, heads: Mapping[int, Row], lines: Mapping[int, Sequence[Row]]) -> dict[int, int]:
        """Return the outstanding account of payments' entries: of their only other line, else as set on the payment."""
        others = {
            id: [line for line in own if not _is_open(line)] for id, own in lines.items() if heads[id]["payment_id"]
        }
        known = {id: own[0]["account_id"][0] for id, own in others.items() if len(own) == 1}
        wanted = {heads[id]["payment_id"][0]: id for id, own in others.items() if len(own) > 1}
        if wanted:
            found = self._listed(PAYMENT, [["id", "in", sorted(wanted)]], ["outstanding_account_id"])
            known |= {
                wanted[row["id"]]: row["outstanding_account_id"][0] for row in found if row["outstanding_account_id"]
            }
        return known

    def _journals_own(self, heads: Mapping[int, Row], lines: Mapping[int, Sequence[Row]]) -> dict[int, int]:
        """Return the default account of the bank or cash journal, by entry, for entries without a payment.

        Read only where a line may be on it.
        """
        journals = {
            id: heads[id]["journal_id"][0]
            for id, own in lines.items()
            if not heads[id]["payment_id"] and not all(_is_open(line) or _is_liquid(line) for line in own)
        }
        if not journals:
            return {}
        domain = [["id", "in", sorted(set(journals.values()))], ["type", "in", ["bank", "cash", "credit"]]]
        found = self._listed("account.journal", domain, ["default_account_id"])
        own = {row["id"]: row["default_account_id"][0] for row in found if row["default_account_id"]}
        return {id: own[journal] for id, journal in journals.items() if journal in own}

    def _add_unbooked(self, rows: Sequence[Row], booked: set[int]) -> None:
        """Add payments of these documents without an entry: their method has no outstanding account (Odoo 18 and later)."""
        linked = {
            payment["id"]: payment
            for row in rows
            for payment in row.get("matched_payment_ids") or ()
            if payment["id"] not in booked and payment.get("state") in PAYMENT_MADE_WITHOUT_ENTRY
        }
        if not linked:
            return
        domain = [["id", "in", sorted(linked)], ["move_id", "=", False]]
        payments = self._listed(PAYMENT, domain, ["name", "journal_id", "amount", "currency_id", "invoice_ids"])
        documents = sorted({id for payment in payments for id in payment["invoice_ids"]})
        due = {
            row["id"]: to_units(row["amount_residual"])
            for row in (
                self._listed("account.move", [["id", "in", documents]], ["amount_residual"]) if documents else ()
            )
        }
        made = {
            payment["id"]: {
                "id": payment["id"], "name": payment["name"] or "", "journal": _name(payment["journal_id"]),
                "amount": to_units(payment["amount"]), "currency": _name(payment["currency_id"]),
                "due": sum(due.get(id, 0) for id in payment["invoice_ids"]),
            }
            for payment in payments
        }  # fmt: skip
        for row in rows:
            ids = [payment["id"] for payment in row.get("matched_payment_ids") or ()]
            row["unbooked_payments"] = [made[id] for id in ids if id in made]

    def _listed(self, model: str, domain: list[Any], fields: list[str]) -> list[Row]:
        return self._rpc.search_read(model, domain, fields, order="id", context=ARCHIVED_TOO)


def _is_touched(row: Mapping[str, Any]) -> bool:
    """Return whether a posted document is settled, in whole or in part."""
    if row.get("state") != OdooMoveState.POSTED:
        return False
    is_open = to_units(row.get("amount_residual")) == to_units(row.get("amount_total"))
    return not is_open or row.get("payment_state") not in (False, None, OdooMovePaymentState.NOT_PAID)


def _is_open(line: Mapping[str, Any]) -> bool:
    return line["account_type"] in OPEN_ACCOUNTS


def _is_liquid(line: Mapping[str, Any]) -> bool:
    return line["account_type"] in LIQUIDITY_ACCOUNTS


def _sums(lines: Sequence[Row], liquid: int) -> Row:
    """Return an entry's balances by type of account (debit positive), receivable items separately for each sign.

    `liquid` is the id of an account that counts as liquidity regardless of its type.
    """
    sums = {"debit": 0, "credit": 0, "liquidity": 0, "other": 0}
    has_liquidity, rest = False, dict[str, str]()
    for line in lines:
        balance = to_units(line["balance"])
        if _is_open(line):
            sums["debit" if balance > 0 else "credit"] += balance
        elif _is_liquid(line) or line["account_id"][0] == liquid:
            sums["liquidity"] += balance
            has_liquidity = True
        else:
            sums["other"] += balance
            rest[_name(line["account_id"])] = str(line["account_type"])
    words = {
        "has_liquidity": has_liquidity, "accounts": list(rest)[:MOST_ACCOUNTS],
        "is_result": any(kind.startswith(("income", "expense")) for kind in rest.values()),
        "is_expense": all(kind.startswith("expense") for kind in rest.values()),
    }  # fmt: skip
    return {**sums, **words}


def _entry(named: list[Any], item: Row | None, exchange: set[int], entries: Mapping[int, Row], sign: int) -> Row:
    """Return the other side of a partial reconciliation, signed from the document's view (`sign`: 1 for what is owed to us)."""
    if item is None:
        return {"id": 0, "name": str(named[1]), "move_type": "", "journal": ""}
    id = item["move_id"][0]
    head = {
        "id": id, "name": _name(item["move_id"]), "move_type": item["move_type"], "journal": _name(item["journal_id"]),
        "date": item["date"] or "", "is_payment": bool(item["payment_id"]), "is_statement": bool(item["statement_line_id"]), "is_exchange": id in exchange,
    }  # fmt: skip
    if id not in entries:
        return head
    sums = dict(entries[id])
    debit, credit = sums.pop("debit"), sums.pop("credit")
    signed = {name: sign * sums[name] for name in ("liquidity", "other")}
    return {**head, **sums, **signed, "gross": -credit if sign > 0 else debit}


def _name(value: Any) -> str:
    """Return the name of a many2one as `search_read` returns it."""
    return str(value[1]) if isinstance(value, list) and len(value) == 2 else ""
