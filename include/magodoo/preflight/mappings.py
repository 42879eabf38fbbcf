"""Checks of the mappings: taxes, service products, payment methods, delivery methods, SKUs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from magodoo.domain.kinds import Need
from magodoo.errors import FixConfiguration
from magodoo.money import from_units, plain
from magodoo.preflight import staged_orders
from magodoo.preflight.results import Outcome, count, some
from magodoo.preflight.subject import Check, Subject
from magodoo.settings.tax_rules import ANY, TaxRule


def taxes(subject: Subject) -> Outcome:
    """Check that every rule names one active sales tax of its own rate, not included in the price, and an existing fiscal position."""
    rules = subject.instance.taxes
    stops = subject.needs(Need.LINES)
    outcome = Outcome(
        f"{count(len(rules), 'rule')}: {some(f'{_rate(rule)} {rule.country or str()}'.strip() for rule in rules)}"
    )
    if not rules:
        outcome.complain("no tax rules", "list `taxes`: rate, country and the exact name of the Odoo tax", stops=stops)
        return outcome
    if any(_is_bare_zero(rule) for rule in rules):
        message = "a rule of 0 % names nothing but its rate: no tax would be chosen by the rate alone"
        outcome.complain(message, "add `country`, `kind`, `has_vat` or another condition to it", stops=stops)
    known: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in subject.odoo.master_data.taxes():
        known[row["name"]].append(row)
    active = {name: [row for row in rows if row["active"]] for name, rows in known.items()}
    usable = sorted(name for name, rows in active.items() if rows)
    for name in dict.fromkeys(rule.odoo_tax for rule in rules):
        rates = {rule.rate for rule in rules if rule.odoo_tax == name}
        if name in known and not active[name]:
            outcome.complain(f"tax {name!r} is archived", f"take {name!r} out of the archive", stops=stops)
            continue
        for problem in [_absent(subject, "account.tax")] if name not in known else _wrong_with(active[name], rates):
            outcome.complain(f"tax {name!r} {problem}", f"correct `taxes`; Odoo has {some(usable)}", stops=stops)
    _compare_rules(subject, outcome)
    _compare_accounts(subject, outcome, stops=stops)
    _compare_countries(subject, outcome, {name: rows[0] for name, rows in active.items() if len(rows) == 1})
    missing = _unknown(subject, "account.fiscal.position", {rule.fiscal_position for rule in rules})
    if missing:
        outcome.complain(
            f"no single fiscal position {some(missing)}", "correct `fiscal_position` in `taxes`", stops=stops
        )
    return outcome


def _compare_countries(subject: Subject, outcome: Outcome, found: dict[str, dict[str, Any]]) -> None:
    """Check each rule's tax against the country that Odoo requires.

    That is the country of the fiscal position where it has a foreign tax ID, else the company's fiscal country.
    """
    own = subject.odoo.company.row().get("account_fiscal_country_id")
    fields = ["name", "country_id", "foreign_vat", "active"]
    positions = {
        row["name"]: row for row in subject.odoo.rpc.listed("account.fiscal.position", fields) if row["active"]
    }
    for rule in subject.instance.taxes:
        tax, position = found.get(rule.odoo_tax), positions.get(rule.fiscal_position or "")
        abroad = position["country_id"] if position and position["foreign_vat"] else None
        wanted = abroad or own
        if not tax or not tax["country_id"] or not wanted or tax["country_id"][0] == wanted[0]:
            continue
        country = tax["country_id"][1]
        if abroad:
            reason = f"fiscal position {rule.fiscal_position!r} has a foreign tax ID in {abroad[1]}"
            todo = f"name a tax of {abroad[1]} in its rule"
        else:
            reason = f"the company's fiscal country is {wanted[1]}"
            todo = f"name in its rule a fiscal position of {country} with a *foreign tax ID* there, or a tax of {wanted[1]}"
        outcome.warn(f"tax {rule.odoo_tax!r} is of {country}, {reason}: Odoo will refuse the documents", todo)


def _compare_accounts(subject: Subject, outcome: Outcome, *, stops: bool) -> None:
    """Check that the tax that a marketplace collects goes to accounts of its own, which no tax of the shop goes to."""
    rules = subject.instance.taxes
    theirs = {rule.odoo_tax for rule in rules if rule.is_of_marketplace}
    both = theirs & {rule.odoo_tax for rule in rules if not rule.is_of_marketplace}
    if not theirs:
        return
    accounts = {tax.name: tax.accounts for tax in subject.odoo.general_ledger.taxes().values()}
    own = {account: name for name in {rule.odoo_tax for rule in rules} - theirs for account in accounts.get(name, ())}
    for name in sorted(theirs & set(accounts)):
        shared = sorted(accounts[name] & set(own))
        if not accounts[name]:
            message = (
                f"tax {name!r}, which a marketplace collects, names no account: its tax would be booked as revenue"
            )
        elif shared:
            message = f"tax {name!r}, which a marketplace collects, goes to {some(shared)} as the shop's own tax {own[shared[0]]!r} does"
        elif name in both:
            message = f"tax {name!r} is of rules with and without `tax_collected_by: marketplace`"
        else:
            continue
        outcome.complain(message, f"give {name!r} an account of its own for what marketplaces collect", stops=stops)


def _is_bare_zero(rule: TaxRule) -> bool:
    """Return whether the rule is 0 % without a condition: exempt, export, reverse charge or a mistake cannot be distinguished by rate."""
    return not rule.rate and rule.names_only_its_rate


def _compare_rules(subject: Subject, outcome: Outcome) -> None:
    """Name each rule that can never decide, and pairs of which the order in the file decides."""
    rules, countries = subject.instance.taxes, subject.instance.source_countries
    known = {*subject.instance.odoo.warehouses.values(), *countries}
    for index, rule in enumerate(rules):
        if rule.from_source is not None and rule.from_source not in known:
            message = (
                f"{_which(rules, index)} is for the source {rule.from_source!r}, which no setting names: it never fits"
            )
            outcome.warn(
                message, "name the source in `odoo.warehouses` or `source_countries`, or correct `from_source`"
            )
        if rule.from_country is not None and rule.from_country not in countries.values():
            message = f"{_which(rules, index)} is for goods from {rule.from_country}, and no source of `source_countries` is there"
            outcome.warn(message, "write each Magento source and its country in `source_countries`")
        before = [at for at in range(index) if rules[at].covers(rule, countries)]
        if before:
            message = f"{_which(rules, index)} is never reached: {_which(rules, before[0])} fits all that it fits"
            outcome.warn(message, "move the more exact rule of `taxes` before the other one, or remove it")
            continue
        for at in range(index):
            both = rules[at].overlaps(rule, countries) and not rule.covers(rules[at], countries)
            first = (
                rules[at].is_of_marketplace and not rule.is_of_marketplace
            )  # its orders are taken out before the shop's own rules
            if both and not first and rules[at].outcome != rule.outcome:
                message = (
                    f"{_which(rules, at)} and {_which(rules, index)} can fit the same line and name different taxes"
                )
                outcome.warn(
                    message,
                    "the first one decides: add a condition to one of the two, so that their order does not matter",
                )


def _rate(rule: TaxRule) -> str:
    return (
        f"{_figure(rule.rate)} %"
        if isinstance(rule.rate, Decimal)
        else f"tax as charged in {rule.region or 'any region'},"
    )


def _which(rules: Sequence[TaxRule], index: int) -> str:
    """Return a rule's place in `taxes`, with its line of the file where it is known."""
    line = rules[index].line
    return f"rule {index + 1} of `taxes`" + (f" (line {line})" if line else "")


