"""The company: its settings for accounting, its closed periods, the numbers of its invoices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from magodoo.connectors.odoo.rpc import Row, Rpc
from magodoo.connectors.odoo.validation import NEVER
from magodoo.domain.numbering import Numbering
from magodoo.domain.states import OdooMoveState
from magodoo.errors import Forbidden, UnreadableRecord

LOCKS = ("fiscalyear_lock_date", "tax_lock_date", "sale_lock_date", "hard_lock_date")  # not those of purchases


class Company:
    """Reads settings of one company."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def row(self) -> Row:
        """Return the company: name, currency, country, fiscal country, tax rounding method, its partner."""
        fields = ["name", "currency_id", "country_id", "account_fiscal_country_id"]
        fields += ["tax_calculation_rounding_method", "partner_id"]
        return self._row(fields)

    def currency(self) -> str:
        """Return the code of the company's currency. Read once."""
        return self._rpc.once("company currency", lambda: str(self._row(["currency_id"])["currency_id"][1]))

    def lock_dates(self) -> dict[str, date]:
        """Return the lock dates of sales that apply to the company, by field name of 19.

        Odoo does not refuse documents dated up to a lock date, it moves their date (docs/facts/pair.md#10). A branch is also subject to the dates of the
        companies above it. From 18 on Odoo computes the dates in force for this user, exceptions included; before, the latest of each field in
        the company and those above it is taken. Raises Forbidden, before 18, when the companies above may not be read.
        """
        asked = {name: given for name in LOCKS if (given := self._name_of_lock(name)) is not None}
        rows = [self._row(list(asked.values()))]
        if not any(given.startswith("user_") for given in asked.values()):
            rows += self._companies_above(list(asked.values()))
        found = {
            name: [str(row[given]) for row in rows if row.get(given) and row[given] not in NEVER]
            for name, given in asked.items()
        }
        latest = {name: max(days) for name, days in found.items() if days}
        return {name: date.fromisoformat(day) for name, day in latest.items()}

    def _name_of_lock(self, name: str) -> str | None:
        """Return the field with the lock date in force where the version has it, else the company's own, or None."""
        effective = f"user_{name}"
        if self._rpc.has_field("res.company", effective):
            return self._rpc.name_of("res.company", effective)
        return self._rpc.name_of("res.company", name) if self._rpc.has_field("res.company", name) else None

    def _companies_above(self, fields: Sequence[str]) -> list[Row]:
        above = self._rpc.companies[1:]
        if not above:
            return []
        hint = "allow the user of the connection these companies, too: their lock dates close the branch's periods"
        try:
            return self._rpc.read("res.company", above, list(fields), in_companies=self._rpc.companies)
        except (Forbidden, UnreadableRecord) as problem:
            raise Forbidden(
                f"the companies above company {self._rpc.company_id} may not be read: {problem}", hint=hint
            ) from problem

    def fiscal_country(self) -> str:
        """Return the ISO code of the company's fiscal country, or "" when it has none. Read once."""
        return self._rpc.once("fiscal country", self._fiscal_country)

    def _fiscal_country(self) -> str:
        row = self._row(
            [name for name in ("account_fiscal_country_id", "country_id") if self._rpc.has_field("res.company", name)]
        )
        country = row.get("account_fiscal_country_id") or row.get("country_id")
        found = self._rpc.read("res.country", [country[0]], ["code"]) if country else []
        return str(found[0]["code"] or "") if found else ""

    def last_posted(self, sales_journal: str | None, since: date) -> dict[str, list[Numbering]]:
        """Return the number sequences of posted invoices and credit notes of the sales journal, by move type.

        Args:
            sales_journal: Code of the journal; None for the one that Odoo uses by default.
            since: Only documents dated from this day on are considered.

        A journal without a separate sequence for credit notes has the same sequences for both types.
        """
        of_journal = ["code", "=", sales_journal] if sales_journal else ["type", "=", "sale"]
        wanted = ["refund_sequence", "sequence", "code", "active"]
        journals = self._rpc.listed("account.journal", wanted, [of_journal])
        if not sales_journal:
            usable = [row for row in journals if row.get("active", True)]
            journals = sorted(usable, key=lambda row: (row.get("sequence") or 0, row["code"], row["id"]))[:1]
        apart = all(row.get("refund_sequence", True) for row in journals)
        types = (["out_invoice"], ["out_refund"]) if apart else (["out_invoice", "out_refund"],)
        year_end = self._fiscal_year_end()
        found: dict[str, list[Numbering]] = {}
        for kinds in types:
            rows = self._numbered([row["id"] for row in journals], kinds, since) if journals else []
            numberings = [
                Numbering.of(
                    row["sequence_prefix"] or "",
                    date.fromisoformat(row["date:min"]),
                    date.fromisoformat(row["invoice_date:max"]),
                    year_end,
                )
                for row in rows
            ]
            found |= dict.fromkeys(kinds, numberings)
        return found

    def _numbered(self, journals: list[int], types: list[str], since: date) -> list[Row]:
        """Return, by prefix of the number, the first accounting date and the last invoice date of posted documents."""
        domain = [
            *self._rpc.company_domain("account.move"), ["state", "=", OdooMoveState.POSTED], ["move_type", "in", types],
            ["journal_id", "in", journals], ["date", ">=", since.isoformat()], ["invoice_date", "!=", False],
        ]  # fmt: skip
        sums = ["date:min", "invoice_date:max"]
        return self._rpc.grouped("account.move", domain, ["sequence_prefix"], sums)

    def _fiscal_year_end(self) -> tuple[int, int]:
        """Return month and day on which the company's fiscal years end; December 31 where Odoo has no setting."""
        names = ["fiscalyear_last_month", "fiscalyear_last_day"]
        if not all(self._rpc.has_field("res.company", name) for name in names):
            return 12, 31
        (row,) = self._rpc.listed("res.company", names, [["id", "=", self._rpc.company_id]])
        return int(row[names[0]] or 12), int(row[names[1]] or 31)

    def _row(self, fields: Sequence[str]) -> Row:
        rows = self._rpc.listed("res.company", fields, [["id", "=", self._rpc.company_id]])
        if not rows:
            raise Forbidden(
                f"company {self._rpc.company_id} does not exist or this user may not see it", system="odoo",
                call="res.company.search_read", hint="check the company id and the user's allowed companies",
            )  # fmt: skip
        return rows[0]
