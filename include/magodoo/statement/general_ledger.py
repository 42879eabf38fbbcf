"""Odoo's general ledger of a month: the revenue and tax items of the instance's journals, compared with the staged documents.

The ledger is read from the journal items themselves, never from the totals of documents, so that a document which changed
since it was read, or was never read, shows as a difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import Kind, Side
from magodoo.money import plain, shown
from magodoo.settings import Instance
from magodoo.statement.documents import MONEY_KINDS, Document, line_sums
from magodoo.statement.figures import Amount, Figures, split, written
from magodoo.statement.periods import Month

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient

NOT_MAGENTO, OTHER_INSTANCE, ENTRY, QUARANTINED, UNEXPLAINED = (
    "not_magento", "other_instance", "entries_by_hand", "quarantined", "unexplained",
)  # fmt: skip
SALE_TYPES = ("out_invoice", "out_refund", "out_receipt")
_KINDS = {"out_invoice": Kind.INVOICE.value, "out_refund": Kind.CREDIT_MEMO.value}
NOT_REVENUE = (
    ["account_id.account_type", "not in", ["asset_receivable", "liability_payable"]],
    ["display_type", "!=", "cogs"],
)


@dataclass(frozen=True)
class Entry:
    """The revenue and tax items of one journal entry: units of 1/10000 in its currency and in the company's, credit positive."""

    id: str
    currency: str
    amount: Amount
    company: Amount

    def of(self, kind: str) -> Entry:
        """Return the entry with the sign of its documents: a credit note's debits are positive."""
        if kind != Kind.CREDIT_MEMO:
            return self
        return Entry(
            self.id,
            self.currency,
            Amount(-self.amount.net, -self.amount.tax),
            Amount(-self.company.net, -self.company.tax),
        )


@dataclass
class GeneralLedger:
    """The general ledger of a month."""

    company_currency: str
    journals: Mapping[int, str]  # code by id
    entries: list[Entry] = field(default_factory=list)
    totals: dict[tuple[str, str], tuple[Amount, int]] = field(
        default_factory=dict
    )  # (kind, currency): all of it, and in company currency
    accounts: list[dict[str, Any]] = field(default_factory=list)
    taxes: list[dict[str, Any]] = field(default_factory=list)
    names: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # of entries that are not staged: name, move_type

    @property
    def numbers(self) -> list[tuple[str, str]]:
        """Return (journal code, number) of the entries that are not staged."""
        rows = [row for row in self.names.values() if row.get("name") and row.get("journal_id")]
        return [(self.journals.get(row["journal_id"][0], ""), str(row["name"])) for row in rows]


@dataclass(frozen=True)
class LedgerStep:
    """An entry that is missing in Odoo's total of the instance or is in it with another amount; `amount` is added to that total."""

    line: str
    kind: str
    currency: str
    amount: Amount
    company: int
    id: str
    number: str
    why: str = ""


def read(client: OdooClient, instance: Instance, month: Month, journal_codes: Collection[str]) -> GeneralLedger:
    """Read the ledger of a month in these journals, and in the one that the instance posts in."""
    rows = [row for row in client.master_data.journals() if row["type"] == "sale"]
    currencies = {row["id"]: row["name"] for row in client.master_data.currencies()}
    ledger = GeneralLedger(client.company.row()["currency_id"][1], journals_of(rows, instance, journal_codes))
    inside: list[list[Any]] = [
        ["journal_id", "in", sorted(ledger.journals)], ["date", ">=", f"{month.first}"], ["date", "<=", f"{month.last}"],
    ]  # fmt: skip
    sales = [*inside, ["move_id.move_type", "in", list(SALE_TYPES)]]
    used = client.general_ledger.sums([*sales, *NOT_REVENUE], ["account_id", "tax_line_id"])
    accounts = sorted({row["account_id"] for row in used})
    if not accounts:
        return ledger
    # One request per day: a month of many documents would be too large for one response.
    found = client.rpc.in_parallel(
        lambda day: client.general_ledger.sums(
            [*inside, ["date", "=", f"{day}"], ["account_id", "in", accounts], ["display_type", "!=", "cogs"]],
            ["move_id", "currency_id", "tax_line_id"],
        ),
        month.days,
    )
    ledger.entries = _entries([row for day in found for row in day], currencies)
    ledger.totals = _totals(
        client, [*inside, ["account_id", "in", accounts], ["display_type", "!=", "cogs"]], currencies
    )
    ledger.accounts = _accounts(client, month, accounts, used, set(ledger.journals))
    ledger.taxes = _taxes(client, inside, currencies)
    return ledger


