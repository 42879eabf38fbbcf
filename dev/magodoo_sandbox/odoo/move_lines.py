"""Journal items, and matching them: reconcile() with partials, residuals and exchange differences."""

from __future__ import annotations

from decimal import Decimal

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.cash_basis import make_due, take_back
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.fields import ZERO, number, rounded
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.store import Row

OPEN_TYPES = ("asset_receivable", "liability_payable")
_LOCKED_WHEN_POSTED = {
    "price_unit",
    "quantity",
    "discount",
    "tax_ids",
    "account_id",
    "balance",
    "amount_currency",
    "debit",
    "credit",
}


class MoveLine(Model):
    name, label, order = "account.move.line", "Journal Item", "date desc, move_name desc, id"
    declared = f.columns(
        {
            "move_id": f.one("account.move", "Journal Entry", required=True),
            "move_name": f.char("Number", related="move_id.name"),
            "move_type": f.char("Type", related="move_id.move_type"),
            "parent_state": f.char("Status", related="move_id.state"),
            "date": f.date("Date", related="move_id.date"),
            "ref": f.char("Reference", related="move_id.ref"),
            "journal_id": f.one("account.journal", "Journal", related="move_id.journal_id"),
            "company_id": f.one("res.company", "Company", related="move_id.company_id"),
            "company_currency_id": f.one("res.currency", "Company Currency", related="move_id.company_currency_id"),
            "partner_id": f.one("res.partner", "Partner", related="move_id.commercial_partner_id"),
            "sequence": f.integer("Sequence", default=100),
            "display_type": f.choice(
                "Display Type",
                "product:Product cogs:Cost_of_Goods_Sold tax:Tax payment_term:Payment_Term rounding:Rounding "
                "epd:Early_Payment_Discount "
                "line_section:Section line_note:Note",
                default="product",
            ),
            "product_id": f.one("product.product", "Product"),
            "product_uom_id": f.one("uom.uom", "Unit"),
            "name": f.char("Label"),
            "quantity": f.real("Quantity", digits=2),
            "price_unit": f.real("Unit Price"),
            "discount": f.real("Discount (%)", digits=2),
            "tax_ids": f.linked("account.tax", "Taxes"),
            "tax_line_id": f.one("account.tax", "Originator Tax"),
            "tax_tag_ids": f.linked("account.account.tag", "Tax Grids"),
            "tax_tag_invert": f.boolean("Invert Tags", compute="tax_tag_invert"),
            "tax_base_amount": f.money("Base Amount", copy=False),
            "extra_tax_data": f.json("Extra Tax Data"),
            "account_id": f.one("account.account", "Account"),
            "account_type": f.choice("Account Type", "", related="account_id.account_type"),
            "currency_id": f.one("res.currency", "Currency"),
            "price_subtotal": f.money("Subtotal", readonly=True),
            "price_total": f.money("Total", readonly=True),
            "balance": f.money("Balance"),
            "amount_currency": f.money("Amount in Currency"),
            "debit": f.money("Debit", compute="debit"),
            "credit": f.money("Credit", compute="credit"),
            "amount_residual": f.money("Residual Amount", readonly=True, copy=False),
            "amount_residual_currency": f.money("Residual Amount in Currency", readonly=True, copy=False),
            "reconciled": f.boolean("Reconciled", readonly=True, copy=False),
            "matching_number": f.char("Matching #", readonly=True, copy=False),
            "matched_debit_ids": f.many("account.partial.reconcile", "credit_move_id", "Matched Debits"),
            "matched_credit_ids": f.many("account.partial.reconcile", "debit_move_id", "Matched Credits"),
            "sale_line_ids": f.linked("sale.order.line", "Sales Order Lines"),
            "payment_id": f.one("account.payment", "Originator Payment", related="move_id.origin_payment_id"),
            "statement_line_id": f.one(
                "account.bank.statement.line", "Originator Statement Line", related="move_id.statement_line_id"
            ),
            "date_maturity": f.date("Due Date"),
            "deferred_start_date": f.date("Start Date"),
        }
    )

    def debit(self, row: Row) -> Decimal:
        return max(row.get("balance", ZERO), ZERO)

    def credit(self, row: Row) -> Decimal:
        return max(-row.get("balance", ZERO), ZERO)

    def tax_tag_invert(self, row: Row) -> bool:
        """Before 19: whether the tags are those of a document whose amounts are entered with the opposite sign."""
        moves = self.db.tables["account.move"]
        move = moves[row["move_id"]]
        move = moves.get(move.get("tax_cash_basis_origin_move_id") or 0, move)
        if move["move_type"] == "entry":
            return bool(row.get("tax_ids") or row.get("tax_line_id")) and row.get("balance", ZERO) <= 0
        return bool(row.get("tax_tag_ids")) and move["move_type"] in ("out_invoice", "in_refund")

    # Writing

    def complete(self, env: Env, vals: Row) -> None:
        move = env["account.move"].rows[vals["move_id"]]
        vals.setdefault("currency_id", move["currency_id"])
        if move["move_type"] == "entry":
            _complete_entry_line(vals)
        elif vals.get("display_type") == "product":
            self._complete_product_line(env, vals, move)

    def _complete_product_line(self, env: Env, vals: Row, move: Row) -> None:
        vals.setdefault("quantity", 1)
        product = env["product.product"].rows.get(vals.get("product_id") or 0)
        if product:
            vals["name"] = vals.get("name") or env["product.product"].display_name(product)
            vals.setdefault("price_unit", product.get("list_price", ZERO))
            vals.setdefault("product_uom_id", product.get("uom_id"))
            if "tax_ids" not in vals:
                taxes = env["account.tax"].rows
                own = [t for t in product.get("taxes_id") or [] if taxes[t]["company_id"] == move["company_id"]]
                vals["tax_ids"] = [[6, 0, own]]
        if not vals.get("account_id"):
            named = (product or {}).get("property_account_income_id")
            vals["account_id"] = named or env["account.account"].of_type(move["company_id"], "income")

    def before_write(self, env: Env, ids: list[int], vals: Row) -> None:
        posted = any(env["account.move"].rows[self.rows[i]["move_id"]]["state"] == "posted" for i in ids)
        if posted and _LOCKED_WHEN_POSTED & set(vals):
            raise UserError(
                "You cannot do this modification on a posted journal entry, you can just change some non legal fields. "
                "You must reset the journal entry to draft to do so."
            )

    def created(self, env: Env, ids: list[int]) -> None:
        self._follow(env, ids)

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        self._follow(env, ids)

    def unlinked(self, env: Env, rows: list[Row]) -> None:
        env["account.move"].rebuild(env, sorted({row["move_id"] for row in rows}))

    def _follow(self, env: Env, ids: list[int]) -> None:
        moves = sorted({self.rows[i]["move_id"] for i in ids})
        drafts = [move for move in moves if env["account.move"].rows[move]["state"] == "draft"]
        env["account.move"].rebuild(env, drafts)
        env["account.move"].touch(env, moves)

    # Matching

    @public
    def reconcile(self, env: Env, ids: list[int]) -> None:
        """Raise the UserError of Odoo for items that are matched already, not posted, or of several accounts."""
        self.ensure(env, ids)
        rows = [self.rows[i] for i in ids]
        if any(row.get("reconciled") for row in rows):
            raise UserError("You are trying to reconcile some entries that are already reconciled.")
        if any(self.get(row, "parent_state") != "posted" for row in rows):
            raise UserError("You can only reconcile posted entries.")
        accounts = {row["account_id"] for row in rows}
        if len(accounts) > 1:
            names = ", ".join(str(self.db.tables["account.account"][a]["name"]) for a in sorted(accounts))
            raise UserError(f"Entries are not from the same account: {names}")
        self.match(env, ids)

    @public
    def remove_move_reconcile(self, env: Env, ids: list[int]) -> None:
        self.unmatch(env, ids)

    def match(self, env: Env, ids: list[int]) -> None:
        """Pairs debits with credits, oldest first, and carries the outcome to moves and payments."""
        whole = self._is_whole(env, ids)
        by_age = sorted(ids, key=lambda i: (self.rows[i].get("date_maturity") or self.get(self.rows[i], "date"), i))
        for debit in [i for i in by_age if self.rows[i].get("amount_residual", ZERO) > 0]:
            for credit in [i for i in by_age if self.rows[i].get("amount_residual", ZERO) < 0]:
                if self.rows[debit].get("amount_residual", ZERO) > 0 > self.rows[credit].get("amount_residual", ZERO):
                    self._pair(env, debit, credit)
        self._close_exchange(env, ids, whole)
        self._announce(env, ids)

    def _is_whole(self, env: Env, ids: list[int]) -> bool:
        """Return whether the items in company currency are, at the rate in the context, exactly those in another currency (measured on 18, 19)."""
        rate = env.context.get("forced_rate_from_register_payment")
        rows = [self.rows[line] for line in ids]
        own = [row for row in rows if row["currency_id"] == self.get(row, "company_currency_id")]
        if not rate or not own or len(own) == len(rows):
            return False
        company = sum((row.get("amount_residual", ZERO) for row in own), ZERO)
        others = sum((row.get("amount_residual_currency", ZERO) for row in rows if row not in own), ZERO)
        return rounded(abs(company) * number(rate)) == abs(others)

    def unmatch(self, env: Env, ids: list[int]) -> None:
        partials = env["account.partial.reconcile"]
        gone = sorted(
            {
                p
                for i in ids
                for name in ("matched_debit_ids", "matched_credit_ids")
                for p in self.get(self.rows[i], name)
            }
        )
        others = [partials.rows[p][side] for p in gone for side in ("debit_move_id", "credit_move_id")]
        take_back(env, gone)
        partials.erase(env, gone)
        for line in {*ids, *others}:
            self.settle(env, line)
        self._announce(env, [*ids, *others])

    def settle(self, env: Env, line: int) -> None:
        """Residual of an item of an account that is reconciled: its balance less what its partials matched."""
        row = self.rows[line]
        account = self.db.tables["account.account"].get(row.get("account_id", 0), {})
        if self.get(row, "account_type") not in OPEN_TYPES and not account.get("reconcile"):
            return
        rest, rest_currency = row.get("balance", ZERO), row.get("amount_currency", ZERO)
        partials = self.db.tables["account.partial.reconcile"]
        for partial in (partials[i] for i in self.get(row, "matched_credit_ids")):
            rest -= partial.get("amount", ZERO)
            rest_currency -= partial.get("debit_amount_currency", ZERO)
        for partial in (partials[i] for i in self.get(row, "matched_debit_ids")):
            rest += partial.get("amount", ZERO)
            rest_currency += partial.get("credit_amount_currency", ZERO)
        touched = bool(self.get(row, "matched_credit_ids") or self.get(row, "matched_debit_ids"))
        closed = rest_currency == 0 and rest == 0 and touched
        number_ = (str(line) if closed else "P") if touched else False
        self.put(
            env,
            line,
            amount_residual=rest,
            amount_residual_currency=rest_currency,
            reconciled=closed,
            matching_number=number_,
        )

    def _pair(self, env: Env, debit: int, credit: int) -> None:
        plus, minus = self.rows[debit], self.rows[credit]
        company_currency = self.get(plus, "company_currency_id")
        if plus["currency_id"] == minus["currency_id"]:
            paid = min(plus.get("amount_residual_currency", ZERO), -minus.get("amount_residual_currency", ZERO))
            shares = (_share(plus, paid), _share(minus, paid))
            amount, of_debit, of_credit = min(shares), paid, paid
        else:
            amount = min(plus["amount_residual"], -minus["amount_residual"])
            of_debit = amount if plus["currency_id"] == company_currency else self._in_currency(env, plus, amount)
            of_credit = amount if minus["currency_id"] == company_currency else self._in_currency(env, minus, amount)
        partial = {"debit_move_id": debit, "credit_move_id": credit, "amount": amount}
        partial |= {"debit_amount_currency": of_debit, "credit_amount_currency": of_credit}
        (made,) = env["account.partial.reconcile"].make(env, [partial])
        self.settle(env, debit)
        self.settle(env, credit)
        make_due(env, env["account.partial.reconcile"].rows[made])

    def _in_currency(self, env: Env, row: Row, amount: Decimal) -> Decimal:
        """Return a company amount in an item's currency: at Odoo's rate of the day, which leaves residues, or at the rate in the context.

        Measured on 19.0: 90.94 USD on an invoice of 83.67 EUR leaves 0.01 at equal rates, 2.65 at 0.95 against 0.92.
        """
        rest, rest_currency = abs(row["amount_residual"]), abs(row["amount_residual_currency"])
        forced = env.context.get("forced_rate_from_register_payment")
        if forced and amount == rest:
            return Decimal(rest_currency)
        facts = {name: self.get(row, name) for name in ("company_id", "currency_id", "date")}
        rate = number(forced) if forced else env["account.move"].own_rate(env, facts)
        return Decimal(min(rest_currency, rounded(amount * rate)))

    def _close_exchange(self, env: Env, ids: list[int], whole: bool) -> None:
        """Give a residue in company currency only its entry, as an exchange difference (docs/facts/pair.md#6).

        So is what is left in company currency of items that are `whole` at their rate.
        """
        if env.context.get("no_exchange_difference"):
            return
        for line in ids:
            row = self.rows[line]
            rest = row.get("amount_residual", ZERO)
            if rest and (whole or row.get("amount_residual_currency", ZERO) == 0):
                env["account.move"].book_exchange(env, line, rest)

    def _announce(self, env: Env, ids: list[int]) -> None:
        moves = sorted({self.rows[i]["move_id"] for i in ids if i in self.rows})
        env["account.move"].refresh_payment(env, moves)
        env["account.move"].touch(env, moves)
        payments = [self.get(self.rows[i], "payment_id") for i in ids if i in self.rows]
        env["account.payment"].refresh(env, sorted({p for p in payments if p}))