def _wrong_with(found: list[dict[str, Any]], rates: set[Decimal | Literal["any"]]) -> list[str]:
    if len(found) != 1:
        return [f"exists {count(len(found), 'time')}"]
    amount, wrong = Decimal(str(found[0]["amount"])), []
    if found[0]["amount_type"] != "percent":
        wrong.append(f"is computed as {found[0]['amount_type']}, not as a percentage")
    elif ANY in rates and not amount:
        wrong.append("is 0 %: Odoo would keep no amount on it; `amount: as charged` needs a tax above 0 %")
    elif rates - {ANY} not in ({amount}, set()):
        listed = sorted(rate for rate in rates if isinstance(rate, Decimal))
        wrong.append(f"is {_figure(amount)} %, the rule says {some(_figure(rate) for rate in listed)} %")
    if found[0]["price_include"]:
        wrong.append("is included in the price; documents are written with prices before tax")
    return wrong


def magento_tax_rates(subject: Subject) -> Outcome:
    """Check for tax rates of Magento without a rule; a warning, since only rates that occur block documents."""
    outcome = Outcome("every rate of the shop has a rule")
    try:
        rows = subject.magento.tax_rates()
    except FixConfiguration as problem:
        outcome.warn(
            f"the shop's rates cannot be read: {problem}", "grant Magento_Tax::manage_tax, or compare them by hand"
        )
        return outcome
    left = [
        f"{_figure(Decimal(str(row['rate'])))} % {row['tax_country_id']}"
        for row in rows
        if not any(
            rule.fits_rate(Decimal(str(row["rate"])), taxed=bool(Decimal(str(row["rate"]))))
            and rule.country in (None, row["tax_country_id"])
            and (not rule.as_charged or rule.fits_region(*[str(row.get("region_name") or rule.region)] * 2))
            for rule in subject.instance.taxes
        )
    ]
    if left:
        outcome.warn(
            f"without a rule: {some(dict.fromkeys(left))}", "add them to `taxes`, unless they are never charged"
        )
    return outcome


