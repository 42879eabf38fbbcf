"""The clearing account of each payment provider over a month: its movements, and items that are not cleared.

magodoo never posts fees, payouts and chargebacks. What others posted is one sum; items open for more than two weeks are listed
one by one. Amounts are in the currency of the items, debit positive: money that the provider holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from magodoo.settings import Instance
from magodoo.statement.periods import Month

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient

OLD = timedelta(days=14)


def read(client: OdooClient, instance: Instance, month: Month) -> list[dict[str, Any]]:
    """Return one row per account and currency, amounts in units of 1/10000.

    Keys: account, name, providers, currency, opening, captured, refunded, others, closing, unexplained, old. `unexplained` is the closing
    balance less the opening balance and the three movements; `old` are the items open for more than 14 days at the month's end.
    """
    currencies = {row["id"]: row["name"] for row in client.master_data.currencies()}
    result: list[dict[str, Any]] = []
    for account, providers in sorted(_accounts(client, instance).items()):
        result += _account(client, month, account, providers, currencies)
    return result


def _accounts(client: OdooClient, instance: Instance) -> dict[int, list[str]]:
    """Return the clearing accounts by id, with the payment methods that use them."""
    methods: dict[str, list[str]] = defaultdict(list)
    for name, method in instance.payment_methods.items():
        if method.journal:
            methods[method.journal].append(name)
    found: dict[int, list[str]] = defaultdict(list)
    for journal in client.master_data.journals():
        for line in journal["method_lines"]:
            if journal["code"] in methods and line["payment_account_id"]:
                names = found[line["payment_account_id"][0]]
                names += [name for name in methods[journal["code"]] if name not in names]
    return found


def _account(
    client: OdooClient, month: Month, account: int, providers: Sequence[str], currencies: Mapping[int, str]
) -> list[dict[str, Any]]:
    on_it = ["account_id", "=", account]
    before, until = ["date", "<", f"{month.first}"], ["date", "<=", f"{month.last}"]
    inside = [on_it, ["date", ">=", f"{month.first}"], until]
    parts = {
        "opening": [on_it, before],
        "captured": [*inside, ["payment_id.payment_type", "=", "inbound"]],
        "refunded": [*inside, ["payment_id.payment_type", "=", "outbound"]],
        "others": [*inside, ["payment_id", "=", False]],
        "closing": [on_it, until],
    }
    sums: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(parts, 0))
    for name, domain in parts.items():
        for row in client.general_ledger.sums(domain, ["currency_id"], ["amount_currency"]):
            sums[row["currency_id"]][name] += row["amount_currency"]
    (facts,) = client.master_data.accounts([account]).values()
    old = _old_items(client, month, account)
    return [
        {
            "account": str(facts["code"] or ""), "name": str(facts["name"]), "providers": list(providers),
            "currency": currencies.get(currency, ""), **amounts,
            "unexplained": amounts["closing"] - sum(amounts[name] for name in ("opening", "captured", "refunded", "others")),
            "old": old.get(currencies.get(currency, ""), []),
        }
        for currency, amounts in sorted(sums.items())
    ]  # fmt: skip


def _old_items(client: OdooClient, month: Month, account: int) -> dict[str, list[dict[str, Any]]]:
    """Return by currency the items that were open and older than two weeks at the month's end."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    old = [["account_id", "=", account], ["date", "<", f"{month.last - OLD}"]]
    for row in sorted(client.general_ledger.open_items(old, month.last), key=lambda row: (row["day"], row["id"])):
        found[row["currency"]].append({name: row[name] for name in ("day", "number", "reference", "amount", "open")})
    return found
