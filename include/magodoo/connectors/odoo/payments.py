"""Payments in Odoo, and their matching with documents: open receivable lines of both, pair by pair (docs/facts/pair.md#4, docs/facts/odoo-19.0.md#5).

Odoo only matches lines of one account, and an invoice's account is not always its customer's: a fiscal position maps it, and the customer's
may have changed since. The reads before and after are done for all pairs at once. Each pair is one call, some in parallel: Odoo has no
public call that matches several pairs separately, and lines passed together are matched by date, whichever pair they belong to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from magodoo.connectors.odoo.bulk_load import BulkLoad, Loaded, Table
from magodoo.connectors.odoo.document_steps import Done, advance
from magodoo.connectors.odoo.rpc import Row, Rpc
from magodoo.domain.states import PAYMENT_MADE, OdooMovePaymentState, OdooMoveState, OdooPaymentState
from magodoo.errors import FixConfiguration, FixDocument, MagodooError


@dataclass(frozen=True)
class Settlement:
    """A posted payment and the invoice or credit note that it settles, by database id.

    `rate` is document currency per company currency, for a payment in company currency of a document in another. Without it Odoo converts at
    its own rate of the day and leaves a residue (measured on 19.0: 0.01 of 83.67 EUR at equal rates).
    """

    payment: int
    document: int
    rate: Decimal | None = None


class Payments:
    """Writes payments, and matches them with invoices and credit notes."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc, self._bulk_load = rpc, BulkLoad(rpc)

    def create(self, fields: Sequence[str], rows: Table) -> Loaded:
        """Create the draft payments that do not exist yet. See `BulkLoad.create`."""
        return self._bulk_load.create("account.payment", fields, rows)

    def post(self, ids: Sequence[int]) -> Done:
        """Post payments, each with its journal entry.

        A payment that Odoo posts without an entry (docs/facts/odoo-19.0.md#5, *Trap*) is returned as refused, with FixConfiguration.
        """
        done = advance(
            self._rpc,
            "account.payment",
            "action_post",
            ids,
            pending=(OdooPaymentState.DRAFT,),
            wanted=PAYMENT_MADE,
        )
        for row in self._rpc.records("account.payment", done.ids, ["move_id"]):
            if not row["move_id"]:
                done.ids.remove(row["id"])
                done.refused[row["id"]] = FixConfiguration(
                    f"payment {row['id']} was posted without a journal entry", system="odoo",
                    call="account.payment.action_post", hint="set an outstanding account on the journal's method lines",
                )  # fmt: skip
        return done

    def reconcile(self, settlements: Sequence[Settlement]) -> dict[int, Row | MagodooError]:
        """Match each payment with its document. Return, by payment, the document's amount_residual, payment_state and state, or the error.

        Safe to repeat. FixDocument means that there is nothing to match.
        """
        entries = {
            row["id"]: row["move_id"]
            for row in self._rpc.records("account.payment", _payments(settlements), ["move_id"])
        }
        moves = {
            item.payment: [entry[0] if (entry := entries.get(item.payment)) else 0, item.document]
            for item in settlements
        }
        lines = self.open_receivables({move for pair in moves.values() for move in pair})
        answers = self._rpc.in_parallel(
            lambda item: self._match(item, moves[item.payment], lines), settlements, write=True
        )
        problems = {
            item.payment: problem for item, problem in zip(settlements, answers, strict=True) if problem is not None
        }
        wanted = sorted({item.document for item in settlements if item.payment not in problems})
        fields = ["amount_residual", "payment_state", "state"]
        after = {row["id"]: row for row in self._rpc.records("account.move", wanted, fields)}
        still = self.open_receivables({pair[0] for payment, pair in moves.items() if payment not in problems})
        return {
            item.payment: problems.get(item.payment)
            or _outcome(item, after.get(item.document), bool(still.get(moves[item.payment][0])))
            for item in settlements
        }

    def reconcile_one(self, payment_id: int, move_id: int, *, rate: Decimal | None = None) -> Row:
        """Match one pair and return the document's state. Raises what `reconcile` returns as error."""
        answer = self.reconcile([Settlement(payment_id, move_id, rate)])[payment_id]
        if isinstance(answer, MagodooError):
            raise answer
        return answer

    def _match(self, item: Settlement, moves: list[int], lines: Mapping[int, list[Row]]) -> MagodooError | None:
        entry, document = (lines.get(move, []) for move in moves)
        accounts = {line["account_id"][0] for line in entry}
        fitting = [line for line in document if line["account_id"][0] in accounts]
        if not entry or not document:
            return None  # one of them is settled: its state is read afterwards
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
            self._rpc.write_call(
                "account.move.line", "reconcile", ids=[line["id"] for line in open_lines], context=context
            )
        except FixDocument as problem:
            # if nothing is open any more another writer was first; Odoo's message for that depends on the language
            still = self.open_receivables(moves)
            return problem if all(still.get(move) for move in moves) else None
        except MagodooError as problem:
            return problem
        return None

    def open_receivables(self, moves: Collection[int]) -> dict[int, list[Row]]:
        """Return the receivable lines of these posted entries that are not fully matched, by entry.

        Each has account_id, partner_id, currency_id, and the open amounts in its currency and in the company's.
        """
        domain = [
            *self._rpc.company_domain("account.move.line"),
            ["move_id", "in", sorted(moves)],
            ["account_type", "=", "asset_receivable"],
            ["parent_state", "=", OdooMoveState.POSTED],
            ["reconciled", "=", False],
        ]
        fields = ["move_id", "currency_id", "account_id", "partner_id", "amount_residual", "amount_residual_currency"]
        found: dict[int, list[Row]] = {}
        for line in self._rpc.search_read("account.move.line", domain, fields, order="id"):
            found.setdefault(line["move_id"][0], []).append(line)
        return found

    def account_names(self, ids: Collection[int]) -> dict[int, str]:
        """Return `121000 Account Receivable` by id. Odoo includes the code in names only for users with full accounting rights."""
        if not ids:
            return {}
        rows = self._rpc.read("account.account", sorted(set(ids)), ["code", "name"])
        return {row["id"]: f"{row['code'] or ''} {row['name']}".strip() for row in rows}

    def heads(self, ids: Sequence[int]) -> dict[int, Row]:
        """Return what posting these payments would book, by id: amount, currency, customer and both accounts."""
        fields = [
            "name",
            "state",
            "amount",
            "currency_id",
            "partner_id",
            "destination_account_id",
            "outstanding_account_id",
        ]
        return {row["id"]: row for row in self._rpc.records("account.payment", ids, fields)}


def _payments(settlements: Sequence[Settlement]) -> list[int]:
    return sorted({item.payment for item in settlements})


def _outcome(item: Settlement, row: Row | None, still_open: bool) -> Row | MagodooError:
    call = "account.move.line.reconcile"
    if row is None:
        return FixDocument(f"record {item.document} does not exist", system="odoo", call=call)
    if row["payment_state"] == OdooMovePaymentState.NOT_PAID and row["amount_residual"]:
        return FixDocument(
            f"payment {item.payment} and document {item.document} have no open entries to match",
            system="odoo",
            call=call,
        )
    if still_open:
        return FixDocument(f"document {item.document} was settled by others meanwhile", system="odoo", call=call)
    return row