def service_products(subject: Subject) -> Outcome:
    """Check the products for shipping, discount and adjustments: services that are invoiced on ordered quantities."""
    names = subject.instance.odoo
    wanted = (
        names.shipping_product,
        names.shipping_discount_product,
        names.adjustment_plus_product,
        names.adjustment_minus_product,
        *subject.instance.named_products,
    )
    rows = subject.odoo.master_data.products(wanted)
    archived = {row["default_code"] for row in rows if not row["active"]}
    stops = subject.needs(Need.LINES)
    outcome = Outcome(some(wanted))
    for sku in wanted:
        found = [row for row in rows if row["default_code"] == sku and row["active"]]
        if not found and sku in archived:
            outcome.complain(f"product {sku} is archived", f"take {sku} out of the archive", stops=stops)
        elif len(found) != 1:
            message = (
                f"{count(len(found), 'product')} {sku}"
                if found
                else f"no product {sku}: it {_absent(subject, 'product.product')}"
            )
            outcome.complain(
                message, "create the service products: make provision does (docs/how-to/connect-odoo.md 3)", stops=stops
            )
        elif found[0]["type"] != "service":
            outcome.complain(f"{sku} is no service", f"make {sku} a service", stops=stops)
        elif found[0]["invoice_policy"] != "order":
            message = f"{sku} is invoiced on delivered quantities: it would never be delivered"
            outcome.complain(message, f"set the invoicing policy of {sku} to ordered quantities", stops=stops)
    return outcome


def payment_methods(subject: Subject) -> Outcome:
    """Check for payment methods of staged orders that the settings do not list: their captured money becomes `unmapped`."""
    instance = subject.instance
    seen = staged_orders.payment_methods(subject.engine, instance.id)
    listed = set(instance.payment_methods) | set(instance.exclude.payment_methods)
    left = [f"{name} ({count(number, 'order')})" for name, number in seen.items() if name not in listed]
    outcome = Outcome(f"listed: {some(instance.payment_methods) or 'none'}; seen: {some(seen) or 'none yet'}")
    if left:
        outcome.warn(f"not listed: {some(left)}", "add them to `payment_methods` and say what they mean in the books")
    missing = _unknown(
        subject, "account.payment.term", {method.payment_term for method in instance.payment_methods.values()}
    )
    if missing:
        stops = subject.needs(Need.ORDERS)
        outcome.complain(f"no single payment term {some(missing)}", "correct `payment_term`", stops=stops)
    _discounts(subject, outcome)
    return outcome


def _discounts(subject: Subject, outcome: Outcome) -> None:
    """Warn of payment terms with an early-payment discount; one that lowers the tax on the invoice changes its total."""
    used = {method.payment_term for method in subject.instance.payment_methods.values() if method.payment_term}
    fields = ["name", "early_discount", "early_pay_discount_computation"]
    rows = subject.odoo.rpc.listed("account.payment.term", fields) if used else []
    granting = [row for row in rows if row["name"] in used and row.get("early_discount")]
    if granting:
        at_once = [row["name"] for row in granting if row.get("early_pay_discount_computation") == "mixed"]
        words = f"; {some(at_once)} lowers the tax on the invoice, which then differs from Magento's" if at_once else ""
        outcome.warn(
            f"payment terms with a discount for early payment: {some(row['name'] for row in granting)}{words}",
            "use a term without one, or book what was granted by hand",
        )


def extra_totals(subject: Subject) -> Outcome:
    """Check that each journal of a payment part has a liability as outstanding account in both directions."""
    parts = {name: extra.journal for name, extra in subject.instance.extra_totals.items() if extra.journal}
    outcome = Outcome(
        some(f"{name}: {extra.nature}" for name, extra in subject.instance.extra_totals.items()) or "none"
    )
    journals = (
        {row["code"]: row for row in subject.odoo.master_data.journals() if row["active"] is not False} if parts else {}
    )
    stops = subject.needs(Need.PAYMENT_PARTS)
    for name, code in parts.items():
        if code not in journals:
            outcome.complain(
                f"{name}: no journal {code}", f"create it, or correct `extra_totals.{name}.journal`", stops=stops
            )
            continue
        for direction in ("inbound", "outbound"):
            account = _outstanding(journals[code], direction)
            kind = str((account or {}).get("account_type"))
            if not kind.startswith("liability_") or kind == "liability_payable":
                message = f"{name}: the {direction} outstanding account of journal {code} is no liability"
                outcome.complain(
                    message, "set the liability account on the journal's payment method lines", stops=stops
                )
    return outcome


