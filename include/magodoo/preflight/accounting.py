"""Checks of accounting: cut-over, lock dates, currencies, journals and their clearing accounts, e-invoicing, policies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from magodoo.domain.kinds import Need
from magodoo.domain.order_cents import Outcome as CentsOutcome
from magodoo.domain.order_cents import Rounding
from magodoo.flows.order_cents import OTHER_ROUNDINGS, Counted, count_orders
from magodoo.preflight import staged_orders
from magodoo.preflight.results import Outcome, some
from magodoo.preflight.subject import Check, Subject
from magodoo.settings import drafted_by_default

MONEY_JOURNALS = ("bank", "cash", "credit")


def cut_over(subject: Subject) -> Outcome:
    """Check `books_from`, the time from which on documents are written; without it none are."""
    start = subject.instance.books_from_utc
    outcome = Outcome()
    if start is not None:
        local = start.astimezone(subject.instance.zone)
        outcome.found = f"books_from {local:%Y-%m-%d %H:%M} {subject.instance.time_zone}"
    if start is None:
        outcome.refuse("books_from is not set", "set the local date-time from which on this pipeline keeps the books")
    elif start > subject.now():
        outcome.warn(f"books_from {start:%Y-%m-%d %H:%M} UTC lies in the future", "until then nothing is written")
    return outcome


def lock_dates(subject: Subject) -> Outcome:
    """Check for lock dates after the cut-over: Odoo moves such documents to an open period instead of refusing them (docs/facts/pair.md#10)."""
    locks = subject.odoo.company.lock_dates()
    start = subject.instance.books_from_utc
    outcome = Outcome(some(f"{name} {day}" for name, day in locks.items()) or "no lock date is set")
    if start is None:
        return outcome
    first = start.astimezone(subject.instance.zone).date()
    inside = {name: day for name, day in locks.items() if day >= first}
    if inside:
        outcome.warn(
            f"closed after books_from ({first}): {some(f'{name} {day}' for name, day in inside.items())}",
            "documents between become `closed_period`; set closed_period to post_in_open_period, or books_from later",
        )
    return outcome


def currencies(subject: Subject) -> Outcome:
    """Check that each currency of the staged orders is active, has a rate and exactly one pricelist (docs/facts/pair.md#6)."""
    own = subject.odoo.company.row()["currency_id"][1]
    used = staged_orders.currencies(subject.engine, subject.instance.id) or [own]
    known = {row["name"]: row for row in subject.odoo.master_data.currencies()}
    lists = [row for row in subject.odoo.master_data.pricelists() if row["active"]]
    outcome = Outcome(f"{some(used)}; the company's is {own}")
    for name in used:
        row = known.get(name)
        if row is None or not row["active"]:
            outcome.refuse(f"{name} is not active in Odoo", f"activate {name} and give it a rate")
            continue
        if name != own and row.get("rate") == 1:
            outcome.warn(f"{name} has no rate to {own}", "enter a rate; payments are converted at Odoo's rate")
        _pricelist(subject, name, lists, outcome)
    return outcome


def _pricelist(subject: Subject, currency: str, lists: list[dict[str, Any]], outcome: Outcome) -> None:
    wanted = subject.instance.odoo.pricelists.get(currency)
    stops = subject.needs(Need.ORDERS)
    fitting = [row["name"] for row in lists if row["currency_id"][1] == currency]
    if wanted is None and len(fitting) != 1:
        message = f"several pricelists in {currency}: {some(fitting)}" if fitting else f"no pricelist in {currency}"
        outcome.complain(message, f"name one in odoo.pricelists: {{{currency}: name}}", stops=stops)
    elif wanted is not None and fitting.count(wanted) != 1:
        outcome.complain(
            f"no single pricelist {wanted!r} in {currency}", f"it has {some(fitting) or 'none'}", stops=stops
        )


def adjustments(subject: Subject) -> Outcome:
    """Check whether the adjustments of credit memos lower the tax, once a taxed order of this shop has one."""
    choice, count = subject.instance.adjustment_tax, staged_orders.adjusted_memos(subject.engine, subject.instance.id)
    outcome = Outcome(f"adjustment_tax is {choice or 'not set'}; {_with_adjustments(count)} on taxed orders")
    if count and choice is None:
        outcome.complain(
            f"{_with_adjustments(count)} on taxed orders, and adjustment_tax is not set: Magento takes no tax back with an adjustment; whether the"
            " books do is for a person to say",
            "set adjustment_tax: none (the tax stays) or as the order's rates (the tax in the adjustment is taken back)",
            stops=subject.needs(Need.ENTRIES),
        )
    return outcome


def _with_adjustments(count: int) -> str:
    """Return how many credit memos have an adjustment, in words."""
    return {0: "no credit memo has an adjustment", 1: "1 credit memo has an adjustment"}.get(
        count, f"{count} credit memos have adjustments"
    )


def company_rate(subject: Subject) -> Outcome:
    """Check whose rate gives the company amounts of documents in another currency, and what that means for this shop."""
    own, choice = subject.odoo.company.currency(), subject.instance.company_rate
    foreign = [name for name in staged_orders.currencies(subject.engine, subject.instance.id) if name != own]
    outcome = Outcome(f"company_rate is {choice or 'not set'}; no order is in another currency than {own}")
    if not foreign:
        return outcome
    stops = subject.needs(Need.ENTRIES)
    if choice is None:
        outcome.complain(
            f"orders in {some(foreign)}, and company_rate is not set: whether Magento's rate or Odoo's gives the amounts in {own},"
            " which are what is booked and taxed, is for a person to say (many tax laws ask for an official rate)",
            "set company_rate: magento (equal to Magento's base amounts) or odoo (the rates that the company keeps in Odoo)",
            stops=stops,
        )
    elif choice == "odoo":
        outcome.found = (
            f"odoo: documents in {some(foreign)} are converted to {own} at Odoo's rate of their day; the difference from Magento's base"
            " amounts is expected, and summed in the monthly statement"
        )
    else:
        outcome.found = (
            f"magento: documents in {some(foreign)} have Magento's base amounts in {own}, to the cent, or are held; payments are converted"
            " at Odoo's rate, and the rest is an exchange difference"
        )
        others = [name for name in staged_orders.base_currencies(subject.engine, subject.instance.id) if name != own]
        if others:
            outcome.complain(
                f"Magento's base currency is {some(others)} and the company's is {own}: Magento has no amounts in {own}",
                "set company_rate: odoo",
                stops=stops,
            )
        elif not subject.odoo.rpc.has_field("account.move", "invoice_currency_rate"):
            outcome.complain(
                f"Odoo {subject.odoo.rpc.version} takes no rate: documents in {some(foreign)} are refused",
                "upgrade Odoo to 18 or later, or set company_rate: odoo",
                stops=stops,
            )
    if subject.needs(Need.PAYMENTS) and not subject.odoo.installation.may_book_exchange_differences():
        outcome.warn(
            f"payments of documents in {some(foreign)} are held: Odoo {subject.odoo.rpc.version} reads valuation layers when it books an"
            " exchange difference, which this user may not",
            "add the user to Inventory / Administrator, or register these payments by hand",
        )
    return outcome


def order_cents(subject: Subject) -> Outcome:
    """Check how many of the shop's orders an Odoo that takes no forced tax on orders comes to the cent with, and what would change that."""
    rounding = subject.odoo.rounding
    if rounding.forces_taxes():
        return Outcome("the tax of an order is taken as it is sent")
    now = rounding.of_company()
    others = [(words, way(now)) for words, way in OTHER_ROUNDINGS]
    counted = count_orders(subject.engine, subject.instance, [now, *(way for _, way in others)])
    method = "for the whole document" if now.globally else "for each line"
    outcome = Outcome(f"unit prices with {now.digits} digits, taxes rounded {method}; {_share(counted, now)}")
    if now.digits <= 2 or counted.outcomes[now].total() > _arriving(counted, now):
        also = "; ".join(f"with {words} {_arriving(counted, way)}" for words, way in others if way != now)
        outcome.warn(
            f"Odoo {subject.odoo.rpc.version} computes the taxes of orders itself, from unit prices with {now.digits} digits: of"
            f" {counted.computed} staged orders {_arriving(counted, now)} are imported, the others refused; {also}",
            "a person decides, as either changes the company's own prices and documents: more digits of Product Price (Settings, Technical,"
            " Decimal Accuracy), or Round Globally (Settings, Invoicing); or upgrade to 19. Refused orders are entered by hand",
        )
    return outcome


def _arriving(counted: Counted, way: Rounding) -> int:
    return sum(number for outcome, number in counted.outcomes[way].items() if outcome.arrives)


def _share(counted: Counted, way: Rounding) -> str:
    if not counted.computed:
        return "no order is staged yet"
    rounded = counted.outcomes[way][CentsOutcome.ROUNDED]
    return f"{_arriving(counted, way)} of {counted.computed} staged orders arrive, {rounded} of them with a tax that differs by rounding"


def sales_journal(subject: Subject) -> Outcome:
    """Check that the instance has one sales journal of its own, so that its numbers have no gaps made by others."""
    instance = subject.instance
    rows = [row for row in subject.odoo.master_data.journals() if row["active"] and row["type"] == "sale"]
    codes = [row["code"] for row in rows]
    wanted = instance.odoo.sales_journal
    stops = subject.needs(Need.ENTRIES)
    outcome = Outcome(f"sales journal {wanted or some(codes)}")
    if not codes:
        outcome.complain("the company has no sales journal", "create one in Odoo", stops=stops)
    elif wanted and codes.count(wanted) != 1:
        outcome.complain(
            f"no single sales journal {wanted!r}", f"name one of {some(codes)} in odoo.sales_journal", stops=stops
        )
    elif not wanted and len(codes) > 1:
        outcome.warn(
            f"several sales journals: {some(codes)}", "name one in odoo.sales_journal; Odoo takes the first otherwise"
        )
    sharing = [
        other.id
        for other in subject.settings.instances.values()
        if other.id != instance.id
        and (other.odoo_connection, other.odoo.company_id, other.odoo.sales_journal)
        == (instance.odoo_connection, instance.odoo.company_id, wanted)
    ]
    if sharing:
        outcome.warn(
            f"the sales journal is shared with {some(sharing)}", "give each instance a sales journal of its own"
        )
    return outcome


def payment_journals(subject: Subject) -> Outcome:
    """Check each provider's journal and its clearing accounts in both directions."""
    journals = subject.odoo.master_data.journals()
    methods = {name: method for name, method in subject.instance.payment_methods.items() if method.journal}
    stops = subject.needs(Need.PAYMENTS)
    outcome = Outcome(some(f"{name}: {method.journal}" for name, method in methods.items()) or "no payments are mapped")
    for name, method in methods.items():
        found = [row for row in journals if row["active"] and row["code"] == method.journal]
        if len(found) != 1 or found[0]["type"] not in MONEY_JOURNALS:
            codes = [row["code"] for row in journals if row["active"] and row["type"] in MONEY_JOURNALS]
            message = f"{name}: no single bank or cash journal {method.journal!r}"
            outcome.complain(message, f"name one of {some(codes)} by its code", stops=stops)
            continue
        for problem, todo in _accounts(found[0]):
            outcome.complain(f"{name}: {problem}", todo, stops=stops)
    uses = Counter(method.journal for method in methods.values())
    shared = [journal for journal, number in uses.items() if number > 1]
    if shared:
        outcome.warn(f"several methods share the journal {some(shared)}", "give each provider a journal of its own")
    without = [
        name
        for name, method in subject.instance.payment_methods.items()
        if method.captured_by_provider and not method.journal
    ]
    if without:
        outcome.complain(
            f"captured by the provider, but without journal: {some(without)}",
            "name the provider's journal",
            stops=stops,
        )
    return outcome


def _accounts(journal: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (problem, remedy) for the accounts of a journal's payment method lines, by direction."""
    code, own = journal["code"], journal["default_account_id"]
    todo = f"set an outstanding (clearing) account of type Current Assets, to be reconciled, on the payment methods of journal {code}"
    for direction in ("inbound", "outbound"):
        lines = [line for line in journal["method_lines"] if line["payment_type"] == direction]
        accounts = [line["payment_account"] for line in lines if line["payment_account"]]
        if not accounts:
            yield f"journal {code} has no {direction} outstanding account: a payment would make no entry", todo
            continue
        account = accounts[0]  # the account that Odoo uses for a payment
        is_own = bool(own) and any(
            line["payment_account_id"] and line["payment_account_id"][0] == own[0] for line in lines
        )
        if is_own or account["account_type"] == "asset_cash":
            yield f"the {direction} account {account['code']} of journal {code} is the bank account itself", todo
        elif account["account_type"] in ("asset_receivable", "liability_payable"):
            yield (
                f"the {direction} account {account['code']} of journal {code} is a receivable or payable account",
                todo,
            )


def e_invoicing(subject: Subject) -> Outcome:
    """Check the policies where posting may send a document to an authority; drafts are the default there."""
    instance = subject.instance
    found = subject.odoo.installation.e_invoicing(instance.odoo.sales_journal)
    meant = drafted_by_default(instance) if found else instance
    policies = {"invoices": meant.invoices.to_odoo, "credit_memos": meant.credit_memos.to_odoo}
    state = f"electronic invoicing is active: {some(found)}; " if found else "no electronic invoicing; "
    outcome = Outcome(state + ", ".join(f"{name} {policy}" for name, policy in policies.items()))
    if not found:
        return outcome
    posted = [name for name, policy in policies.items() if policy == "post"]
    written = {"invoices": instance.invoices, "credit_memos": instance.credit_memos}
    unwritten = [name for name, policy in written.items() if "to_odoo" not in policy.model_fields_set]
    if posted:
        todo = f"set to_odoo of {some(posted)} to draft, so that a person sends them; or leave it if posting may send"
        outcome.warn(f"{state}{some(posted)} are posted", todo)
    if unwritten:
        todo = f"write to_odoo of {some(unwritten)}: draft if that is meant, post if posting may send"
        outcome.warn(f"{state}{some(unwritten)} become drafts, which is the default then", todo)
    return outcome


def policies(subject: Subject) -> Outcome:
    """Warn of allowed settings with effects that should be intended."""
    instance = subject.instance
    outcome = Outcome(f"invoices to Magento {instance.invoices.to_magento}")
    if instance.invoices.to_magento == "when_posted" and subject.needs(Need.PAID_STATUS):
        outcome.warn(
            "when_posted: Magento shows an invoice as paid as soon as Odoo posts it",
            "use when_paid unless that is meant",
        )
    if instance.notify_customers:
        outcome.warn(
            "notify_customers: both systems mail the customer on every write", "set it to false unless that is meant"
        )
    if any(method.invoice_means_paid for method in instance.payment_methods.values()):
        names = [name for name, method in instance.payment_methods.items() if method.invoice_means_paid]
        outcome.warn(
            f"{some(names)}: every Magento invoice counts as money",
            "use it only where Magento invoices after the money came",
        )
    return outcome


CHECKS: tuple[tuple[str, Check], ...] = (
    ("Books: cut-over", cut_over),
    ("Books: lock dates", lock_dates),
    ("Books: currencies and pricelists", currencies),
    ("Books: company rate", company_rate),
    ("Books: adjustments of credit memos", adjustments),
    ("Books: cents of orders", order_cents),
    ("Books: sales journal", sales_journal),
    ("Books: payment journals", payment_journals),
    ("Books: e-invoicing", e_invoicing),
    ("Books: policies", policies),
)