def journals_of(rows: Sequence[Mapping[str, Any]], instance: Instance, codes: Collection[str]) -> dict[int, str]:
    """Return code by id of the journals of the instance's documents and its own: that of the settings, else the company's first."""
    own = instance.odoo.sales_journal
    chosen = {row["id"]: row["code"] for row in rows if row["code"] in {*codes, own}}
    if own is None and rows and not codes:
        chosen[rows[0]["id"]] = rows[0]["code"]
    return chosen


def _entries(rows: Sequence[Mapping[str, Any]], currencies: Mapping[int, str]) -> list[Entry]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        at = 1 if row["tax_line_id"] else 0
        known = sums[str(row["move_id"]), currencies.get(row["currency_id"], "")]
        known[at] -= row["amount_currency"]
        known[at + 2] -= row["balance"]
    return [
        Entry(id_, currency, Amount(net, tax), Amount(base, base_tax))
        for (id_, currency), (net, tax, base, base_tax) in sorted(sums.items())
    ]


def _totals(
    client: OdooClient, domain: list[list[Any]], currencies: Mapping[int, str]
) -> dict[tuple[str, str], tuple[Amount, int]]:
    """Return (amount, company-currency total) by kind and currency as Odoo sums them; entries that are no invoice count as invoices."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for kind, operator in ((Kind.CREDIT_MEMO.value, "="), (Kind.INVOICE.value, "!=")):
        sign = 1 if operator == "=" else -1
        of_kind = [*domain, ["move_id.move_type", operator, "out_refund"]]
        for row in client.general_ledger.sums(of_kind, ["currency_id", "tax_line_id"]):
            known = sums[kind, currencies.get(row["currency_id"], "")]
            known[1 if row["tax_line_id"] else 0] += sign * row["amount_currency"]
            known[2] += sign * row["balance"]
    return {place: (Amount(net, tax), company) for place, (net, tax, company) in sums.items()}


def _accounts(
    client: OdooClient, month: Month, ids: list[int], used: Sequence[Mapping[str, Any]], journals: set[int]
) -> list[dict[str, Any]]:
    """Return the balances of the month (company currency, credit positive): of the instance's journals, of all others, and both together."""
    inside = [["date", ">=", f"{month.first}"], ["date", "<=", f"{month.last}"], ["account_id", "in", ids]]
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for row in client.general_ledger.sums(
        [*inside, ["display_type", "!=", "cogs"]], ["account_id", "journal_id"], ["balance"]
    ):
        sums[row["account_id"]][row["journal_id"] not in journals] -= row["balance"]
    taxed = {row["account_id"] for row in used if row["tax_line_id"]}
    return [
        {
            "code": str(row["code"] or ""), "name": str(row["name"]), "for_tax": id_ in taxed,
            "own_journals": sums[id_][0], "other_journals": sums[id_][1], "balance": sum(sums[id_]),
        }
        for id_, row in sorted(client.master_data.accounts(ids).items(), key=lambda item: (str(item[1]["code"] or ""), item[0]))
    ]  # fmt: skip