def _outstanding(journal: dict[str, Any], direction: str) -> dict[str, Any] | None:
    """Return the account of the journal's first payment method line in a direction that has one."""
    lines = [line for line in journal["method_lines"] if line["payment_type"] == direction]
    return next((line["payment_account"] for line in lines if line["payment_account"]), None)


def carriers(subject: Subject) -> Outcome:
    """Check the delivery methods by name; a warning, since an order without one is imported without delivery method."""
    mapped = subject.instance.odoo.carriers
    seen = staged_orders.shipping_methods(subject.engine, subject.instance.id)
    outcome = Outcome(some(f"{code}: {name}" for code, name in mapped.items()) or "no delivery methods are mapped")
    missing = _unknown(subject, "delivery.carrier", set(mapped.values())) if mapped else []
    if missing:
        outcome.warn(
            f"no single delivery method {some(missing)}", "correct `odoo.carriers` (Magento carrier code: Odoo name)"
        )
    left = [method for method in seen if method not in mapped and method.split("_")[0] not in mapped]
    if left:
        outcome.warn(
            f"without a delivery method: {some(left)}", "add them to `odoo.carriers`; orders are imported without one"
        )
    return outcome


def skus(subject: Subject) -> Outcome:
    """Check for SKUs of staged orders with no product or several in Odoo: those orders cannot be written."""
    wanted = staged_orders.skus(subject.engine, subject.instance.id)
    found: dict[str, int] = dict.fromkeys(wanted, 0)
    for row in subject.odoo.master_data.products(wanted) if wanted else []:
        if row["active"]:
            found[row["default_code"]] += 1
    outcome = Outcome(
        f"{count(len(wanted), 'SKU')} of staged orders, each one product" if wanted else "no orders are staged yet"
    )
    missing = [sku for sku, number in found.items() if not number]
    double = [sku for sku, number in found.items() if number > 1]
    if missing:
        outcome.warn(
            f"no product for {count(len(missing), 'SKU')}: {some(missing)}", "create them in Odoo, or exclude them"
        )
    if double:
        outcome.warn(f"several products for {some(double)}", "archive all but one")
    return outcome


def decimal_accuracy(subject: Subject) -> Outcome:
    """Check for quantities with more decimals than Odoo keeps for their unit: Odoo would cut 0.333 to 0.33."""
    books = subject.odoo
    outcome = Outcome(f"Odoo keeps quantities to {books.units.accuracy():f}")
    fractions = staged_orders.fractions(subject.engine, subject.instance.id)
    steps = {row["id"]: Decimal(row["step"]) for row in books.units.rows()}
    found: dict[str, str] = {}
    for row in books.master_data.products(sorted({sku for sku, _ in fractions})) if fractions else []:
        step = steps.get(row["uom_id"][0]) if row["active"] and row["uom_id"] else None
        for sku, units in fractions:
            if step and sku == row["default_code"] and from_units(units) % step:
                found.setdefault(sku, f"{sku} ({plain(units, 0)} {row['uom_id'][1]}, kept to {step:f})")
    if found:
        outcome.complain(
            f"sold in quantities with more decimals than Odoo keeps: {some(found.values())}",
            "raise the digits of the unit: Settings, Technical, Decimal Accuracy; such orders are not written before",
            stops=False,
        )
    return outcome


def _absent(subject: Subject, model: str) -> str:
    """Return the rest of a sentence on a record that is not visible: a hidden record cannot be distinguished from a missing one."""
    if not subject.odoo.visibility.hides(model):
        return "does not exist"
    return (
        "does not exist, or may not be read: record rules, or other companies, hide records of its model from this user"
    )


def _unknown(subject: Subject, model: str, wanted: set[str | None]) -> list[str]:
    """Return the names of which Odoo does not have exactly one active record."""
    names = sorted(name for name in wanted if name)
    if not names:
        return []
    rows = subject.odoo.rpc.listed(model, ["name", "active"], [["name", "in", names]])
    active = [row["name"] for row in rows if row.get("active") is not False]
    return [name for name in names if active.count(name) != 1]


def _figure(rate: Decimal) -> str:
    return f"{rate.normalize():f}"


CHECKS: tuple[tuple[str, Check], ...] = (
    ("Mappings: taxes", taxes),
    ("Mappings: service products", service_products),
    ("Mappings: payment methods", payment_methods),
    ("Mappings: amounts beside the parts", extra_totals),
    ("Mappings: delivery methods", carriers),
    ("Mappings: products", skus),
    ("Mappings: decimal accuracy", decimal_accuracy),
)
SHOP_CHECKS: tuple[tuple[str, Check], ...] = (("Mappings: tax rates of the shop", magento_tax_rates),)
