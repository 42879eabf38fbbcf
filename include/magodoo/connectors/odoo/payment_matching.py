"""Payments and what they settle: open receivable lines of both are matched, pair by pair (facts pair 4, odoo-19.0 5).

Odoo matches lines of one account only, and an invoice's is not always its customer's: a fiscal position maps it, and the customer's
may have changed since. What is asked before and after is asked for all pairs at once. Each pair is a call of its own, some at a time:
Odoo has no public call that matches several apart from each other, and lines that are given together are matched by their dates,
whosever they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from magodoo.connectors.odoo.documents import Writers
from magodoo.connectors.odoo.record_trees import Row
from magodoo.connectors.odoo.rpc import expect_rows
from magodoo.errors import FixDocument, MagodooError


@dataclass(frozen=True)
class Settlement:
    """A posted payment and the invoice or credit note that it settles, by database id.

    rate: document currency per company currency, for a payment in company currency of a document in another. Without it
    Odoo converts at its own rate of the day and leaves a residue (measured on 19.0: 0.01 of 83.67 EUR at equal rates).
    """

    payment: int
    document: int
    rate: Decimal | None = None


class Matching(Writers):
    """Adds the matching of payments to the writes."""

    def reconcile_payments(self, settlements: Sequence[Settlement]) -> dict[int, Row | MagodooError]:
        """Match each payment with its document: by payment the document's amount_residual, payment_state and state, or why not.

        Matching what is matched already changes nothing; there is nothing to match is a FixDocument.
        """
        entries = {
            row["id"]: row["move_id"] for row in self._read("account.payment", _payments(settlements), ["move_id"])
        }
        moves = {
            item.payment: [entry[0] if (entry := entries.get(item.payment)) else 0, item.document]
            for item in settlements
        }
        lines = self.open_receivables({move for pair in moves.values() for move in pair})
        answers = self.in_parallel(lambda item: self._match(item, moves[item.payment], lines), settlements, write=True)
        problems = {
            item.payment: problem for item, problem in zip(settlements, answers, strict=True) if problem is not None
        }
        wanted = sorted({item.document for item in settlements if item.payment not in problems})
        fields = ["amount_residual", "payment_state", "state"]
        after = {row["id"]: row for row in self._read("account.move", wanted, fields)}
        still = self.open_receivables({pair[0] for payment, pair in moves.items() if payment not in problems})
        return {
            item.payment: problems.get(item.payment)
            or _outcome(item, after.get(item.document), bool(still.get(moves[item.payment][0])))
            for item in settlements
        }

    def reconcile_payment(self, payment_id: int, move_id: int, *, rate: Decimal | None = None) -> Row:
        """One pair; raises what `reconcile_payments` gives as its problem."""
        answer = self.reconcile_payments([Settlement(payment_id, move_id, rate)])[payment_id]
        if isinstance(answer, MagodooError):
            raise answer
        return answer

    def _match(self, item: Settlement, moves: list[int], lines: Mapping[int, list[Row]]) -> MagodooError | None:
        entry, document = (lines.get(move, []) for move in moves)
        accounts = {line["account_id"][0] for line in entry}
        fitting = [line for line in document if line["account_id"][0] in accounts]
        if not entry or not document:
            return None  # one of them is settled: what stands there now is read afterwards
        if not fitting:
            names = self.account_names([line["account_id"][0] for line in (*entry, *document)])
            sides = [sorted({names[line["account_id"][0]] for line in side}) for side in (entry, document)]
            return FixDocument(
                f"the payment is on {', '.join(sides[0])} and the document on {', '.join(sides[1])}: Odoo matches no two accounts",
                system="odoo", call="account.move.line.reconcile",
            )  # fmt: skip
        open_lines = [*entry, *fitting]
        several = len({line["currency_id"][0] for line in open_lines}) > 1
        context = {"forced_rate_from_register_payment": float(item.rate)} if item.rate and several else None
        try:
            self.write_call("account.move.line", "reconcile", ids=[line["id"] for line in open_lines], context=context)
        except FixDocument as problem:
            # another one was faster if nothing is open any more; Odoo's words for that depend on the language
            still = self.open_receivables(moves)
            return problem if all(still.get(move) for move in moves) else None
        except MagodooError as problem:
            return problem
        return None

    def open_receivables(self, moves: Collection[int]) -> dict[int, list[Row]]:
        """The receivable lines of these posted entries that are not matched in full, by entry.

        Each with account_id, partner_id, currency_id, and what is open in its currency and in the company's.
        """
        domain = [
            *self.company_domain("account.move.line"),
            ["move_id", "in", sorted(moves)],
            ["account_type", "=", "asset_receivable"],
            ["parent_state", "=", "posted"],
            ["reconciled", "=", False],
        ]
        fields = ["move_id", "currency_id", "account_id", "partner_id", "amount_residual", "amount_residual_currency"]
        answer = self.call("account.move.line", "search_read", domain=domain, fields=fields, order="id")
        found: dict[int, list[Row]] = {}
        for line in expect_rows(answer, "account.move.line.search_read"):
            found.setdefault(line["move_id"][0], []).append(line)
        return found

    def account_names(self, ids: Collection[int]) -> dict[int, str]:
        """`121000 Account Receivable` by id; Odoo shows the code in a name only to those who may read all of the accounting."""
        if not ids:
            return {}
        rows = self.call("account.account", "read", ids=sorted(set(ids)), fields=["code", "name"])
        return {
            row["id"]: f"{row['code'] or ''} {row['name']}".strip() for row in expect_rows(rows, "account.account.read")
        }

    def payment_heads(self, ids: Sequence[int]) -> dict[int, Row]:
        """What posting these payments would book, by id: amount, currency, customer and both accounts."""
        fields = [
            "name",
            "state",
            "amount",
            "currency_id",
            "partner_id",
            "destination_account_id",
            "outstanding_account_id",
        ]
        return {row["id"]: row for row in self._read("account.payment", ids, fields)}


def _payments(settlements: Sequence[Settlement]) -> list[int]:
    return sorted({item.payment for item in settlements})


def _outcome(item: Settlement, row: Row | None, still_open: bool) -> Row | MagodooError:
    call = "account.move.line.reconcile"
    if row is None:
        return FixDocument(f"record {item.document} does not exist", system="odoo", call=call)
    if row["payment_state"] == "not_paid" and row["amount_residual"]:
        return FixDocument(
            f"payment {item.payment} and document {item.document} have no open entries to match",
            system="odoo",
            call=call,
        )
    if still_open:
        return FixDocument(f"document {item.document} was settled by others meanwhile", system="odoo", call=call)
    return row
