"""Payments and what they settle: open receivable lines of both are matched, pair by pair (facts pair 4, odoo-19.0 5).

What is asked before and after is asked for all pairs at once. Each pair is a call of its own, some at a time: Odoo has no public call that
matches several apart from each other, and lines that are given together are matched by their dates, whosever they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from magodoo.errors import FixDocument, MagodooError
from magodoo.odoo.caller import expect_rows
from magodoo.odoo.trees import Row
from magodoo.odoo.writers import Writers


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
        lines = self._open_receivables(sorted({move for pair in moves.values() for move in pair}))
        answers = self.in_parallel(lambda item: self._match(item, moves[item.payment], lines), settlements, write=True)
        problems = {
            item.payment: problem for item, problem in zip(settlements, answers, strict=True) if problem is not None
        }
        wanted = sorted({item.document for item in settlements if item.payment not in problems})
        fields = ["amount_residual", "payment_state", "state"]
        after = {row["id"]: row for row in self._read("account.move", wanted, fields)}
        return {
            item.payment: problems.get(item.payment) or _outcome(item, after.get(item.document)) for item in settlements
        }

    def reconcile_payment(self, payment_id: int, move_id: int, *, rate: Decimal | None = None) -> Row:
        """One pair; raises what `reconcile_payments` gives as its problem."""
        answer = self.reconcile_payments([Settlement(payment_id, move_id, rate)])[payment_id]
        if isinstance(answer, MagodooError):
            raise answer
        return answer

    def _match(self, item: Settlement, moves: list[int], lines: Mapping[int, list[Row]]) -> MagodooError | None:
        open_lines = [line for move in moves for line in lines.get(move, ())]
        if not all(lines.get(move) for move in moves):
            return None  # one of them is settled: what stands there now is read afterwards
        several = len({line["currency_id"][0] for line in open_lines}) > 1
        context = {"forced_rate_from_register_payment": float(item.rate)} if item.rate and several else None
        try:
            self.write_call("account.move.line", "reconcile", ids=[line["id"] for line in open_lines], context=context)
        except FixDocument as problem:
            # another one was faster if nothing is open any more; Odoo's words for that depend on the language
            still = self._open_receivables(moves)
            return problem if all(still.get(move) for move in moves) else None
        except MagodooError as problem:
            return problem
        return None

    def _open_receivables(self, moves: list[int]) -> dict[int, list[Row]]:
        """The receivable lines of these entries that are not matched in full, by entry."""
        domain = [
            *self.company_domain("account.move.line"),
            ["move_id", "in", moves],
            ["account_type", "=", "asset_receivable"],
            ["parent_state", "=", "posted"],
            ["reconciled", "=", False],
        ]
        answer = self.call("account.move.line", "search_read", domain=domain, fields=["move_id", "currency_id"])
        found: dict[int, list[Row]] = {}
        for line in expect_rows(answer, "account.move.line.search_read"):
            found.setdefault(line["move_id"][0], []).append(line)
        return found


def _payments(settlements: Sequence[Settlement]) -> list[int]:
    return sorted({item.payment for item in settlements})


def _outcome(item: Settlement, row: Row | None) -> Row | MagodooError:
    call = "account.move.line.reconcile"
    if row is None:
        return FixDocument(f"record {item.document} does not exist", system="odoo", call=call)
    if row["payment_state"] == "not_paid" and row["amount_residual"]:
        return FixDocument(
            f"payment {item.payment} and document {item.document} have no open entries to match",
            system="odoo",
            call=call,
        )
    return row
