"""The dynamic part of an entry: tax lines, the receivable line, totals in both currencies, and the amount due."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo import taxes
from magodoo_sandbox.odoo.beside import lower_tax_at_once, round_to_cash
from magodoo_sandbox.odoo.cash_basis import ON_PAYMENT
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.fields import ZERO, number, rounded
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.move_lines import OPEN_TYPES
from magodoo_sandbox.odoo.store import Row
from magodoo_sandbox.odoo.taxes import Part, TaxedLine, Terms

# Product lines of these types are credits.
_CREDIT = ("out_invoice", "in_refund", "out_receipt")


_AMOUNTS = ("amount_currency", "balance")


class MoveTotals(Model):
    """What `account.move` recomputes. An entry keeps the lines that it was given."""

    def rebuild(self, env: Env, ids: list[int]) -> None:
        """Brings drafts in line with their product lines; in a batch all tax lines come before all receivables."""
        documents = [record for record in ids if self.rows[record]["move_type"] != "entry"]
        for record in documents:
            self._book_taxes(env, record)
        self._finish(env, documents)
        for record in ids:
            if self.rows[record]["move_type"] == "entry":
                self._total_entry(env, record)

    def rebuild_after(self, env: Env, ids: list[int], vals: Row) -> None:
        """After write(): a forced tax line stays, `extra_tax_data` alone changes nothing (docs/facts/pair.md#2.1)."""
        commands = [*(vals.get("line_ids") or []), *(vals.get("invoice_line_ids") or [])]
        if any(
            name in vals for name in ("currency_id", "invoice_currency_rate", "move_type", "invoice_payment_term_id")
        ):
            self.rebuild(env, ids)
        elif "tax_totals" in vals:
            for record in ids:
                self._force_total(env, record, vals["tax_totals"])
            self._finish(env, ids)
        elif "invoice_cash_rounding_id" in vals or (commands and all(self._is_amount(command) for command in commands)):
            self._finish(env, ids)
        elif any(command[0] != 1 or set(command[2]) - {"extra_tax_data"} for command in commands):
            self.rebuild(env, ids)

    def name_terms(self, env: Env, record: int) -> None:
        row, lines = self.rows[record], self.db.models["account.move.line"]
        label = " - ".join(text for text in (row.get("ref"), row.get("payment_reference")) if text)
        for line in self.get(row, "line_ids"):
            if lines.rows[line]["display_type"] == "payment_term":
                lines.put(env, line, name=label or False)

    def open_lines(self, row: Row) -> list[int]:
        lines = self.db.models["account.move.line"]
        ids = self.get(row, "line_ids")
        return [
            i
            for i in ids
            if lines.get(lines.rows[i], "account_type") in OPEN_TYPES and not lines.rows[i].get("reconciled")
        ]

    def refresh_payment(self, env: Env, ids: list[int]) -> None:
        """Amount due and payment state of documents, from their receivable lines."""
        lines = self.db.models["account.move.line"]
        for record in ids:
            row = self.rows[record]
            if row["move_type"] == "entry":
                continue
            terms = [
                lines.rows[i] for i in self.get(row, "line_ids") if lines.rows[i]["display_type"] == "payment_term"
            ]
            rest = sum((term.get("amount_residual_currency", ZERO) for term in terms), ZERO)
            signed = sum((term.get("amount_residual", ZERO) for term in terms), ZERO)
            due = -rest * self.sign(row)
            state = self._payment_state(row, due, terms)
            self.put(env, record, amount_residual=due, amount_residual_signed=signed, payment_state=state)

    def linked_payments(self, row: Row) -> list[int]:
        """Payments that name the document, matched or not."""
        return self.db.store.find("account.payment", "invoice_ids", row["id"])

    def reconciled_payments(self, row: Row) -> list[int]:
        """Payments whose items are matched with the document's."""
        lines = self.db.models["account.move.line"]
        terms = [lines.rows[i] for i in self.get(row, "line_ids") if lines.rows[i]["display_type"] == "payment_term"]
        found = {move.get("origin_payment_id") for move in self.counterparts(terms)}
        return sorted(payment for payment in found if payment)

    def tax_totals(self, row: Row) -> Any:
        """Return the widget's tree, with one group as the generic chart has (docs/facts/odoo-19.0.md#3 [342])."""
        if row["move_type"] == "entry":
            return False
        base, tax, total = (row.get(key, ZERO) for key in ("amount_untaxed", "amount_tax", "amount_total"))
        signed = {
            "base_amount": abs(row.get("amount_untaxed_signed", ZERO)),
            "tax_amount": abs(row.get("amount_tax_signed", ZERO)),
        }
        amounts = {"tax_amount_currency": tax, "base_amount_currency": base, **signed}
        lines = self.db.tables["account.move.line"]
        involved = sorted({t for i in self.get(row, "invoice_line_ids") for t in lines[i].get("tax_ids") or []})
        display = {"display_base_amount_currency": base, "display_base_amount": signed["base_amount"]}
        group = {
            "id": 1,
            "involved_tax_ids": involved,
            **amounts,
            **display,
            "group_name": "Tax 15%",
            "group_label": False,
        }
        return {
            "currency_id": row["currency_id"],
            "currency_pd": Decimal("0.01"),
            "company_currency_id": self.get(row, "company_currency_id"),
            "company_currency_pd": Decimal("0.01"),
            "has_tax_groups": bool(involved),
            "subtotals": [{"tax_groups": [group] if involved else [], **amounts, "name": "Untaxed Amount"}],
            **amounts,
            "same_tax_base": True,
            "total_amount_currency": total,
            "total_amount": abs(row.get("amount_total_signed", ZERO)),
            "display_in_company_currency": False,
        }

    # Lines

    def _book_taxes(self, env: Env, record: int) -> None:
        row, lines = self.rows[record], env["account.move.line"]
        all_lines = [lines.rows[i] for i in self.get(row, "line_ids")]
        products = [line for line in all_lines if line["display_type"] == "product"]
        results = taxes.compute(products, env["account.tax"].rows, self.terms(env, row))
        sign = self.sign(row)
        for line, result in zip(products, results, strict=True):
            booked = {
                "amount_currency": sign * result.base.amount,
                "balance": sign * result.base.company,
                "tax_tag_ids": self._tags(env, row, line.get("tax_ids") or [], "base"),
            }
            lines.put(env, line["id"], price_subtotal=result.subtotal, price_total=result.total,
                      currency_id=row["currency_id"], **booked)  # fmt: skip
        kept = {line["tax_line_id"]: line["id"] for line in all_lines if line["display_type"] == "tax"}
        wanted = _tax_sums([*results, *lower_tax_at_once(self, env, record, products)])
        lines.erase(env, [line for tax, line in kept.items() if tax not in wanted])
        for tax, (part, base) in wanted.items():
            amounts = {
                "amount_currency": sign * part.amount,
                "balance": sign * part.company,
                "tax_base_amount": sign * base,
            }
            self.set_line(
                env,
                record,
                kept.get(tax),
                "tax",
                {
                    "tax_line_id": tax,
                    "name": env["account.tax"].rows[tax]["name"],
                    "account_id": self._tax_account(env, row, tax),
                    "tax_tag_ids": self._tags(env, row, [tax], "tax"),
                },
                amounts,
            )

    def _tags(self, env: Env, row: Row, used: list[int], kind: str) -> list[int]:
        """Return the tags of taxes on their base or on themselves; those of taxes that are due on payment come with the payment (19)."""
        known = env["account.tax"]
        now = [tax for tax in used if known.rows[tax].get("tax_exigibility") != ON_PAYMENT]
        return list(known.tags(now, row["move_type"], kind))

    def _tax_account(self, env: Env, row: Row, tax: int) -> int:
        known = env["account.tax"]
        if known.rows[tax].get("tax_exigibility") == ON_PAYMENT:
            return int(known.rows[tax].get("cash_basis_transition_account_id") or 0)
        return int(known.part(tax, row["move_type"], "tax").get("account_id") or 0)

    def is_exigible(self, row: Row) -> bool:
        """Return whether an entry has no tax that is due on payment only."""
        lines, known = self.db.tables["account.move.line"], self.db.tables["account.tax"]
        used = {
            tax
            for line in (lines[i] for i in self.get(row, "line_ids"))
            for tax in (*(line.get("tax_ids") or ()), line.get("tax_line_id"))
            if tax
        }
        return row["move_type"] == "entry" or all(
            known[tax].get("tax_exigibility", "on_invoice") == "on_invoice" for tax in used
        )

    def set_line(self, env: Env, record: int, line: int | None, kind: str, facts: Row, amounts: Row) -> int:
        lines, row = env["account.move.line"], self.rows[record]
        if line:
            lines.put(env, line, currency_id=row["currency_id"], **amounts)
            return line
        accounts = env["account.account"]
        # A tax without an account of its own is booked where the sale is (docs/facts/odoo-19.0.md#5 [472]).
        account = facts.pop("account_id", 0) or accounts.of_type(row["company_id"], "income")
        fresh = {"move_id": record, "display_type": kind, "account_id": account, "tax_ids": [], **facts, **amounts}
        return int(lines.make(env, [fresh], nested=True)[0])

    def _finish(self, env: Env, ids: list[int]) -> None:
        for record in ids:
            round_to_cash(self, env, record)
            self._book_term(env, record)
        for record in ids:
            self._total(env, record)
        self.refresh_payment(env, ids)

    def _book_term(self, env: Env, record: int) -> None:
        """Make the receivable lines: one, or one for each instalment of the payment term."""
        lines, row = env["account.move.line"], self.rows[record]
        all_lines = [lines.rows[i] for i in self.get(row, "line_ids")]
        standing = [line["id"] for line in all_lines if line["display_type"] == "payment_term"]
        others = [line for line in all_lines if line["display_type"] in ("product", "tax", "epd", "rounding")]
        if not others:
            lines.erase(env, standing)
            return
        due = self._instalments(env, row, others)
        account = env["res.partner"].receivable(env, row.get("partner_id") or 0, row["company_id"])
        account = env["account.fiscal.position"].mapped(env, row.get("fiscal_position_id") or 0, account)
        lines.erase(env, standing[len(due) :])
        for place, (day, amounts) in enumerate(due):
            facts = {"name": row.get("ref", False), "date_maturity": day, "account_id": account}
            line = standing[place] if place < len(standing) else None
            made = self.set_line(env, record, line, "payment_term", facts, amounts)
            lines.put(env, made, date_maturity=day)
            lines.settle(env, made)

    def _instalments(self, env: Env, row: Row, others: list[Row]) -> list[tuple[Any, Row]]:
        """(due date, amounts) of each receivable line; sets the document's due date to the last. Without a term it is the one that
        was given, or the day on which the draft was made.
        """
        amounts = {key: -sum((line.get(key, ZERO) for line in others), ZERO) for key in ("amount_currency", "balance")}
        term = row.get("invoice_payment_term_id")
        if not term:
            return [(row.get("invoice_date_due", False), amounts)]
        since = row.get("invoice_date") or row.get("date") or env.today
        split = {key: env["account.payment.term"].instalments(env, term, since, each) for key, each in amounts.items()}
        found = [
            (day, {"amount_currency": part, "balance": balance})
            for (day, part), (_, balance) in zip(split["amount_currency"], split["balance"], strict=True)
        ]
        self.put(env, row["id"], invoice_date_due=max(day for day, _ in found))
        return found

    def _total(self, env: Env, record: int) -> None:
        lines, row = env["account.move.line"], self.rows[record]
        sums: dict[str, list[Decimal]] = {"product": [ZERO, ZERO], "tax": [ZERO, ZERO]}
        for line in (lines.rows[i] for i in self.get(row, "line_ids")):
            kind = line["display_type"]
            if kind == "rounding":
                kind = "tax" if line.get("tax_line_id") else "product"
            if kind in sums:
                pair = sums[kind]
                pair[0] += line.get("amount_currency", ZERO)
                pair[1] += line.get("balance", ZERO)
        sign = self.sign(row)
        untaxed, tax = sign * sums["product"][0], sign * sums["tax"][0]
        signed_untaxed, signed_tax = -sums["product"][1], -sums["tax"][1]
        self.put(
            env,
            record,
            amount_untaxed=untaxed,
            amount_tax=tax,
            amount_total=untaxed + tax,
            amount_untaxed_signed=signed_untaxed,
            amount_tax_signed=signed_tax,
            amount_total_signed=signed_untaxed + signed_tax,
            amount_total_in_currency_signed=-sign * (untaxed + tax),
        )

    def _total_entry(self, env: Env, record: int) -> None:
        lines = env["account.move.line"]
        own = self.get(self.rows[record], "line_ids")
        total = sum((max(lines.rows[i].get("balance", ZERO), ZERO) for i in own), ZERO)
        self.put(env, record, amount_total=total, amount_total_signed=total)
        for line in own:
            lines.settle(env, line)

    def _force_total(self, env: Env, record: int, totals: Row) -> None:
        lines, row = env["account.move.line"], self.rows[record]
        own = [i for i in self.get(row, "line_ids") if lines.rows[i]["display_type"] == "tax"]
        if not own:
            return
        forced = number(
            totals["subtotals"][0]["tax_amount_currency"] if totals.get("subtotals") else totals["tax_amount_currency"]
        )
        difference = self.sign(row) * (forced - row.get("amount_tax", ZERO))
        amount = lines.rows[own[0]].get("amount_currency", ZERO) + difference
        lines.put(env, own[0], amount_currency=amount, balance=rounded(amount / row["invoice_currency_rate"]))

    def _is_amount(self, command: Any) -> bool:
        """Return whether a command forces amounts of a tax line, or company amounts of a document's product line: these stay."""
        line = self.db.tables["account.move.line"].get(command[1]) if command[0] == 1 else None
        if line is None or self.rows[line["move_id"]]["move_type"] == "entry":
            return False
        return line["display_type"] == "tax" or (line["display_type"] == "product" and set(command[2]) <= {"balance"})

    def with_balance(self, command: Any) -> Any:
        """Return the command as Odoo understands it: an unchanged balance is not written, and follows from another amount (measured on 18, 19)."""
        if command[0] != 1 or not self._is_amount(command):
            return command
        line = self.db.tables["account.move.line"][command[1]]
        given = {name: rounded(number(value)) if name in _AMOUNTS else value for name, value in command[2].items()}
        changed = {
            name: value for name, value in given.items() if name not in _AMOUNTS or value != line.get(name, ZERO)
        }
        if "amount_currency" in changed and "balance" not in changed:
            rate = self.rows[line["move_id"]]["invoice_currency_rate"]
            changed["balance"] = rounded(changed["amount_currency"] / rate)
        return [1, command[1], changed]

    # Facts

    def terms(self, env: Env, row: Row) -> Terms:
        company = env["res.company"].rows[row["company_id"]]
        currencies = env["res.currency"].rows
        return Terms(
            row["currency_id"],
            company["currency_id"],
            row.get("invoice_currency_rate") or Decimal(1),
            currencies[row["currency_id"]].get("decimal_places", 2),
            currencies[company["currency_id"]].get("decimal_places", 2),
            company.get("tax_calculation_rounding_method") == "round_globally",
        )

    @staticmethod
    def sign(row: Row) -> int:
        return -1 if row["move_type"] in _CREDIT else 1

    def _payment_state(self, row: Row, due: Decimal, terms: list[Row]) -> str:
        """`reversed` if neither a payment nor a bank line is among what closed it, but credit notes (of an invoice) or entries alone
        (of a credit note) are; a credit note closed by its invoice is `paid`.
        """
        partners, payments = self.counterparts(terms), self.db.tables["account.payment"]
        if row["state"] != "posted" and not partners:
            return "not_paid"
        if due:
            # A payment that made no entry leaves the whole amount due, and Community shows it as paid all the same.
            unbooked = [
                payment
                for payment in map(payments.get, self.linked_payments(row))
                if payment and not payment.get("move_id")
            ]
            states = {payment["state"] for payment in unbooked}
            if "in_process" in states or (not partners and "paid" in states):
                return "paid"
            return "partial" if partners else "not_paid"
        if not partners:
            return "paid" if terms else "not_paid"
        if any(move.get("origin_payment_id") or move.get("statement_line_id") for move in partners):
            return "paid"
        kinds = {move["move_type"] for move in partners}
        invoice = row["move_type"] in ("out_invoice", "in_invoice")
        reversed_only = (
            kinds <= {"out_refund", "in_refund", "entry"} and kinds != {"entry"} if invoice else kinds == {"entry"}
        )
        return "reversed" if reversed_only else "paid"

    def counterparts(self, terms: list[Row]) -> list[Row]:
        lines, partials = self.db.models["account.move.line"], self.db.tables["account.partial.reconcile"]
        found = []
        for term in terms:
            others = [partials[p]["credit_move_id"] for p in lines.get(term, "matched_credit_ids")]
            others += [partials[p]["debit_move_id"] for p in lines.get(term, "matched_debit_ids")]
            found += [self.rows[lines.rows[other]["move_id"]] for other in others]
        return found

    def book_exchange(self, env: Env, line: int, rest: Decimal) -> None:
        """Book an entry in EXCH for a residue in company currency, matched with the item that has it (docs/facts/pair.md#6)."""
        lines = env["account.move.line"]
        item = lines.rows[line]
        company = lines.get(item, "company_id")
        if self.db.series < 19:  # it reads the valuation layers of the entry that it posts
            self.db.rights.check(env, "stock.valuation.layer", "read")
        journals = [
            r for r in env["account.journal"].rows.values() if r.get("code") == "EXCH" and r["company_id"] == company
        ]
        if not journals:
            return
        accounts = env["account.account"]
        gain = accounts.of_type(company, "income_other") if rest < 0 else accounts.of_type(company, "expense")
        left = item.get("amount_residual_currency", ZERO)  # of an item in company currency: the same
        common = {"currency_id": item["currency_id"]}
        entry = {
            "move_type": "entry",
            "journal_id": journals[0]["id"],
            "company_id": company,
            "date": max(lines.get(item, "date"), env.today),
            "partner_id": lines.get(item, "partner_id"),
            "line_ids": [
                [
                    0,
                    0,
                    {
                        **common,
                        "account_id": item["account_id"],
                        "balance": -rest,
                        "amount_currency": -left,
                        "name": "Currency exchange rate difference",
                    },
                ],
                [
                    0,
                    0,
                    {
                        **common,
                        "account_id": gain,
                        "balance": rest,
                        "amount_currency": left,
                        "name": "Currency exchange rate difference",
                    },
                ],
            ],
        }
        move = self.make(env, [entry])[0]
        self.post(env, [move])  # type: ignore[attr-defined]
        counter = self.get(self.rows[move], "line_ids")[0]
        debit, credit = (counter, line) if rest < 0 else (line, counter)
        partial = {"debit_move_id": debit, "credit_move_id": credit, "amount": abs(rest)}
        partial |= {"debit_amount_currency": abs(left), "credit_amount_currency": abs(left)}
        partials = env["account.partial.reconcile"]
        matched = sorted({i for name in ("matched_debit_ids", "matched_credit_ids") for i in lines.get(item, name)})
        partials.make(env, [partial])
        if matched:  # the partial reconciliation that left the residue names the entry
            partials.put(env, matched[-1], exchange_move_id=move)
        lines.settle(env, line)
        lines.settle(env, counter)


def _tax_sums(results: list[TaxedLine]) -> dict[int, tuple[Part, Decimal]]:
    """Per tax its whole amount and the company base; a tax of nothing gets no line."""
    sums: dict[int, tuple[Part, Decimal]] = {}
    found: dict[int, list[tuple[Part, Decimal]]] = defaultdict(list)
    for result in results:
        for tax, part in result.taxes.items():
            found[tax].append((part, result.base.company))
    for tax, parts in found.items():
        total = Part(amount=sum((p.amount for p, _ in parts), ZERO), company=sum((p.company for p, _ in parts), ZERO))
        if total.amount or total.company:
            sums[tax] = (total, sum((base for _, base in parts), ZERO))
    return sums