class PartialReconcile(Model):
    name, label = "account.partial.reconcile", "Partial Reconcile"
    rec_name = "id"
    declared = f.columns(
        {
            "debit_move_id": f.one("account.move.line", "Debit Move", required=True),
            "credit_move_id": f.one("account.move.line", "Credit Move", required=True),
            "amount": f.money("Amount"),
            "debit_amount_currency": f.money("Debit Amount Currency"),
            "credit_amount_currency": f.money("Credit Amount Currency"),
            "exchange_move_id": f.one("account.move", "Exchange Move"),
            "max_date": f.date("Max Date of Matched Lines", compute="later"),
            "company_id": f.one("res.company", "Company", related="debit_move_id.company_id"),
        }
    )

    def later(self, row: Row) -> str:
        """Return the later day of the two items: from then on they are matched."""
        lines = self.db.models["account.move.line"]
        return max(str(lines.get(lines.rows[row[side]], "date")) for side in ("debit_move_id", "credit_move_id"))


def _complete_entry_line(vals: Row) -> None:
    if "balance" not in vals:
        vals["balance"] = number(vals.pop("debit", 0)) - number(vals.pop("credit", 0))
    vals.setdefault("amount_currency", vals["balance"])


def _share(row: Row, paid: Decimal) -> Decimal:
    """Return the company amount of a part of an item; the whole residual if it is the rest."""
    rest, rest_currency = abs(row["amount_residual"]), abs(row["amount_residual_currency"])
    return rest if paid == rest_currency else rounded(rest * paid / rest_currency)