def _taxes(client: OdooClient, inside: list[list[Any]], currencies: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return one row per kind, currency and tax: base and tax of the ledger, in the currency of the documents."""
    known = {row["id"]: row for row in client.master_data.taxes()}
    sums: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for move_type, kind in _KINDS.items():
        sign = 1 if kind == Kind.CREDIT_MEMO else -1
        domain = [*inside, ["move_id.move_type", "=", move_type]]
        for at, name in enumerate(("tax_ids", "tax_line_id")):
            for row in client.general_ledger.sums(
                [*domain, [name, "!=", False]], [name, "currency_id"], ["amount_currency"]
            ):
                sums[kind, currencies.get(row["currency_id"], ""), row[name]][at] += sign * row["amount_currency"]
    return [
        {
            "kind": kind, "currency": currency, "tax_name": str(known.get(tax, {}).get("name", f"tax {tax}")),
            "rate": written(known[tax]["amount"]) if tax in known else "", "net": net, "tax": amount,
        }
        for (kind, currency, tax), (net, amount) in sorted(sums.items())
    ]  # fmt: skip


def compare(
    connection: Connection,
    client: OdooClient,
    instance: Instance,
    siblings: Sequence[str],
    ledger: GeneralLedger,
    own: Sequence[Document],
) -> list[LedgerStep]:
    """Return the differences between Odoo's documents of the instance in a month (`own`) and the ledger, one step per entry.

    `siblings` are the ids of other instances in the same company of the same Odoo. Sets `ledger.names` for entries that are not staged.
    """
    staged = _staged(connection, instance.id, siblings, [entry.id for entry in ledger.entries])
    unknown = [entry.id for entry in ledger.entries if entry.id not in staged]
    quarantined = _quarantined(connection, instance.id, unknown)
    ledger.names = {str(id_): row for id_, row in client.general_ledger.entries([int(id_) for id_ in unknown]).items()}
    documents = {one.id: one for one in own}
    steps: list[LedgerStep] = []
    seen: set[str] = set()
    for entry in ledger.entries:
        document = documents.get(entry.id)
        if document is not None:
            steps += changed(document, entry.of(document.kind), again=entry.id in seen)
        elif entry.id in staged:
            steps.append(of_others(staged[entry.id], entry, instance.id))
        else:
            steps.append(unread(ledger.names.get(entry.id, {}), entry, entry.id in quarantined))
        seen.add(entry.id)
    for document in own:
        if document.id not in seen and document.total:
            sum_ = document.figures.sum
            why = "posted when it was read; the ledger of the month does not have it now"
            gone = Amount(-sum_.net, -sum_.tax)
            steps.append(
                _step(
                    UNEXPLAINED,
                    document.kind,
                    document.currency,
                    gone,
                    -document.base_total,
                    document.id,
                    document.number,
                    why,
                )
            )
    return steps


def changed(document: Document, entry: Entry, *, again: bool) -> list[LedgerStep]:
    """Return the difference of one document. `again`: a second currency on the same document, which the document cannot explain."""
    known = Amount() if again or entry.currency != document.currency else document.figures.sum
    base = 0 if again else document.base_total
    apart = Amount(entry.amount.net - known.net, entry.amount.tax - known.tax)
    company = entry.company.total - base
    if apart == Amount() and not company:
        return []
    read, there = shown(document.total, document.currency), shown(entry.amount.total, entry.currency)
    why = f"read with {read} {document.currency}, the ledger has {there} {entry.currency}"
    if apart == Amount():
        why = f"in company currency read with {plain(base)}, the ledger has {plain(entry.company.total)}"
    return [_step(UNEXPLAINED, document.kind, entry.currency, apart, company, document.id, document.number, why)]


def of_others(row: Mapping[str, Any], entry: Entry, instance: str) -> LedgerStep:
    """Return the entry of a staged document that is not among the month's own: whose it is, or that it came after it was read."""
    entry = entry.of(row["kind"])
    line, why = NOT_MAGENTO, ""
    if row["instance"] != instance:
        line, why = OTHER_INSTANCE, row["instance"]
    elif row["of_orders"]:
        line, why = UNEXPLAINED, "posted, or moved to this month, after it was read"
    return _step(line, row["kind"], entry.currency, entry.amount, entry.company.total, entry.id, row["number"], why)


def unread(row: Mapping[str, Any], entry: Entry, quarantined: bool) -> LedgerStep:
    """Return the entry of a document that is not staged, with the reason; `row` is Odoo's record of it, empty if it was deleted."""
    kind = _KINDS.get(row.get("move_type", ""))
    entry = entry.of(kind or Kind.INVOICE.value)
    line, why = UNEXPLAINED, "not read yet: it was posted after the last extract"
    if quarantined:
        line, why = QUARANTINED, "it cannot be read: see Quarantine"
    elif kind is None and row:
        line, why = ENTRY, "booked in the sales journal without an invoice"
    number = str(row.get("name") or f"* {entry.id}")
    return _step(
        line, kind or Kind.INVOICE.value, entry.currency, entry.amount, entry.company.total, entry.id, number, why
    )


def _step(
    line: str, kind: str, currency: str, amount: Amount, company: int, id_: str, number: str, why: str
) -> LedgerStep:
    return LedgerStep(line, kind, currency, amount, company, id_, number, why)


_STAGED = """
    select distinct on (source_id) instance, kind, source_id, number, order_key is not null or details ? 'without_order' as of_orders
    from document where side = 'odoo' and kind = any(:kinds) and source_id = any(:ids)
        and (instance = :instance or instance = any(:siblings) and order_key is not null)
    order by source_id, (instance = :instance and order_key is not null) desc, instance <> :instance desc, instance"""


def _staged(
    connection: Connection, instance: str, siblings: Sequence[str], ids: list[str]
) -> dict[str, Mapping[str, Any]]:
    values = {"instance": instance, "siblings": list(siblings), "ids": ids, "kinds": list(MONEY_KINDS)}
    return {row["source_id"]: dict(row) for row in connection.execute(text(_STAGED), values).mappings()}


def _quarantined(connection: Connection, instance: str, ids: list[str]) -> set[str]:
    statement = text(
        "select source_id from quarantine where instance = :instance and side = 'odoo' and kind = any(:kinds)"
        " and source_id = any(:ids) and resolved_at is null"
    )
    return set(connection.scalars(statement, {"instance": instance, "kinds": list(MONEY_KINDS), "ids": ids}))


def by_rate(
    connection: Connection, instance: str, ledger: GeneralLedger, own: Sequence[Document]
) -> dict[tuple[str, str, str], Amount]:
    """Return net and tax of all staged documents in the ledger by (kind, currency, rate), for comparison with the ledger's taxes."""
    documents = {one.id: one for one in own}
    parts: dict[tuple[str, str, str], Amount] = defaultdict(Amount)

    def add(kind: str, currency: str, figures: Figures) -> None:
        for cell, one in figures.cells.items():
            known = parts[kind, currency, cell.rate]
            parts[kind, currency, cell.rate] = Amount(known.net + one.net, known.tax + one.tax)

    others = [entry.id for entry in ledger.entries if entry.id not in documents]
    for entry in ledger.entries:
        if entry.id in documents:
            add(documents[entry.id].kind, documents[entry.id].currency, documents[entry.id].by_rate)
    rows = connection.execute(
        text("select kind, source_id, currency, grand_total - tax as net, tax from document where instance = :instance"
             " and side = 'odoo' and kind = any(:kinds) and source_id = any(:ids)"),
        {"instance": instance, "kinds": list(MONEY_KINDS), "ids": others},
    ).mappings().all()  # fmt: skip
    lines = line_sums(connection, instance, [(Side.ODOO.value, row["kind"], row["source_id"]) for row in rows])
    for row in rows:
        of_it = lines[Side.ODOO.value, row["kind"], row["source_id"]]
        add(row["kind"], row["currency"], split(row["net"], row["tax"], "", of_it))
    return parts
