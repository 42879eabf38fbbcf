"""Revenue, tax and the grids of Odoo's tax report by country of delivery: what domestic and one-stop-shop returns are tied out with.

Read from the journal items of the instance's sales journals, in company currency, as sums that Odoo makes: no document is read for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from magodoo.settings import Instance
from magodoo.settings.tax_rules import TaxRule
from magodoo.statement.figures import written
from magodoo.statement.general_ledger import NOT_REVENUE, SALE_TYPES
from magodoo.statement.periods import Month, Span, spans

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient

Row = dict[str, Any]
Key = tuple[Any, ...]
WITHOUT_TAX, SEVERAL_TAXES = "without_tax", "several_taxes"
_WORDS = {WITHOUT_TAX: "without a tax", SEVERAL_TAXES: "less: counted under several taxes"}
ADDRESS = "move_id.partner_shipping_id"
ORIGIN = "tax_cash_basis_origin_move_id"  # of the entry that makes a tax due when it is paid: the invoice
_BATCH = 500
# What Odoo's tax report counts (`_get_tax_exigible_domain`): of an invoice with taxes that are due on payment, the other taxes only.
EXIGIBLE: tuple[Any, ...] = (
    "|", ["move_id.always_tax_exigible", "=", True], "|", "&", ["tax_line_id", "=", False], ["tax_ids", "=", False],
    "|", ["move_id.tax_cash_basis_rec_id", "!=", False], "|", ["tax_line_id.tax_exigibility", "!=", "on_payment"],
    ["tax_ids.tax_exigibility", "!=", "on_payment"],
)  # fmt: skip


def read(
    client: OdooClient, instance: Instance, month: Month, journals: Collection[int], countries: Callable[[Sequence[int]], Mapping[int, str]], currency: str
) -> dict[str, list[Row]]:  # fmt: skip
    """Return the tables `tax_by_country` and `tax_grids` of the month, of its quarter, and of the 4-4-5 periods that end in it.

    Args:
        client: Odoo.
        instance: For its fiscal years in weeks and its tax rules.
        month: The month.
        journals: Ids of the instance's sales journals.
        countries: Returns by id the country of delivery of entries that have none in Odoo.
        currency: The company's.

    Of `tax_by_country`, the net and tax of a span add up to the balance of the revenue and tax accounts in these journals.
    """
    found: dict[str, list[Row]] = {"tax_by_country": [], "tax_grids": []}
    if journals:
        reader = _Reader(client, sorted(journals), countries, instance.taxes)
        for span in spans(month, instance.fiscal_years_in_weeks):
            place = {"span": span.name, "first": f"{span.first}", "last": f"{span.last}"}
            found["tax_by_country"] += [{**place, **row, "currency": currency} for row in reader.by_tax(span)]
            found["tax_grids"] += [{**place, **row, "currency": currency} for row in reader.by_grid(span)]
    return found


class _Reader:
    """Sums of journal items by country. Balances are in units of 1/10000 of the company's currency."""

    def __init__(
        self, client: OdooClient, journals: Sequence[int], countries: Callable[[Sequence[int]], Mapping[int, str]],
        rules: Sequence[TaxRule],
    ) -> None:  # fmt: skip
        self._client, self._ledger = client, client.general_ledger
        self._journals, self._known = list(journals), countries
        self._taxes = self._ledger.taxes()
        self._of_marketplaces = {rule.odoo_tax for rule in rules if rule.is_of_marketplace}
        self._countries = self._ledger.countries()
        self._of_entries: dict[str, list[int]] = {}

    def by_tax(self, span: Span) -> list[Row]:
        """Return net and tax (credit positive) by tax and country, what is without a tax, and what is counted under several taxes."""
        inside = self._inside(span)
        sales = [*inside, ["move_id.move_type", "in", list(SALE_TYPES)], *NOT_REVENUE]
        accounts = sorted({row["account_id"] for row in self._ledger.sums(sales, ["account_id"], ["balance"])})
        if not accounts:
            return []
        own = [*inside, ["account_id", "in", accounts], ["display_type", "!=", "cogs"]]
        of_entry = [["journal_id", "in", self._journals], *_between("date", span)]
        under, taxed = [*own, ["tax_ids", "!=", False]], [*own, ["tax_line_id", "!=", False]]
        sums: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
        for at, (domain, name) in enumerate(((under, "tax_ids"), (taxed, "tax_line_id"))):
            for (country, tax), balance in self._by_country(domain, [name], of_entry).items():
                sums[tax, country][at] -= balance
        grids = self._grids_of_taxes(under, taxed)
        rows: list[Row] = [
            {
                "what": "", "tax_name": self._name(tax), "rate": self._rate(tax), "country": country, "grids": grids.get(tax, ""),
                "net": net, "tax": amount,
            }
            for (tax, country), (net, amount) in sorted(sums.items(), key=lambda item: (self._name(item[0][0]), item[0]))
            if net or amount
        ]  # fmt: skip
        plain = [*own, ["tax_ids", "=", False], ["tax_line_id", "=", False]]
        rows += [
            _without(WITHOUT_TAX, country, -balance)
            for (country,), balance in sorted(self._by_country(plain, [], of_entry).items()) if balance
        ]  # fmt: skip
        whole = -sum(row["balance"] for row in self._ledger.sums(own, [], ["balance"]))
        again = sum(row["net"] + row["tax"] for row in rows) - whole
        return [*rows, _without(SEVERAL_TAXES, "", -again)] if again else rows

    def by_grid(self, span: Span) -> list[Row]:
        """Return the amounts of the tax report's grids by country, with the report's sign.

        Counts invoices, and the entries that made their taxes due in the span.
        """
        invoices = [*self._inside(span), *EXIGIBLE]
        of_invoice = [["journal_id", "in", self._journals], *_between("date", span)]
        due = [[f"move_id.{ORIGIN}.journal_id", "in", self._journals], *_between("date", span)]
        of_due = [[f"{ORIGIN}.journal_id", "in", self._journals], *_between("date", span)]
        inverted = ["tax_tag_invert"] if self._ledger.has_inverted_tags() else []
        sums: dict[tuple[int, str], int] = defaultdict(int)
        for domain, of_entry, address in (
            (invoices, of_invoice, ADDRESS),
            (due, of_due, f"move_id.{ORIGIN}.partner_shipping_id"),
        ):
            tagged = [*domain, ["tax_tag_ids", "!=", False]]
            for (country, tag, *inverts), balance in self._by_country(
                tagged, ["tax_tag_ids", *inverted], of_entry, address
            ).items():
                sums[tag, country] += -balance if any(inverts) else balance
        tags = self._ledger.tags(tag for tag, _ in sums) if sums else {}
        amounts: dict[tuple[str, str], int] = defaultdict(int)
        for (tag, country), balance in sums.items():
            amounts[tags[tag].name, country] += tags[tag].sign * balance
        return [
            {"grid": grid, "country": country, "total": total}
            for (grid, country), total in sorted(amounts.items())
            if total
        ]

    def _by_country(
        self, domain: Sequence[Any], by: Sequence[str], of_entry: Sequence[Any], address: str = ADDRESS
    ) -> dict[Key, int]:  # fmt: skip
        """Return the balances of a domain by (country, *by). `of_entry` is the domain of the entries that its items belong to.

        One request per country, whose response has a row per combination. An entry without a country has the known one; "": none.
        """
        left = self._sums(domain, by)
        if not left:
            return {}
        found: dict[Key, int] = defaultdict(int)
        counts = {key: count for key, (_, count) in left.items()}
        rest = {key: balance for key, (balance, _) in left.items()}

        def take(country: str, key: Key, balance: int, count: int) -> None:
            found[country, *key] += balance
            rest[key] = rest.get(key, 0) - balance
            counts[key] = counts.get(key, 0) - count

        ids = self._countries_of(of_entry, address.removeprefix("move_id."))
        each = self._client.rpc.in_parallel(
            lambda country: self._sums([*domain, [f"{address}.country_id", "=", country]], by), ids
        )
        for country, sums in zip(ids, each, strict=True):
            for key, (balance, count) in sums.items():
                take(self._countries[country], key, balance, count)
        if any(counts.values()):
            nowhere = self._ledger.entries_without_country(of_entry, address.removeprefix("move_id."))
            for start in range(0, len(nowhere), _BATCH):
                part = nowhere[start : start + _BATCH]
                known = self._known(part)
                of_part = [*domain, [address.rpartition(".")[0] or "move_id", "in", part]]
                for (move, *rest_of_key), (balance, count) in self._sums(of_part, ["move_id", *by]).items():
                    take(known.get(move, ""), tuple(rest_of_key), balance, count)
        for key, count in counts.items():
            if count or rest[key]:
                found["", *key] += rest[key]
        return {key: balance for key, balance in found.items() if balance}

    def _countries_of(self, of_entry: Sequence[Any], address: str) -> list[int]:
        """Return the countries that an entry of a domain was delivered to. Read once per domain."""
        place = f"{address} {of_entry}"
        if place not in self._of_entries:
            ids = sorted(self._countries)
            each = self._client.rpc.in_parallel(
                lambda country: self._ledger.has_entries([*of_entry, [f"{address}.country_id", "=", country]]), ids
            )
            self._of_entries[place] = [id_ for id_, found in zip(ids, each, strict=True) if found]
        return self._of_entries[place]

    def _sums(self, domain: Sequence[Any], by: Sequence[str]) -> dict[Key, tuple[int, int]]:
        rows = self._ledger.sums(domain, by, ["balance"])
        return {tuple(row[name] for name in by): (row["balance"], row["count"]) for row in rows if row["count"]}

    def _grids_of_taxes(self, under: Sequence[Any], taxed: Sequence[Any]) -> dict[int, str]:
        """Return the names of the grids that the items of each tax are in; an item of several taxes is in those of each."""
        pairs: set[tuple[int, int]] = set()
        for domain, name in ((under, "tax_ids"), (taxed, "tax_line_id")):
            rows = self._ledger.sums([*domain, ["tax_tag_ids", "!=", False]], [name, "tax_tag_ids"], ["balance"])
            pairs |= {(row[name], row["tax_tag_ids"]) for row in rows}
        names = {id_: grid.name for id_, grid in (self._ledger.tags(tag for _, tag in pairs) if pairs else {}).items()}
        grids: dict[int, set[str]] = defaultdict(set)
        for tax, tag in pairs:
            if tax in self._taxes and tag in self._taxes[tax].tags:
                grids[tax].add(names[tag])
        return {tax: ", ".join(sorted(known)) for tax, known in grids.items()}

    def _inside(self, span: Span) -> list[Any]:
        return [["journal_id", "in", self._journals], *_between("date", span)]

    def _name(self, tax: int) -> str:
        name = self._taxes[tax].name if tax in self._taxes else f"tax {tax}"
        return f"{name} (collected by a marketplace)" if name in self._of_marketplaces else name

    def _rate(self, tax: int) -> str:
        return written(self._taxes[tax].rate) if tax in self._taxes else ""


def _without(what: str, country: str, net: int) -> Row:
    return {"what": what, "tax_name": _WORDS[what], "rate": "", "country": country, "grids": "", "net": net, "tax": 0}


def _between(field: str, span: Span) -> list[list[Any]]:
    return [[field, ">=", f"{span.first}"], [field, "<=", f"{span.last}"]]
